using System.Collections.Immutable;
using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;
using Matih.Delivery.Tables;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Delivery.Staging;

/// <summary>What a commit takes over from the other members.</summary>
/// <param name="Checkpoint">Files, positions and books, as a lane would hand them over; null where there is nothing.</param>
/// <param name="Taken">The ranges in it.</param>
/// <param name="Rewritten">Data files whose rows are in other files of the commit.</param>
internal sealed record IntakeBatch(LaneCheckpoint? Checkpoint, ImmutableArray<RangeName> Taken, ImmutableArray<WrittenFile> Rewritten);

/// <summary>
/// The committer's view of what other members staged: chains their ranges onto the ledger's positions, reads from Kafka what
/// nobody will stage any more, and puts the rows of small ranges together into files of a good size. One per session.
/// </summary>
internal sealed class RangeIntake(FlowContext flow, IStore store, StagingArea area, StallWatch stalls, MissingRangeReading missing, SmallRangeRewrite smallRanges)
{
    /// <summary>Somebody's orphan removal may take files that nothing refers to for so long (docs/delivery.md, "Clocks and ages").</summary>
    public static readonly TimeSpan StagedAgeMax = TimeSpan.FromHours(12);

    /// <summary>A commit waits no longer than this for what has to be read from Kafka; the rest of it is the next commit's.</summary>
    private static readonly TimeSpan FillTimeMax = TimeSpan.FromSeconds(10);

    private readonly HashSet<string> _unusable = [];

    /// <summary>Ranges that were read side by side before they are chained; null where one is unusable.</summary>
    private readonly Dictionary<string, StagedRange?> _ahead = [];
    private ImmutableArray<RangeName> _covered = [];

    /// <summary>Bytes of the data files of the ranges taken by the collection under way.</summary>
    private long _takenBytes;

    /// <summary>What follows on the ledger's positions now.</summary>
    /// <param name="source">The positions of the ledger that the commit will stand on.</param>
    /// <param name="own">Partitions that this member reads itself: nothing is taken over for them.</param>
    /// <param name="mayFill">Whether what is missing may be read from Kafka, which takes a while.</param>
    public async ValueTask<IntakeBatch> CollectAsync(SourceLedger source, IReadOnlySet<int> own, bool mayFill, CancellationToken cancellationToken)
    {
        var names = (await area.ListAsync(cancellationToken)).ToLookup(name => name.Partition);
        var small = new List<StagedRange>();
        var taken = ImmutableArray.CreateBuilder<RangeName>();
        var chained = new List<ChainedPartition>();
        RejectedUnderFail? rejected = null;
        _takenBytes = 0;
        var startedAt = flow.Clock.GetTimestamp();
        await ReadAheadAsync(source.Partitions.Where(entry => !own.Contains(entry.Partition)).SelectMany(entry => RangeChain.From(Usable(names[entry.Partition]), entry.NextOffset)), cancellationToken);
        foreach (var entry in source.Partitions)
        {
            if (own.Contains(entry.Partition)) continue;
            var partition = new ChainedPartition(entry);
            await ChainAsync(partition, names[entry.Partition].ToList(), small, taken, cancellationToken);
            var timeLeft = FillTimeMax - flow.Clock.GetElapsedTime(startedAt);
            if (mayFill && timeLeft > TimeSpan.Zero) rejected ??= await FillAsync(partition, source, names[entry.Partition].ToList(), timeLeft, small, taken, cancellationToken);
            if (partition.HasMoved) chained.Add(partition);
        }
        NoteWaiting(source, names);
        _covered = [.. source.Partitions.SelectMany(entry => names[entry.Partition].Where(name => name.ToOffset <= entry.NextOffset))];
        if (chained.Count == 0 && rejected is null) return new IntakeBatch(null, [], []);

        var rewritten = await smallRanges.RunAsync(small, cancellationToken);
        ImmutableArray<WrittenFile> files = [.. chained.SelectMany(partition => partition.Files), .. rewritten.Files];
        var books = chained.Aggregate(default(Books), (sum, partition) => sum + partition.Books) with { AddedFileCount = files.Length };
        var checkpoint = new LaneCheckpoint(files, [.. chained.Select(partition => new PartitionStretch(partition.Entry, StretchGaps.None))], books, rejected)
        {
            BegunAt = taken.Count == 0 ? null : taken.Min(name => name.StagedAt),
            Skipped = SkippedRecords.Merge(chained.Select(partition => partition.Skipped)),
        };
        return new IntakeBatch(checkpoint, taken.ToImmutable(), rewritten.Replaced);
    }

    /// <summary>
    /// The batch is in the table: what it took over can go, and records of ranges that the ledger had covered before. Files of
    /// the latter stay, because it is not known whether the table refers to them. A failure to delete is harmless.
    /// </summary>
    public async ValueTask ClearAsync(IntakeBatch batch, CancellationToken cancellationToken)
    {
        foreach (var location in batch.Taken.Concat(_covered).Select(name => name.Location).Concat(batch.Rewritten.Select(file => file.Location)))
        {
            try
            {
                await store.DeleteAsync(location, cancellationToken);
            }
            catch (IOException e)
            {
                flow.Log.Debug("cleanup-failed", $"{location}, which the last commit made superfluous, could not be deleted: {e.Message}");
            }
        }
        _covered = [];
    }

    /// <summary>Deletes records that are of no use to anybody any more.</summary>
    public ValueTask ClearForgottenAsync(CancellationToken cancellationToken) => area.ClearForgottenAsync(flow.Clock.GetUtcNow(), cancellationToken);

    /// <summary>What the table's positions do not cover: what this commit takes, and what lies behind a gap.</summary>
    private void NoteWaiting(SourceLedger source, ILookup<int, RangeName> names)
    {
        var waiting = source.Partitions.Sum(entry => Usable(names[entry.Partition]).Count(name => name.ToOffset > entry.NextOffset));
        flow.Progress.NoteStagedWaiting(new StagedWaiting(waiting, _takenBytes));
    }

    private List<RangeName> Usable(IEnumerable<RangeName> names) => [.. names.Where(name => !_unusable.Contains(name.Location))];

    private async ValueTask ReadAheadAsync(IEnumerable<RangeName> names, CancellationToken cancellationToken)
    {
        _ahead.Clear();
        var reading = names.ReadAheadAsync(_ => 0, async ValueTask<(string, StagedRange?)> (name, token) => (name.Location, await ReadUsableAsync(name, token)), cancellationToken);
        await foreach (var (location, range) in reading) _ahead[location] = range;
    }

    private async ValueTask ChainAsync(
        ChainedPartition partition, List<RangeName> names, List<StagedRange> small, ImmutableArray<RangeName>.Builder taken, CancellationToken cancellationToken)
    {
        while (RangeChain.Next(Usable(names), partition.Position) is ChainStep.Take(var name))
        {
            if ((_ahead.Remove(name.Location, out var read) ? read : await ReadUsableAsync(name, cancellationToken)) is not { } range)
            {
                _unusable.Add(name.Location);
                continue;
            }
            var isSmall = range.Bytes < flow.Plan.SmallRangeBytes;
            partition.Append(range.Entry, range.Books with { AddedFileCount = 0 }, range.Skipped, isSmall ? [] : range.Files);
            if (isSmall) small.Add(range);
            taken.Add(name);
            _takenBytes += range.Bytes;
        }
    }

    private async ValueTask<StagedRange?> ReadUsableAsync(RangeName name, CancellationToken cancellationToken)
    {
        string reason;
        try
        {
            if (flow.Clock.GetUtcNow() - name.StagedAt > StagedAgeMax) reason = $"it was staged at {name.StagedAt:O}, more than {StagedAgeMax.TotalHours:0} hours ago";
            else if (await area.ReadAsync(name, cancellationToken) is not { } range) reason = "its record is gone";
            else if (!await area.HasFilesAsync(range, cancellationToken)) reason = "a data file of it is gone, or has another length";
            else return range;
        }
        catch (FormatException e)
        {
            reason = e.Message;
        }
        flow.Log.Warning("range-dropped",
            $"Flow {flow.Name}: offsets {name.FromOffset} to {name.ToOffset - 1} of partition {name.Partition} were staged at {name.Location}, which is not used ({reason}); they are read again.",
            ("partition", name.Partition), ("from", name.FromOffset), ("to", name.ToOffset));
        return null;
    }

    /// <summary>
    /// Reads what the chain lacks: where others went on behind a gap, and where nobody seems to read a partition that has
    /// records. Both wait a while first, because mostly the range is only late.
    /// </summary>
    private async ValueTask<RejectedUnderFail?> FillAsync(
        ChainedPartition partition, SourceLedger source, List<RangeName> names, TimeSpan timeMax, List<StagedRange> small, ImmutableArray<RangeName>.Builder taken,
        CancellationToken cancellationToken)
    {
        var next = RangeChain.Next(Usable(names), partition.Position);
        var missingEnd = next is ChainStep.Missing(var to) ? to : (long?)null;
        if (await stalls.EndToReadAsync(partition, missingEnd, cancellationToken) is not { } end) return null;

        flow.Log.Information("missing-range-read",
            $"Flow {flow.Name}: nobody staged offsets {partition.Position} to {end - 1} of partition {partition.Partition}; they are read from Kafka here.",
            ("partition", partition.Partition), ("from", partition.Position), ("to", end));
        var read = await missing.ReadAsync(new BoundedRange(partition.Entry, end), source, timeMax, cancellationToken);
        foreach (var (entry, _) in read.Partitions) partition.Append(entry, read.Books with { AddedFileCount = 0 }, read.Skipped, read.Files);
        await ChainAsync(partition, names, small, taken, cancellationToken);
        return read.Rejected;
    }
}
