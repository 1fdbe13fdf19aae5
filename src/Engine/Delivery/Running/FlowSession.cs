using System.Collections.Immutable;
using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Members;
using Matih.Delivery.Topics;
using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Delivery.Running;

/// <summary>Why a checkpoint is taken.</summary>
internal enum CheckpointCause { Interval, Finished, Stopped, Rejected, TopicChanged, ShareChanged }

/// <summary>Which partitions a session reads, and in how many lanes at most.</summary>
internal sealed record LaneDeal(ImmutableArray<int> Partitions, int LaneCountMax)
{
    /// <summary>Whether lanes write their files in common; else each gives a checkpoint of its own, with files of its own.</summary>
    public bool IsInCommon { get; init; }

    public int LaneCount => Math.Min(LaneCountMax, Partitions.Length);
}

/// <summary>
/// One assignment of the topic's partitions to lanes, from opening to the last checkpoint or the first fault. Disposing it
/// ends the lanes and leaves uncommitted files unreferenced.
/// </summary>
internal sealed class FlowSession : IAsyncDisposable
{
    private readonly FlowContext _flow;
    private readonly IRecordSource _source;
    private readonly FlowLanes _lanes;
    private readonly LaneGroup _group;
    private readonly Polling _polling;
    private readonly TopicWatch _watch;
    private readonly ShareWatch? _shares;
    private readonly CancellationTokenRegistration _shareChange;
    /// <summary>Since when the next checkpoint is waited for. Not a time of day: that may be set back by hours.</summary>
    private long _intervalBeganAt;

    private FlowSession(FlowContext flow, IRecordSource source, FlowLanes lanes, SourceLedger positions, RecordLimit limit, ShareWatch? shares, CancellationToken abort)
    {
        _flow = flow;
        _source = source;
        _lanes = lanes;
        _group = new LaneGroup(flow.Environment, abort);
        _polling = lanes.CreatePolling(limit);
        _watch = new TopicWatch(flow, source, positions, _group, _polling.Signal);
        _shares = shares;
        if (shares is not null) _shareChange = shares.Changed.Register(_polling.Signal.Set);
        _intervalBeganAt = flow.Clock.GetTimestamp();
    }

    public IEnumerable<Lane> Lanes => _group.Readers.Select(reader => reader.Lane);

    /// <summary>When any lane last got records, a timestamp of the clock.</summary>
    public long LastActivity => _polling.LastActivity;

    /// <summary>What other members have read and this one commits is looked at again like what it has read itself.</summary>
    public void NoteTaken(LaneCheckpoint taken)
    {
        foreach (var stretch in taken.Partitions)
            if (stretch.Entry.Last is { } last) _watch.Records.Note(stretch.Entry.Partition, last);
    }

    /// <summary>The table's ledger stands there now, for the lag.</summary>
    public void NoteCommitted(SourceLedger committed) => _watch.NoteCommitted(committed);

    /// <summary>The partitions' ends as last looked up; null before the first look.</summary>
    public IReadOnlyDictionary<int, long>? KnownEnds => _watch.KnownEnds;

    /// <param name="positions">Where the source's partitions stand.</param>
    /// <param name="assignment">Tells this assignment from the run's earlier ones.</param>
    public static async ValueTask<FlowSession> StartAsync(
        FlowContext flow, IRecordSource source, FlowLanes lanes, SourceLedger positions, LaneDeal deal, RecordLimit limit, long assignment, ShareWatch? shares, CancellationToken abort)
    {
        var session = new FlowSession(flow, source, lanes, positions, limit, shares, abort);
        try
        {
            await session.AssignAsync(positions, deal, assignment, abort);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    private async ValueTask AssignAsync(SourceLedger positions, LaneDeal deal, long assignment, CancellationToken abort)
    {
        var queues = await _source.AssignAsync(
            [.. deal.Partitions.Select(partition => new PartitionPosition(partition, positions.Find(partition)!.NextOffset))], deal.LaneCount, assignment, abort);
        await RequireSameTopicAsync(positions, abort);
        var inCommon = deal.IsInCommon ? _lanes.CreateFileSets(queues.Count) : null;
        if (inCommon is not null) _group.WriteInCommon(inCommon);
        foreach (var queue in queues)
        {
            var lane = _lanes.Create([.. queue.Partitions.Select(partition => positions.Find(partition)!)], inCommon, _watch.Records);
            _group.Start($"lane {_group.Readers.Count + 1} of {_flow.Name}", lane, queue, assignment, _polling);
        }
        _group.StartBeside($"watch of {_flow.Name}", _watch.RunAsync);
    }

    /// <summary>
    /// Opening has looked at the topic, and then the partitions were assigned. A topic that was created again between the two
    /// is read by a client that knows no other, with positions that mean nothing in it; later on a client gets an error.
    /// </summary>
    private async ValueTask RequireSameTopicAsync(SourceLedger source, CancellationToken abort)
    {
        // Without ids only records tell.
        if (await _source.FindOtherAsync(source, async token => (await _watch.Records.FindChangedAsync(token))?.ToString(), abort) is not { } finding) return;
        throw new PipelineException(FailureKind.Kafka,
            $"Topic '{_flow.Plan.Topic}' became another one while it was being opened: {finding}.",
            "The next start compares it with the table's ledger and says what to do; nothing of it was committed.");
    }

    private TimeSpan UntilCheckpoint => _flow.Plan.CheckpointInterval - _flow.Clock.GetElapsedTime(_intervalBeganAt);

    /// <summary>Waits until a checkpoint is due, and says why.</summary>
    /// <exception cref="PipelineException">What ended a lane, or that the topic is another one now.</exception>
    /// <exception cref="SourceException">The run is to end by itself, and its brokers neither answer nor give records.</exception>
    public async ValueTask<CheckpointCause> WaitForCheckpointAsync(RunMode mode, FinishCondition finish, CancellationToken stop, CancellationToken abort)
    {
        _flow.Progress.NoteNextCheckpoint(_flow.Clock.GetUtcNow() + UntilCheckpoint);
        while (true)
        {
            abort.ThrowIfCancellationRequested();
            _flow.Progress.NoteBeat(_flow.Clock.GetTimestamp());
            await _group.ThrowIfFailedAsync();
            if (Lanes.Any(lane => lane.HasRejected)) return CheckpointCause.Rejected;
            if (_watch.Refusal is { } refusal) throw refusal;
            if (_watch.HasChanged) return CheckpointCause.TopicChanged;
            if (stop.IsCancellationRequested) return CheckpointCause.Stopped;
            if (_shares is { Changed.IsCancellationRequested: true }) return CheckpointCause.ShareChanged;
            if (finish.IsMet) return CheckpointCause.Finished;
            // A run that ends by itself must not wait without end for records that no broker gives.
            if (mode is RunMode.Once or RunMode.UntilCaughtUp && _watch.Fault is { } fault && IsSilent) throw fault;

            var untilCheckpoint = UntilCheckpoint;
            if (mode is not RunMode.Once && untilCheckpoint <= TimeSpan.Zero)
            {
                _intervalBeganAt = _flow.Clock.GetTimestamp();
                return CheckpointCause.Interval;
            }
            var until = mode is RunMode.Once || untilCheckpoint > FlowContext.BeatInterval ? FlowContext.BeatInterval : untilCheckpoint;
            if (finish.TimeLeft is { } left && left < until) until = left;
            await WaitAsync(until, stop, abort);
        }
    }

    private bool IsSilent => _flow.Clock.GetElapsedTime(LastActivity) > HealthLimits.DefaultContactAgeMax;

    /// <summary>All work since the last checkpoint: that of the lanes in one where they write in common, else each lane's.</summary>
    public async ValueTask<IReadOnlyList<LaneCheckpoint>> SealAsync(bool isLast, CancellationToken abort)
    {
        if (isLast) _watch.Stop();
        return await _group.SealAsync(isLast, abort);
    }

    private async ValueTask WaitAsync(TimeSpan time, CancellationToken stop, CancellationToken abort)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, abort);
        await _polling.Signal.WaitAsync(time, _flow.Clock, either.Token);
    }

    public async ValueTask DisposeAsync()
    {
        _shareChange.Dispose();
        await _group.DisposeAsync();
    }
}
