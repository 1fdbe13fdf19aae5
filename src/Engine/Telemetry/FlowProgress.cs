using System.Collections.Immutable;

namespace Matih.Telemetry;

/// <summary>How far a flow is behind its topic: offsets, those without a record included, of the partitions that this process reads.</summary>
/// <param name="Unread">From where it has read to, up to the topic's end.</param>
/// <param name="Uncommitted">From what the table holds, up to the topic's end: the lag of the consumer group. At least <paramref name="Unread"/>.</param>
/// <param name="AsOf">When the topic's end was looked up, as a timestamp of the run's clock.</param>
public sealed record FlowLag(long Unread, long Uncommitted, long AsOf)
{
    public string Topic { get; init; } = "";

    /// <summary>What <see cref="Uncommitted"/> is the sum of.</summary>
    public ImmutableArray<LaggingPartition> Partitions { get; init; } = [];
}

/// <summary>How far one partition is behind its end.</summary>
/// <param name="Uncommitted">Offsets from what the table holds up to the partition's end.</param>
public readonly record struct LaggingPartition(int Partition, long Uncommitted);

/// <summary>What readers have staged and nobody has committed yet, at one look.</summary>
/// <param name="RangeCount">Ranges that the table's positions do not cover.</param>
/// <param name="Bytes">Data files of those among them that follow on the positions; the others' sizes are not known.</param>
public sealed record StagedWaiting(long RangeCount, long Bytes);

/// <summary>Memory of a flow's buffers.</summary>
/// <param name="UsedBytes">Looks up what they take now. Thread-safe.</param>
/// <param name="CeilingBytes">What they may take.</param>
internal sealed record MemoryUse(Func<long> UsedBytes, long CeilingBytes);

/// <summary>What a round of maintenance found of a table when it was done.</summary>
internal sealed record MaintainedTable(DateTimeOffset At, long FileCount, long SmallFileCount, long DeleteFileCount, long SnapshotCount, long? MetadataBytes);

/// <summary>
/// Counters of one flow since its run began, for live displays and metrics. Written by lanes and the coordinator, read by
/// anyone; each number is right by itself, together they are not one moment's.
/// </summary>
/// <param name="flow">The flow's name, <c>pipeline/sink</c>.</param>
public sealed class FlowProgress(string flow)
{
    private long _readCount, _readBytes, _producedCount, _filteredCount, _skippedCount, _committedRowCount, _committedRecordCount;
    private long _commitCount, _fileCount, _fileBytes, _lastCommitMillis, _nextCheckpointMillis;
    private long _stagedRecordCount, _stagedFileCount, _stagedFileBytes, _lastStagingMillis;
    private long _uncommittedCount, _uncommittedSince = None, _beatAt = None, _stateSince, _snapshotId = None, _contactAt = None;
    private LagLook? _lag;
    private long _committedFilteredCount, _committedSkippedCount, _lostCount, _emptyCount;
    private long _newestMillis = None;
    private string? _skipReason;
    private StagedWaiting? _stagedWaiting;
    private MemoryUse? _memory;
    private MaintainedTable? _table;
    private int _state, _failureCount, _hasOpened;

    private const long None = long.MinValue;

    public string Flow { get; } = flow;

    /// <summary>Writes what happens to the instruments.</summary>
    internal FlowMetrics Metrics { get; } = flow.IndexOf('/') is > 0 and var slash ? new FlowMetrics(flow[..slash], flow[(slash + 1)..]) : new FlowMetrics(flow, "");

    /// <summary>Records polled from Kafka.</summary>
    public long ReadCount => Interlocked.Read(ref _readCount);
    /// <summary>Bytes of their keys and values.</summary>
    public long ReadBytes => Interlocked.Read(ref _readBytes);
    /// <summary>Rows handed to the file writers.</summary>
    public long ProducedCount => Interlocked.Read(ref _producedCount);
    public long FilteredCount => Interlocked.Read(ref _filteredCount);
    /// <summary>Bad records passed over.</summary>
    public long SkippedCount => Interlocked.Read(ref _skippedCount);
    /// <summary>Rows that readers of the table can see.</summary>
    public long CommittedRowCount => Interlocked.Read(ref _committedRowCount);
    /// <summary>Source records whose fate is committed.</summary>
    public long CommittedRecordCount => Interlocked.Read(ref _committedRecordCount);
    /// <summary>Of those, the ones that the SQL left out, and tombstones.</summary>
    public long CommittedFilteredCount => Interlocked.Read(ref _committedFilteredCount);
    /// <summary>Of those, the bad ones that were skipped.</summary>
    public long CommittedSkippedCount => Interlocked.Read(ref _committedSkippedCount);
    /// <summary>Offsets that this run gave up as lost.</summary>
    public long LostCount => Interlocked.Read(ref _lostCount);
    /// <summary>Committed offsets that hold no record: compacted away, or marks of transactions.</summary>
    public long EmptyOffsetCount => Interlocked.Read(ref _emptyCount);
    /// <summary>What most of the skipped records have in common, with one of them as an example; null before the first.</summary>
    public string? SkipReason => Volatile.Read(ref _skipReason);
    public long CommitCount => Interlocked.Read(ref _commitCount);
    public long FileCount => Interlocked.Read(ref _fileCount);
    public long FileBytes => Interlocked.Read(ref _fileBytes);
    /// <summary>What was read since the topic's end was looked up is counted as read; null before the first look.</summary>
    public FlowLag? Lag => Volatile.Read(ref _lag) is { } look ? look.Lag with { Unread = Math.Max(0, look.Lag.Unread - (ReadCount - look.ReadCount)) } : null;
    /// <summary>When the brokers last answered, as a timestamp of the run's clock; null before the first answer.</summary>
    public long? LastContact => Number(ref _contactAt);
    /// <summary>When the newest commit of the flow was made; until this run has made one, the one that it continues from.</summary>
    public DateTimeOffset? LastCommit => Instant(ref _lastCommitMillis);
    /// <summary>The greatest timestamp of a record that the table's ledger has; null before the flow was opened, and where no record was read yet.</summary>
    public DateTimeOffset? NewestCommitted => Instant(ref _newestMillis);
    /// <summary>What waits, staged, of all readers; null where this process never looked.</summary>
    public StagedWaiting? StagedWaiting => Volatile.Read(ref _stagedWaiting);
    /// <summary>The buffers' memory; null before the flow's parts were put together.</summary>
    internal MemoryUse? Memory => Volatile.Read(ref _memory);
    /// <summary>The table as the last round of its maintenance left it; null where this process has made none.</summary>
    internal MaintainedTable? Table => Volatile.Read(ref _table);
    /// <summary>Records whose rows wait, staged, for the member that commits.</summary>
    public long StagedRecordCount => Interlocked.Read(ref _stagedRecordCount);
    public long StagedFileCount => Interlocked.Read(ref _stagedFileCount);
    public long StagedFileBytes => Interlocked.Read(ref _stagedFileBytes);
    public DateTimeOffset? LastStaging => Instant(ref _lastStagingMillis);
    /// <summary>The table's snapshot after that commit.</summary>
    public long? LastSnapshotId => Number(ref _snapshotId);
    public DateTimeOffset? NextCheckpoint => Instant(ref _nextCheckpointMillis);

    public FlowState State => (FlowState)Volatile.Read(ref _state);
    /// <summary>Failures in a row, without a checkpoint between that went well.</summary>
    public int FailureCount => Volatile.Read(ref _failureCount);
    /// <summary>Whether the table was opened at least once in this run.</summary>
    public bool HasOpened => Volatile.Read(ref _hasOpened) != 0;
    /// <summary>Since when there is something to commit, as a timestamp of the run's clock; null where there is nothing.</summary>
    public long? UncommittedSince => Number(ref _uncommittedSince);
    /// <summary>When the coordinator last came round, as a timestamp of the run's clock; null before it began.</summary>
    public long? LastBeat => Number(ref _beatAt);

    /// <summary>The coordinator enters a state, which is a sign of life as well.</summary>
    internal void NoteState(FlowState state, long timestamp)
    {
        Interlocked.Exchange(ref _stateSince, timestamp);
        Volatile.Write(ref _state, (int)state);
        NoteBeat(timestamp);
    }

    /// <summary>The coordinator is alive. Called by it alone, at least every minute or two whatever it waits for.</summary>
    internal void NoteBeat(long timestamp)
    {
        Interlocked.Exchange(ref _beatAt, timestamp);
        if (Interlocked.Read(ref _uncommittedCount) <= 0) Interlocked.Exchange(ref _uncommittedSince, None);
        else Interlocked.CompareExchange(ref _uncommittedSince, timestamp, None);
    }

    /// <summary>A session begins at what the table holds: what an earlier one had not committed is read again.</summary>
    internal void NoteOpened(long ledgerMillis, long? snapshotId)
    {
        Interlocked.Exchange(ref _uncommittedCount, 0);
        Interlocked.Exchange(ref _uncommittedSince, None);
        NoteSeen(ledgerMillis, snapshotId);
        Volatile.Write(ref _hasOpened, 1);
    }

    /// <summary>Records of this process are committed, or handed to the member that commits.</summary>
    /// <param name="records">How many; those of other members may be among them.</param>
    internal void NoteSettled(long records)
    {
        long before, after;
        do
        {
            before = Interlocked.Read(ref _uncommittedCount);
            after = Math.Max(0, before - records);
        }
        while (Interlocked.CompareExchange(ref _uncommittedCount, after, before) != before);
        // What was read beside the commit has been waiting since the checkpoint began, at the longest.
        Interlocked.Exchange(ref _uncommittedSince, after > 0 ? Interlocked.Read(ref _stateSince) : None);
    }

    /// <summary>The flow's newest commit, where another member made it.</summary>
    internal void NoteSeen(long ledgerMillis, long? snapshotId)
    {
        Interlocked.Exchange(ref _lastCommitMillis, ledgerMillis);
        Interlocked.Exchange(ref _snapshotId, snapshotId ?? None);
    }

    internal void NoteFailures(int count) => Volatile.Write(ref _failureCount, count);

    internal void NoteRead(long records, long bytes)
    {
        Interlocked.Add(ref _readCount, records);
        Interlocked.Add(ref _readBytes, bytes);
        Metrics.Count(Instruments.RecordsRead, records);
        Metrics.Count(Instruments.BytesRead, bytes);
    }

    internal void NoteFates(long produced, long filtered, long skipped)
    {
        Interlocked.Add(ref _producedCount, produced);
        Interlocked.Add(ref _filteredCount, filtered);
        Interlocked.Add(ref _skippedCount, skipped);
        Interlocked.Add(ref _uncommittedCount, produced + filtered + skipped);
        Metrics.Count(Instruments.RowsWritten, produced);
        Metrics.Count(Instruments.RecordsFiltered, filtered);
        Metrics.Count(Instruments.RecordsSkipped, skipped);
    }

    internal void NoteCommit(long records, long rows, long files, long fileBytes, DateTimeOffset at, long? snapshotId)
    {
        NoteSettled(records);
        Interlocked.Exchange(ref _snapshotId, snapshotId ?? None);
        Interlocked.Add(ref _committedRecordCount, records);
        Interlocked.Add(ref _committedRowCount, rows);
        Interlocked.Add(ref _fileCount, files);
        Interlocked.Add(ref _fileBytes, fileBytes);
        Interlocked.Increment(ref _commitCount);
        Interlocked.Exchange(ref _lastCommitMillis, at.ToUnixTimeMilliseconds());
        Metrics.Count(Instruments.RecordsCommitted, records);
        Metrics.Count(Instruments.RowsCommitted, rows);
        Metrics.Count(Instruments.FilesCommitted, files);
        Metrics.Count(Instruments.FileBytesCommitted, fileBytes);
        Metrics.Count(Instruments.Commits);
    }

    /// <summary>The ledger's newest record, as the table has it now.</summary>
    /// <param name="timestampMillis">Its timestamp; null where no record was read yet.</param>
    internal void NoteNewestCommitted(long? timestampMillis) => Interlocked.Exchange(ref _newestMillis, timestampMillis ?? None);

    /// <summary>What became of a commit's records that gave no rows, and how many of its offsets held none.</summary>
    internal void NoteCommittedFates(long filtered, long skipped, long emptyOffsets)
    {
        Interlocked.Add(ref _committedFilteredCount, filtered);
        Interlocked.Add(ref _committedSkippedCount, skipped);
        Interlocked.Add(ref _emptyCount, emptyOffsets);
    }

    internal void NoteSkipReason(string reason) => Volatile.Write(ref _skipReason, reason);

    internal void NoteLost(long offsets)
    {
        Interlocked.Add(ref _lostCount, offsets);
        Metrics.Count(Instruments.OffsetsLost, offsets);
    }

    /// <summary>A member that does not commit: what it handed to the one that does.</summary>
    internal void NoteStaged(long records, long files, long fileBytes, DateTimeOffset at)
    {
        Interlocked.Add(ref _stagedRecordCount, records);
        Interlocked.Add(ref _stagedFileCount, files);
        Interlocked.Add(ref _stagedFileBytes, fileBytes);
        Interlocked.Exchange(ref _lastStagingMillis, at.ToUnixTimeMilliseconds());
        Metrics.Count(Instruments.RecordsStaged, records);
    }

    internal void NoteStagedWaiting(StagedWaiting waiting) => Volatile.Write(ref _stagedWaiting, waiting);

    internal void NoteMemory(MemoryUse memory) => Volatile.Write(ref _memory, memory);

    /// <param name="removedFileCount">Data files that the round put together.</param>
    /// <param name="expiredCount">Snapshots that it expired.</param>
    internal void NoteMaintenance(MaintainedTable table, long removedFileCount, long expiredCount)
    {
        Volatile.Write(ref _table, table);
        Metrics.Count(Instruments.FilesCompacted, removedFileCount);
        Metrics.Count(Instruments.SnapshotsExpired, expiredCount);
    }

    internal void NoteLag(FlowLag lag) => Volatile.Write(ref _lag, new LagLook(lag, ReadCount));

    internal void NoteContact(long? timestamp) => Interlocked.Exchange(ref _contactAt, timestamp ?? None);

    internal void NoteNextCheckpoint(DateTimeOffset at) => Interlocked.Exchange(ref _nextCheckpointMillis, at.ToUnixTimeMilliseconds());

    private static long? Number(ref long value) => Interlocked.Read(ref value) is not None and var known ? known : null;

    private static DateTimeOffset? Instant(ref long millis) =>
        Interlocked.Read(ref millis) is > 0 and var value ? DateTimeOffset.FromUnixTimeMilliseconds(value) : null;

    private sealed record LagLook(FlowLag Lag, long ReadCount);
}
