using System.Collections.Immutable;
using Matih.Delivery.Skipping;

namespace Matih.Delivery.Ledgers;

/// <summary>Identifies one commit of one ledger; all attempts of a commit share it.</summary>
public readonly record struct CommitId(Guid Value)
{
    public override string ToString() => Value.ToString("D");
}

/// <summary>Rises whenever a writer takes a ledger over; the older one is refused from then on.</summary>
public readonly record struct WriterEpoch(long Value) : IComparable<WriterEpoch>
{
    public WriterEpoch Next() => new(Value + 1);

    public int CompareTo(WriterEpoch other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>What the last record before a position looked like: tells a topic from another that took its name.</summary>
/// <param name="Offset">The record's offset.</param>
/// <param name="TimestampMillis">Its Kafka timestamp, -1 where it has none.</param>
/// <param name="Crc32C">CRC-32C over its key's bytes, then its value's.</param>
public readonly record struct Fingerprint(long Offset, long TimestampMillis, uint Crc32C);

/// <summary>Where one partition stands, and what the commit that wrote this did to it.</summary>
/// <param name="Partition">The partition's id.</param>
/// <param name="FromOffset">The position before this commit: the commit's range is FromOffset to NextOffset, end excluded.</param>
/// <param name="NextOffset">The offset to read next.</param>
/// <param name="RecordCount">Records that the range held for this reader; the other offsets held none.</param>
/// <param name="Last">The last record read, null before the first.</param>
/// <param name="MaxTimestampMillis">The greatest record timestamp read so far, -1 before the first.</param>
/// <param name="IsUnreadEarliest">
/// The partition was to be read from its log start and nothing was read yet: retention may move that start up without loss.
/// </param>
public sealed record PartitionLedger(
    int Partition, long FromOffset, long NextOffset, long RecordCount, Fingerprint? Last, long MaxTimestampMillis, bool IsUnreadEarliest = false)
{
    /// <summary>The entry of a partition that nothing was read from yet.</summary>
    public static PartitionLedger StartingAt(int partition, long offset, bool isEarliest) => new(partition, offset, offset, 0, null, -1, isEarliest);

    /// <summary>The same position, as the next commit's unmoved beginning.</summary>
    public PartitionLedger Unmoved() => this with { FromOffset = NextOffset, RecordCount = 0 };
}

/// <summary>One source of the pipeline: which topic it was, and where its partitions stand (ascending by id).</summary>
public sealed record SourceLedger(
    string Name, string Topic, string? ClusterId, string? TopicId, string IsolationLevel, ImmutableArray<PartitionLedger> Partitions)
{
    public PartitionLedger? Find(int partition)
    {
        foreach (var entry in Partitions)
            if (entry.Partition == partition) return entry;
        return null;
    }

    /// <summary>The greatest record timestamp of all partitions; null before the first record.</summary>
    internal long? NewestTimestampMillis => Partitions.Select(entry => entry.MaxTimestampMillis).DefaultIfEmpty(-1).Max() is >= 0 and var newest ? newest : null;

    public bool Equals(SourceLedger? other) =>
        other is not null && Name == other.Name && Topic == other.Topic && ClusterId == other.ClusterId && TopicId == other.TopicId
        && IsolationLevel == other.IsolationLevel && Partitions.AsSpan().SequenceEqual(other.Partitions.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Name, Topic, ClusterId, TopicId, Partitions.Length);
}

/// <summary>Source records by fate, and what was added to the table, over some stretch of time.</summary>
/// <param name="ProducedCount">Records that became rows.</param>
/// <param name="FilteredCount">Records that the SQL left out, and tombstones of formats that give no row for one.</param>
/// <param name="AbsorbedCount">Records that went into operator state.</param>
/// <param name="RejectedCount">Records sent to the dead letters.</param>
/// <param name="SkippedCount">Bad records passed over under <c>on_error: skip</c>.</param>
/// <param name="LostCount">Offsets given up under <c>on_lost_offsets: skip</c>.</param>
/// <param name="AddedRowCount">Rows in the data files added; equals the manifests.</param>
/// <param name="AddedFileCount">Data files added; equals the manifests.</param>
public readonly record struct Books(
    long ProducedCount, long FilteredCount, long AbsorbedCount, long RejectedCount, long SkippedCount, long LostCount,
    long AddedRowCount, long AddedFileCount)
{
    /// <summary>Rows beyond the first of records that became several: an UNNEST makes one of each element.</summary>
    public long ExpandedCount { get; init; }

    /// <summary>Rows that the records became, of which the files hold each.</summary>
    public long RowCount => ProducedCount + ExpandedCount;

    /// <summary>All records that were read.</summary>
    public long RecordCount => ProducedCount + FilteredCount + AbsorbedCount + RejectedCount + SkippedCount;

    public static Books operator +(Books left, Books right) => new(
        left.ProducedCount + right.ProducedCount, left.FilteredCount + right.FilteredCount, left.AbsorbedCount + right.AbsorbedCount,
        left.RejectedCount + right.RejectedCount, left.SkippedCount + right.SkippedCount, left.LostCount + right.LostCount,
        left.AddedRowCount + right.AddedRowCount, left.AddedFileCount + right.AddedFileCount) { ExpandedCount = left.ExpandedCount + right.ExpandedCount };

    public static Books operator -(Books left, Books right) => new(
        left.ProducedCount - right.ProducedCount, left.FilteredCount - right.FilteredCount, left.AbsorbedCount - right.AbsorbedCount,
        left.RejectedCount - right.RejectedCount, left.SkippedCount - right.SkippedCount, left.LostCount - right.LostCount,
        left.AddedRowCount - right.AddedRowCount, left.AddedFileCount - right.AddedFileCount) { ExpandedCount = left.ExpandedCount - right.ExpandedCount };
}

/// <summary>A range of offsets given up by explicit choice; the end is excluded.</summary>
public readonly record struct LostRange(string Source, int Partition, long FromOffset, long ToOffset);

/// <summary>A range of offsets that a replay read again; the end is excluded.</summary>
/// <param name="RecordCount">Records that the range holds; the other offsets hold none.</param>
/// <param name="Last">The range's last record.</param>
public readonly record struct ReplayedRange(string Source, int Partition, long FromOffset, long ToOffset, long RecordCount, Fingerprint Last);

/// <summary>What a commit did that is a replay: it took whole earlier commits' files out and added newly made ones of the same records.</summary>
/// <param name="Commits">The commits whose files it replaced, oldest first; replays of before may be among them.</param>
/// <param name="Ranges">What was read again, ascending by partition and offset.</param>
/// <param name="Replaced">The books of those commits, which <see cref="Ledger.Totals"/> no longer hold.</param>
public sealed record ReplayLedger(ImmutableArray<CommitId> Commits, ImmutableArray<ReplayedRange> Ranges, Books Replaced);

/// <summary>Which process wrote a ledger: advice for back-off between replicas, never a ground for correctness.</summary>
public sealed record WriterHint(string Host, int ProcessId);

/// <summary>
/// Where a flow stands: committed in the same table commit as the data, so that the table alone says what it holds.
/// Immutable; docs/delivery.md, "The ledger".
/// </summary>
public sealed record Ledger
{
    public const int FormatVersion = 1;

    /// <summary>The version of a ledger that gives the records to a Flink job: a program that knows nothing of that must not continue from it.</summary>
    public const int GivenFormatVersion = 2;

    /// <summary>The table that this ledger was written to; another one holding it was copied or created anew.</summary>
    public required string TableUuid { get; init; }

    public required CommitId Commit { get; init; }

    /// <summary>The ledger that this commit stands on; null for the first.</summary>
    public required CommitId? Base { get; init; }

    /// <summary>The run of a process that wrote it.</summary>
    public required Guid Run { get; init; }

    public required WriterEpoch Epoch { get; init; }

    /// <summary>Rises with every reset, replay and rollback seen.</summary>
    public required long Generation { get; init; }

    /// <summary>Whether the writer was still running; false after a clean stop.</summary>
    public required bool IsOpen { get; init; }

    /// <summary>How many times in a row an open ledger was taken over; 0 after a clean stop.</summary>
    public required int TakeoverCount { get; init; }

    public required WriterHint? Writer { get; init; }

    /// <summary>Hash of the flow's definition.</summary>
    public required string DefinitionHash { get; init; }

    /// <summary>When the writer made it, milliseconds since the epoch by the writer's clock.</summary>
    public required long WrittenAtMillis { get; init; }

    /// <summary>Every source that the flow has or had.</summary>
    public required ImmutableArray<SourceLedger> Sources { get; init; }

    /// <summary>What this commit did.</summary>
    public required Books Books { get; init; }

    /// <summary>What all commits of the flow did since its first, less what replays replaced: what the table holds of it.</summary>
    public required Books Totals { get; init; }

    /// <summary>Offsets that this commit gave up.</summary>
    public ImmutableArray<LostRange> Lost { get; init; } = [];

    /// <summary>
    /// Where the bad records lie that this commit skipped, and what was wrong with them; null where it skipped none, and in
    /// ledgers of versions that only counted them.
    /// </summary>
    public SkippedLedger? Skipped { get; init; }

    /// <summary>
    /// What this commit read again, null for all commits but replays. A replay leaves the positions where they were: its books
    /// are about these ranges, not about those of <see cref="Sources"/>.
    /// </summary>
    public ReplayLedger? Replay { get; init; }

    /// <summary>What the commit has to do with a Flink job; null for all but hand-overs.</summary>
    public FlinkLedger? Flink { get; init; }

    /// <summary>
    /// Event time that every partition has passed, milliseconds since the epoch: the least of the partitions' greatest
    /// timestamps less the seed's 10 s; null while some partition was never read.
    /// </summary>
    public long? WatermarkMillis { get; init; }

    /// <summary>
    /// The ledger with a generation and an epoch that are not below the other's. A rolled-back table may hold old ones again,
    /// and those that a tag still tells of were given out, too: none may be given out twice.
    /// </summary>
    public Ledger NotBelow(Ledger? other) => other is null ? this : this with
    {
        Generation = Math.Max(Generation, other.Generation),
        Epoch = Epoch.CompareTo(other.Epoch) < 0 ? other.Epoch : Epoch,
    };

    public SourceLedger? FindSource(string name) => Sources.FirstOrDefault(source => source.Name == name);

    public Ledger WithSource(SourceLedger source)
    {
        var index = Sources.IndexOf(FindSource(source.Name)!);
        return this with { Sources = index < 0 ? Sources.Add(source) : Sources.SetItem(index, source) };
    }
}
