namespace Matih.Telemetry;

/// <summary>
/// Counters of one flow since its run began, for live displays and metrics. Written by lanes and the coordinator, read by
/// anyone; each number is right by itself, together they are not one moment's.
/// </summary>
public sealed class FlowProgress(string flow)
{
    private long _readCount, _readBytes, _producedCount, _filteredCount, _skippedCount, _committedRowCount, _committedRecordCount;
    private long _commitCount, _fileCount, _fileBytes, _lag = -1, _readCountAtLook, _lastCommitMillis, _nextCheckpointMillis;
    private long _stagedRecordCount, _stagedFileCount, _stagedFileBytes, _lastStagingMillis;

    public string Flow { get; } = flow;

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
    public long CommitCount => Interlocked.Read(ref _commitCount);
    public long FileCount => Interlocked.Read(ref _fileCount);
    public long FileBytes => Interlocked.Read(ref _fileBytes);
    /// <summary>Records behind the topic's end as it was when last looked up, holes included; null before the first look.</summary>
    public long? LagRecords => Interlocked.Read(ref _lag) is >= 0 and var lag ? Math.Max(0, lag - (ReadCount - Interlocked.Read(ref _readCountAtLook))) : null;
    public DateTimeOffset? LastCommit => Instant(ref _lastCommitMillis);
    /// <summary>Records whose rows wait, staged, for the member that commits.</summary>
    public long StagedRecordCount => Interlocked.Read(ref _stagedRecordCount);
    public long StagedFileCount => Interlocked.Read(ref _stagedFileCount);
    public long StagedFileBytes => Interlocked.Read(ref _stagedFileBytes);
    public DateTimeOffset? LastStaging => Instant(ref _lastStagingMillis);
    public DateTimeOffset? NextCheckpoint => Instant(ref _nextCheckpointMillis);

    internal void NoteRead(long records, long bytes)
    {
        Interlocked.Add(ref _readCount, records);
        Interlocked.Add(ref _readBytes, bytes);
    }

    internal void NoteFates(long produced, long filtered, long skipped)
    {
        Interlocked.Add(ref _producedCount, produced);
        Interlocked.Add(ref _filteredCount, filtered);
        Interlocked.Add(ref _skippedCount, skipped);
    }

    internal void NoteCommit(long records, long rows, long files, long fileBytes, DateTimeOffset at)
    {
        Interlocked.Add(ref _committedRecordCount, records);
        Interlocked.Add(ref _committedRowCount, rows);
        Interlocked.Add(ref _fileCount, files);
        Interlocked.Add(ref _fileBytes, fileBytes);
        Interlocked.Increment(ref _commitCount);
        Interlocked.Exchange(ref _lastCommitMillis, at.ToUnixTimeMilliseconds());
    }

    /// <summary>A member that does not commit: what it handed to the one that does.</summary>
    internal void NoteStaged(long records, long files, long fileBytes, DateTimeOffset at)
    {
        Interlocked.Add(ref _stagedRecordCount, records);
        Interlocked.Add(ref _stagedFileCount, files);
        Interlocked.Add(ref _stagedFileBytes, fileBytes);
        Interlocked.Exchange(ref _lastStagingMillis, at.ToUnixTimeMilliseconds());
    }

    internal void NoteLag(long records)
    {
        Interlocked.Exchange(ref _readCountAtLook, ReadCount);
        Interlocked.Exchange(ref _lag, records);
    }

    internal void NoteNextCheckpoint(DateTimeOffset at) => Interlocked.Exchange(ref _nextCheckpointMillis, at.ToUnixTimeMilliseconds());

    private static DateTimeOffset? Instant(ref long millis) =>
        Interlocked.Read(ref millis) is > 0 and var value ? DateTimeOffset.FromUnixTimeMilliseconds(value) : null;
}
