using System.Collections.Immutable;
using Matih.Batches;
using Matih.Definition;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;
using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Delivery.Lanes;

/// <summary>
/// One of the pipeline's parallel readers: polls its partitions, decodes, runs the SQL and writes data files, until the
/// coordinator asks for a checkpoint. It then closes its files, hands over what it did, and goes on at once, so that
/// reading and committing overlap. One loop, one thread at a time; only <see cref="SealAsync"/> and the signals are shared.
/// </summary>
internal sealed class Lane : IAsyncDisposable
{
    /// <summary>How large records are is not known before the first batch.</summary>
    private const int FirstBatchRecords = 4;

    private readonly LaneParts _parts;
    private readonly IRecordLane _queue;
    private readonly long _generation;
    private readonly PartitionProgress?[] _partitions;
    private readonly RawBatch _batch;
    private readonly RowErrors _errors = new();
    private readonly SkipTally _skipped = new();
    private readonly List<SourceEvent> _events = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly AsyncSignal _wake = new();
    private SealRequest? _sealRequest;
    private Books _books;
    private RejectedUnderFail? _rejected;
    private DateTimeOffset? _filesBegunAt;
    private int _reportedErrorCount;
    private int _recordsWanted = FirstBatchRecords;

    /// <param name="endOffset">Where a reader of a bounded range stops; such a lane has one partition.</param>
    public Lane(LaneParts parts, IRecordLane queue, IEnumerable<PartitionLedger> positions, long generation, long endOffset = long.MaxValue)
    {
        _parts = parts;
        _queue = queue;
        _generation = generation;
        _batch = queue.CreateBatch();
        _partitions = new PartitionProgress?[queue.Partitions.DefaultIfEmpty(-1).Max() + 1];
        foreach (var position in positions) _partitions[position.Partition] = new PartitionProgress(position, endOffset);
        Ended = EndAsync();
    }

    /// <summary>Completes when the lane's loop is over; faulted with what ended it.</summary>
    /// <remarks>Awaited once, here: Task.WhenAny over a source of asynchronous continuations would take them to the thread pool.</remarks>
    public Task Ended { get; }

    private async Task EndAsync() => await _ended.Task;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                if (Interlocked.Exchange(ref _sealRequest, null) is { } request)
                {
                    request.Result.SetResult(await FinishAsync(cancellationToken));
                    if (request.IsLast) break;
                }
                else if (_rejected is not null)
                {
                    _parts.Signal.Set();
                    await WaitForSealAsync(TimeSpan.MaxValue, cancellationToken);
                }
                else
                {
                    await PollAndWriteAsync(cancellationToken);
                }
            }
            _ended.TrySetResult();
        }
        catch (Exception e)
        {
            _ended.TrySetException(e);
            _ = _ended.Task.Exception; // Observed by the coordinator, which waits on Ended together with each checkpoint.
            _parts.Signal.Set();
        }
    }

    /// <summary>Asks for what was done since the last checkpoint. With <paramref name="isLast"/> the lane ends after it.</summary>
    public async Task<LaneCheckpoint> SealAsync(bool isLast)
    {
        var request = new SealRequest(isLast);
        Interlocked.Exchange(ref _sealRequest, request);
        _wake.Set();
        if (await Task.WhenAny(request.SealedAsync(), Ended) == Ended && !request.Result.Task.IsCompleted)
        {
            await Ended;
            throw new OperationCanceledException("The lane ended before the checkpoint.");
        }
        return await request.Result.Task;
    }

    /// <summary>Whether a record was rejected under <c>on_error: fail</c>.</summary>
    public bool HasRejected => Volatile.Read(ref _rejected) is not null;

    public IReadOnlyList<int> Partitions => _queue.Partitions;

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

    private async Task WaitForSealAsync(TimeSpan timeMax, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _sealRequest) is not null) return;
        await _wake.WaitAsync(timeMax, _parts.Clock, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private async ValueTask PollAndWriteAsync(CancellationToken cancellationToken)
    {
        if (_parts.Memory.IsScarce) await _parts.Writer.FlushLargestAsync(cancellationToken);

        var recordsMax = _parts.Limit.PollMax(_recordsWanted);
        if (recordsMax == 0)
        {
            _parts.Signal.Set();
            await WaitForSealAsync(_parts.Settings.PollWait, cancellationToken);
            return;
        }
        _events.Clear();
        await _queue.PollAsync(_batch, recordsMax, _parts.Settings.PollWait, _events, cancellationToken);

        if (_batch.Count != 0 && _batch.Generation == _generation)
        {
            if (_parts.Limit.IsBounded) CutAtLimit();
            _parts.Progress.NoteRead(_batch.Count, _batch.PayloadBytes);
            var recordBytes = _batch.PayloadBytes / _batch.Count + 1;
            _recordsWanted = (int)Math.Clamp(_parts.Settings.BatchBytes / recordBytes, 1, Math.Min(_parts.Settings.BatchRecordsMax, _recordsWanted * 8L));
            await ProcessAsync(cancellationToken);
            _parts.NoteActivity();
            _parts.Signal.Set();
        }
        _batch.Release();
        foreach (var happened in _events) Handle(happened);
    }

    /// <summary>
    /// Leaves rows at the end out, where the limit granted fewer than were polled. Nothing is polled after that, and the
    /// partitions' ends lie behind what was left out. Records below a position were delivered before, and count no second time.
    /// </summary>
    private void CutAtLimit()
    {
        var fresh = 0;
        foreach (ref readonly var record in _batch.Records)
            if (IsFresh(record)) fresh++;
        var granted = _parts.Limit.Take(fresh);
        if (granted == fresh) return;
        var cutoff = 0;
        for (; granted > 0 || !IsFresh(_batch.Records[cutoff]); cutoff++)
            if (IsFresh(_batch.Records[cutoff])) granted--;
        foreach (var partition in _partitions)
            if (partition is not null) partition.CutoffRow = cutoff;
    }

    private bool IsFresh(in RawRecord record) => _partitions[record.Partition] is { } partition && record.Offset >= partition.NextOffset;

    private async ValueTask ProcessAsync(CancellationToken cancellationToken)
    {
        var rows = Evaluate();
        if (_errors.Errors.Count != 0 && _parts.Settings.OnError == ErrorPolicy.Fail)
        {
            CutAtFirstErrors();
            rows = Evaluate();
        }
        NoteSkipped();

        var taken = _batch.Count - _errors.ExcludedCount;
        var skipped = _errors.Errors.Count;
        if (rows.Count != 0)
        {
            _filesBegunAt ??= _parts.Clock.GetUtcNow();
            await _parts.Writer.WriteAsync(rows, cancellationToken);
        }

        foreach (var partition in _partitions)
            if (partition?.Accept(_batch) is { } last) _parts.ReadRecords?.Note(partition.Partition, last);
        var filtered = taken - rows.Count - skipped;
        _books += new Books(rows.Count, filtered, 0, 0, skipped, 0, 0, 0);
        _parts.Progress.NoteFates(rows.Count, filtered, skipped);
    }

    private ColumnBatch Evaluate()
    {
        _errors.Clear(_batch.Count);
        Scan();
        return _parts.Query.Execute(_parts.Decoder.Decode(_batch, _errors), _errors);
    }

    private void Scan()
    {
        foreach (var partition in _partitions) partition?.BeginScan();
        var records = _batch.Records;
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
    private void CutAtFirstErrors()
    {
        foreach (var error in _errors.Errors)
        {
            ref readonly var record = ref _batch.Records[error.Row];
            var partition = _partitions[record.Partition]!;
            if (error.Row >= partition.CutoffRow) continue;
            partition.CutoffRow = error.Row;
            _rejected = new RejectedUnderFail(record.Partition, record.Offset, error.Reason);
        }
    }

    private void NoteSkipped()
    {
        if (_errors.Errors.Count == 0) return;
        _errors.Sort();
        foreach (var error in _errors.Errors)
        {
            ref readonly var record = ref _batch.Records[error.Row];
            _skipped.Note(record.Partition, record.Offset, error);
            if (_reportedErrorCount++ >= _parts.Settings.ReportedErrorsMax) continue;
            _parts.Log.Warning("record-skipped",
                $"Skipped the record at offset {record.Offset} of partition {record.Partition} of topic '{_parts.Topic}': {error.Reason}",
                ("topic", _parts.Topic), ("partition", record.Partition), ("offset", record.Offset), ("reason", error.Reason));
        }
    }

    private void Handle(SourceEvent happened)
    {
        switch (happened)
        {
            case SourceEvent.ReachedEnd end when end.Generation == _generation:
                _partitions[end.Partition]?.ReachEnd(end.NextOffset);
                _parts.Signal.Set();
                break;
            case SourceEvent.OffsetOutOfRange range:
                throw new PositionOutOfRangeException(range.Partition, range.Detail);
            case SourceEvent.Failed failed:
                var where = failed.Partition is { } partition ? $"partition {partition} of topic '{_parts.Topic}'" : $"topic '{_parts.Topic}'";
                throw new PipelineException(FailureKind.Kafka, $"Reading {where} failed: {failed.Detail}",
                    "Check the broker, the credentials and the topic; the run continues from the table's ledger.");
        }
    }

    private async ValueTask<LaneCheckpoint> FinishAsync(CancellationToken cancellationToken)
    {
        var files = await _parts.Writer.FinishAsync(cancellationToken);
        var partitions = _partitions.Where(partition => partition is not null).Select(partition => partition!.Take()).ToImmutableArray();
        var books = _books with { AddedFileCount = files.Length, AddedRowCount = files.Sum(file => file.RecordCount) };
        if (books.AddedRowCount != books.ProducedCount)
            throw new InvalidOperationException($"{Quantity.Of(books.ProducedCount, "row")} produced, but the closed files hold {Quantity.Count(books.AddedRowCount)}.");
        _books = default;
        _reportedErrorCount = 0;
        var begunAt = _filesBegunAt;
        _filesBegunAt = null;
        return new LaneCheckpoint(files, partitions, books, _rejected) { BegunAt = begunAt, Skipped = _skipped.Take() };
    }

    public async ValueTask DisposeAsync()
    {
        _batch.Dispose();
        await _parts.DisposeAsync();
    }

    private sealed record SealRequest(bool IsLast)
    {
        public TaskCompletionSource<LaneCheckpoint> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public async Task SealedAsync() => await Result.Task;
    }
}

/// <summary>A broker said that a position lies outside the partition; resuming anew tells what is missing.</summary>
internal sealed class PositionOutOfRangeException(int partition, string detail) : Exception($"Partition {partition}: {detail}")
{
    public int Partition { get; } = partition;
}
