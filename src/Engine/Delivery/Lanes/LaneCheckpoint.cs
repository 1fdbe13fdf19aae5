using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;
using Matih.Delivery.Tables;

namespace Matih.Delivery.Lanes;

/// <summary>
/// Everything that a lane did between two checkpoints, or that lanes did which write in common: durable files, positions, and
/// the fate of each record.
/// </summary>
internal sealed record LaneCheckpoint(ImmutableArray<WrittenFile> Files, ImmutableArray<PartitionStretch> Partitions, Books Books, RejectedUnderFail? Rejected)
{
    /// <summary>When the first of the files was begun, or staged; null where there is none. Somebody's orphan removal counts from there.</summary>
    public DateTimeOffset? BegunAt { get; init; }

    /// <summary>The bad records among those that were read; their number is in the books as well.</summary>
    public SkippedRecords Skipped { get; init; } = SkippedRecords.None;

    /// <summary>What lanes did together, without files.</summary>
    public static LaneCheckpoint Merge(IReadOnlyList<LaneCheckpoint> lanes) => new(
        [], [.. lanes.SelectMany(lane => lane.Partitions)], lanes.Aggregate(default(Books), (sum, lane) => sum + lane.Books),
        lanes.Select(lane => lane.Rejected).FirstOrDefault(rejected => rejected is not null))
    {
        BegunAt = lanes.Min(lane => lane.BegunAt),
        Skipped = SkippedRecords.Merge(lanes.Select(lane => lane.Skipped)),
    };

    /// <summary>The same with the files that hold its rows, no more and no less.</summary>
    public LaneCheckpoint WithFiles(ImmutableArray<WrittenFile> files)
    {
        var books = Books with { AddedFileCount = files.Length, AddedRowCount = files.Sum(file => file.RowCount) };
        if (books.AddedRowCount != books.RowCount)
            throw new InvalidOperationException($"{Quantity.Of(books.RowCount, "row")} produced, but the closed files hold {Quantity.Count(books.AddedRowCount)}.");
        return this with { Files = files, Books = books };
    }

    public bool HasMoved => !Files.IsEmpty || Partitions.Any(stretch => stretch.Entry.NextOffset != stretch.Entry.FromOffset);
}

/// <summary>The record that ended a lane under <c>on_error: fail</c>. It is not part of the checkpoint: a restart meets it again.</summary>
internal sealed record RejectedUnderFail(int Partition, long Offset, string Reason)
{
    public PipelineException ToException(string topic) => new(FailureKind.RecordRejected,
        $"The record at offset {Offset} of partition {Partition} of topic '{topic}' was rejected: {Reason.TrimEnd('.')}. Everything before it is committed.",
        "Correct the producer or the SQL, or pass bad records over with on_error: skip; a restart meets this record again.");
}
