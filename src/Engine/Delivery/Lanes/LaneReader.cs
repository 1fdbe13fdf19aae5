using Matih.Batches;
using Matih.Kafka;

namespace Matih.Delivery.Lanes;

/// <summary>
/// Polls one queue for one lane, until the coordinator asks for a checkpoint. The lane then hands over what it did, and the
/// reader goes on at once, so that reading and committing overlap. One loop, one thread at a time; only
/// <see cref="SealAsync"/> and the signals are shared.
/// </summary>
internal sealed class LaneReader : IAsyncDisposable
{
    /// <summary>How large records are is not known before the first batch.</summary>
    private const int FirstBatchRecords = 4;

    private readonly Polling _polling;
    private readonly IRecordQueue _queue;
    private readonly long _assignment;
    private readonly RawBatch _batch;
    private readonly List<SourceEvent> _events = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly AsyncSignal _wake = new();
    private SealRequest? _sealRequest;
    private int _recordsWanted = FirstBatchRecords;

    /// <param name="assignment">The number of the assignment that the queue belongs to; what is left of another one is thrown away.</param>
    public LaneReader(Lane lane, IRecordQueue queue, long assignment, Polling polling)
    {
        Lane = lane;
        _queue = queue;
        _assignment = assignment;
        _polling = polling;
        _batch = queue.CreateBatch();
        Ended = EndAsync();
    }

    public Lane Lane { get; }

    /// <summary>Completes when the loop is over; faulted with what ended it.</summary>
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
                    request.Result.SetResult(await Lane.FinishAsync(cancellationToken));
                    if (request.IsLast) break;
                }
                else if (Lane.HasRejected)
                {
                    _polling.Signal.Set();
                    await WaitForSealAsync(TimeSpan.MaxValue, cancellationToken);
                }
                else
                {
                    await PollAsync(cancellationToken);
                }
            }
            _ended.TrySetResult();
        }
        catch (Exception e)
        {
            _ended.TrySetException(e);
            _ = _ended.Task.Exception; // Observed by the coordinator, which waits on Ended together with each checkpoint.
            _polling.Signal.Set();
        }
    }

    /// <summary>Asks for what was done since the last checkpoint. With <paramref name="isLast"/> the reader ends after it.</summary>
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

    /// <summary>
    /// Reads in the caller's own time, without a loop beside it, until the lane has reached the ends, meets a bad record under
    /// <c>on_error: fail</c>, or the time is over. Not to be mixed with <see cref="RunAsync"/>.
    /// </summary>
    /// <param name="timeMax">How long to read at most; null reads to the ends.</param>
    /// <returns>What was read.</returns>
    public async ValueTask<LaneCheckpoint> ReadToAsync(IReadOnlyDictionary<int, long> ends, TimeSpan? timeMax, CancellationToken cancellationToken)
    {
        var beganAt = _polling.Clock.GetTimestamp();
        while (!Lane.HasReached(ends) && !Lane.HasRejected && !(_polling.Clock.GetElapsedTime(beganAt) >= timeMax))
        {
            cancellationToken.ThrowIfCancellationRequested();
            await PollAsync(cancellationToken);
        }
        return await Lane.FinishAsync(cancellationToken);
    }

    private async Task WaitForSealAsync(TimeSpan timeMax, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _sealRequest) is not null) return;
        await _wake.WaitAsync(timeMax, _polling.Clock, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private async ValueTask PollAsync(CancellationToken cancellationToken)
    {
        await Lane.RelieveMemoryAsync(cancellationToken);
        var recordsMax = _polling.Limit.PollMax(_recordsWanted);
        if (recordsMax == 0)
        {
            _polling.Signal.Set();
            await WaitForSealAsync(_polling.Settings.PollWait, cancellationToken);
            return;
        }
        _events.Clear();
        await _queue.PollAsync(_batch, recordsMax, _polling.Settings.PollWait, _events, cancellationToken);

        if (_batch.Count != 0 && _batch.Assignment == _assignment)
        {
            if (_polling.Limit.IsBounded) CutAtLimit();
            var recordBytes = _batch.PayloadBytes / _batch.Count + 1;
            _recordsWanted = (int)Math.Clamp(_polling.Settings.BatchBytes / recordBytes, 1, Math.Min(_polling.Settings.BatchRecordsMax, _recordsWanted * 8L));
            await Lane.AcceptAsync(_batch, cancellationToken);
            _polling.NoteActivity();
            _polling.Signal.Set();
        }
        _batch.Release();
        foreach (var happened in _events) Handle(happened);
    }

    /// <summary>Leaves records at the end out, where the limit granted fewer than were polled. Nothing is polled after that.</summary>
    private void CutAtLimit()
    {
        var fresh = Lane.CountFresh(_batch);
        var granted = _polling.Limit.Take(fresh);
        if (granted != fresh) Lane.CutAfter(_batch, granted);
    }

    private void Handle(SourceEvent happened)
    {
        switch (happened)
        {
            case SourceEvent.ReachedEnd end when end.Assignment == _assignment:
                Lane.ReachEnd(end.Partition, end.NextOffset);
                _polling.Signal.Set();
                break;
            case SourceEvent.OffsetOutOfRange range:
                throw new PositionOutOfRangeException(range.Partition, range.Detail);
            case SourceEvent.Failed failed:
                var where = failed.Partition is { } partition ? $"partition {partition} of topic '{_polling.Topic}'" : $"topic '{_polling.Topic}'";
                throw new PipelineException(FailureKind.Kafka, $"Reading {where} failed: {failed.Detail}",
                    "Check the broker, the credentials and the topic; the run continues from the table's ledger.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        _batch.Dispose();
        await Lane.DisposeAsync();
    }

    private sealed record SealRequest(bool IsLast)
    {
        public TaskCompletionSource<LaneCheckpoint> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public async Task SealedAsync() => await Result.Task;
    }
}

/// <summary>Limits of a reader's loop.</summary>
/// <param name="BatchBytes">About how many bytes of records are polled together, so that a batch of large records stays within the memory.</param>
/// <param name="BatchRecordsMax">Records polled together: enough to amortise calls, few enough that their columns stay in the cache.</param>
internal sealed record PollSettings(long BatchBytes, int BatchRecordsMax = 4096)
{
    /// <summary>How long a poll waits for a first record; also the longest that a checkpoint waits for an idle lane.</summary>
    public TimeSpan PollWait { get; init; } = TimeSpan.FromMilliseconds(50);
}

/// <summary>What the readers of one assignment share.</summary>
/// <param name="Topic">The topic's name, for messages.</param>
/// <param name="Limit">What they may read together.</param>
/// <param name="Signal">Set whenever one of them has news for the coordinator.</param>
internal sealed record Polling(string Topic, PollSettings Settings, RecordLimit Limit, AsyncSignal Signal, TimeProvider Clock)
{
    private long _lastActivity = Clock.GetTimestamp();

    /// <summary>When any of them last got records, a timestamp of the clock. Thread-safe.</summary>
    public long LastActivity => Interlocked.Read(ref _lastActivity);

    public void NoteActivity() => Interlocked.Exchange(ref _lastActivity, Clock.GetTimestamp());
}
