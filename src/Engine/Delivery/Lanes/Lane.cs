using System.Collections.Immutable;
using Matih.Batches;
using Matih.Definition;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;
using Matih.Telemetry;

namespace Matih.Delivery.Lanes;

/// <summary>
/// The work on records of some partitions: takes batches in, decodes them, runs the SQL and writes data files, and hands over
/// at a checkpoint what it did. Has no thread, timer or loop of its own, and does not care where batches come from: a
/// <see cref="LaneReader"/> polls for it, a trigger hands it what it was given. One caller at a time; only the positions may be
/// looked at from elsewhere.
/// </summary>
internal sealed class Lane : IAsyncDisposable
{
    private readonly LaneParts _parts;
    private readonly PartitionProgress?[] _partitions;
    private readonly RowErrors _errors = new();
    private readonly SkipTally _skipped = new();
    private Books _books;
    private RejectedUnderFail? _rejected;
    private DateTimeOffset? _filesBegunAt;
    private int _reportedErrorCount;

    /// <param name="positions">Where the lane's partitions stand.</param>
    /// <param name="endOffset">Where a reader of a bounded range stops; such a lane has one partition.</param>
    public Lane(LaneParts parts, IReadOnlyCollection<PartitionLedger> positions, long endOffset = long.MaxValue)
    {
        _parts = parts;
        Partitions = [.. positions.Select(position => position.Partition)];
        _partitions = new PartitionProgress?[Partitions.DefaultIfEmpty(-1).Max() + 1];
        foreach (var position in positions) _partitions[position.Partition] = new PartitionProgress(position, endOffset);
    }

    public ImmutableArray<int> Partitions { get; }

    /// <summary>Whether a record was rejected under <c>on_error: fail</c>. The lane takes no more batches then.</summary>
    public bool HasRejected => Volatile.Read(ref _rejected) is not null;

    /// <summary>Whether every partition of the lane has been read up to the given ends.</summary>
    public bool HasReached(IReadOnlyDictionary<int, long> ends)
    {
        foreach (var partition in _partitions)
            if (partition is not null && ends.TryGetValue(partition.Partition, out var end) && partition.NextOffset < end) return false;
        return true;
    }

    /// <summary>The partitions that were never read to their end: neither by what the client says nor up to the given ends.</summary>
    /// <param name="ends">As last looked up; null before the first look.</param>
    public IEnumerable<int> FindUnread(IReadOnlyDictionary<int, long>? ends)
    {
        foreach (var partition in _partitions)
            if (partition is { HasReachedEnd: false } && !(ends is not null && ends.TryGetValue(partition.Partition, out var end) && partition.NextOffset >= end)) yield return partition.Partition;
    }

    /// <summary>Sum over the lane's partitions of the offsets still to be read up to the given ends.</summary>
    public long Behind(IReadOnlyDictionary<int, long> ends)
    {
        var behind = 0L;
        foreach (var partition in _partitions)
            if (partition is not null && ends.TryGetValue(partition.Partition, out var end)) behind += Math.Max(0, end - partition.NextOffset);
        return behind;
    }

    /// <summary>
    /// How many records of the batch the lane has not taken yet: those below a position were delivered before, and count no
    /// second time.
    /// </summary>
    public int CountFresh(RawBatch batch)
    {
        var fresh = 0;
        foreach (ref readonly var record in batch.Records)
            if (IsFresh(record)) fresh++;
        return fresh;
    }

    /// <summary>
    /// Takes no more than that many fresh records of the batch that comes next, which is the last: the partitions' ends lie
    /// behind what is left out.
    /// </summary>
    public void CutAfter(RawBatch batch, int freshCount)
    {
        var cutoff = 0;
        for (; freshCount > 0 || !IsFresh(batch.Records[cutoff]); cutoff++)
            if (IsFresh(batch.Records[cutoff])) freshCount--;
        foreach (var partition in _partitions)
            if (partition is not null) partition.CutoffRow = cutoff;
    }

    private bool IsFresh(in RawRecord record) => _partitions[record.Partition] is { } partition && record.Offset >= partition.NextOffset;

    /// <summary>
    /// Takes a batch: its records become rows in files, or are counted as what else became of them. The batch is not needed
    /// any more afterwards.
    /// </summary>
    public async ValueTask AcceptAsync(RawBatch batch, CancellationToken cancellationToken)
    {
        var beganAt = _parts.Clock.GetTimestamp();
        _parts.Progress.NoteRead(batch.Count, batch.PayloadBytes);
        var rows = await EvaluateAsync(batch, cancellationToken);
        if (_errors.Errors.Count != 0 && _parts.Settings.OnError == ErrorPolicy.Fail)
        {
            CutAtFirstErrors(batch);
            _parts.Progress.Metrics.Count(Instruments.RecordsRejected);
            rows = await EvaluateAsync(batch, cancellationToken);
        }
        NoteSkipped(batch);

        var taken = batch.Count - _errors.ExcludedCount;
        var skipped = _errors.Errors.Count;
        if (rows.Count != 0)
        {
            _filesBegunAt ??= _parts.Clock.GetUtcNow();
            await _parts.Writer.WriteAsync(rows, cancellationToken);
        }

        foreach (var partition in _partitions)
            if (partition?.Accept(batch) is { } last) _parts.ReadRecords?.Note(partition.Partition, last);
        var producing = _parts.Query.ProducingCount;
        var filtered = taken - producing - skipped;
        _books += new Books(producing, filtered, 0, 0, skipped, 0, 0, 0) { ExpandedCount = rows.Count - producing };
        _parts.Progress.NoteFates(rows.Count, filtered, skipped);
        _parts.Progress.Metrics.Time(Instruments.BatchDuration, _parts.Clock.GetElapsedTime(beganAt));
    }

    /// <summary>The partition holds nothing more below that offset, as the broker says.</summary>
    public void ReachEnd(int partition, long nextOffset) => _partitions[partition]?.ReachEnd(nextOffset);

    /// <summary>Gives memory back where it is scarce. To be called between batches.</summary>
    public async ValueTask RelieveMemoryAsync(CancellationToken cancellationToken)
    {
        if (_parts.Memory.IsScarce) await _parts.Writer.RelieveAsync(cancellationToken);
    }

    /// <summary>
    /// Hands over everything since the last checkpoint; the lane can continue at once. The files are durable where the lane
    /// writes its own; those that it writes in common with others come from the file set.
    /// </summary>
    public async ValueTask<LaneCheckpoint> FinishAsync(CancellationToken cancellationToken)
    {
        var files = await _parts.Writer.FinishAsync(cancellationToken);
        var partitions = _partitions.Where(partition => partition is not null).Select(partition => partition!.Take()).ToImmutableArray();
        var books = _books;
        _books = default;
        _reportedErrorCount = 0;
        var begunAt = _filesBegunAt;
        _filesBegunAt = null;
        var checkpoint = new LaneCheckpoint([], partitions, books, _rejected) { BegunAt = begunAt, Skipped = _skipped.Take() };
        return _parts.Writer.IsAlone ? checkpoint.WithFiles(files) : checkpoint;
    }

    private async ValueTask<ColumnBatch> EvaluateAsync(RawBatch batch, CancellationToken cancellationToken)
    {
        _errors.Clear(batch.Count);
        Scan(batch);
        await _parts.Decoder.PrepareAsync(batch, _errors, cancellationToken);
        return _parts.Query.Execute(_parts.Decoder.Decode(batch, _errors), _errors);
    }

    private void Scan(RawBatch batch)
    {
        foreach (var partition in _partitions) partition?.BeginScan();
        var records = batch.Records;
        PartitionProgress? current = null;
        for (var row = 0; row < records.Length; row++)
        {
            ref readonly var record = ref records[row];
            if (current is null || current.Partition != record.Partition)
                current = _partitions[record.Partition]
                    ?? throw new InvalidOperationException($"A record of partition {record.Partition} came to a lane that does not read it.");
            if (!current.Scan(record, row)) _errors.Exclude(row);
        }
    }

    /// <summary>Under <c>on_error: fail</c> each partition ends just before its first bad record.</summary>
    private void CutAtFirstErrors(RawBatch batch)
    {
        foreach (var error in _errors.Errors)
        {
            ref readonly var record = ref batch.Records[error.Row];
            var partition = _partitions[record.Partition]!;
            if (error.Row >= partition.CutoffRow) continue;
            partition.CutoffRow = error.Row;
            _rejected = new RejectedUnderFail(record.Partition, record.Offset, error.Reason);
        }
    }

    private void NoteSkipped(RawBatch batch)
    {
        if (_errors.Errors.Count == 0) return;
        _errors.Sort();
        foreach (var error in _errors.Errors)
        {
            ref readonly var record = ref batch.Records[error.Row];
            _skipped.Note(record.Partition, record.Offset, error);
            if (_reportedErrorCount++ >= _parts.Settings.ReportedErrorsMax) continue;
            _parts.Log.Warning("record-skipped",
                $"Skipped the record at offset {record.Offset} of partition {record.Partition} of topic '{_parts.Topic}': {error.Reason}",
                ("topic", _parts.Topic), ("partition", record.Partition), ("offset", record.Offset), ("reason", error.Reason));
        }
    }

    public ValueTask DisposeAsync() => _parts.DisposeAsync();
}
