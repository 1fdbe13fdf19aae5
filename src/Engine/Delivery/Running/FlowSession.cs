using System.Collections.Immutable;
using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Members;
using Matih.Delivery.Opening;
using Matih.Delivery.Topics;
using Matih.Kafka;
using Matih.Telemetry;
using Matih.Planning;

namespace Matih.Delivery.Running;

/// <summary>Why a checkpoint is taken.</summary>
internal enum CheckpointCause { Interval, Finished, Stopped, Rejected, TopicChanged, ShareChanged }

/// <summary>Which partitions a session reads, and in how many lanes at most.</summary>
internal sealed record LaneDeal(ImmutableArray<int> Partitions, int LaneCountMax)
{
    public int LaneCount => Math.Min(LaneCountMax, Partitions.Length);
}

/// <summary>
/// One assignment of the topic's partitions to lanes, from opening to the last checkpoint or the first fault. Disposing it
/// ends the lanes and leaves uncommitted files unreferenced.
/// </summary>
internal sealed class FlowSession : IAsyncDisposable
{
    /// <summary>The coordinator comes round at least that often, so that one that is idle differs from one that is stuck.</summary>
    public static readonly TimeSpan BeatInterval = TimeSpan.FromSeconds(10);

    private readonly FlowPlan _plan;
    private readonly FlowParts _parts;
    private readonly EngineEnvironment _environment;
    private readonly CancellationTokenSource _lanesToken;
    private readonly AsyncSignal _signal;
    private readonly ActivityClock _activity;
    private readonly List<Lane> _lanes = [];
    private readonly List<Task> _tasks = [];
    private readonly TopicWatch _watch;
    private readonly ShareWatch? _shares;
    private readonly CancellationTokenRegistration _shareChange;
    /// <summary>Since when the next checkpoint is waited for. Not a time of day: that may be set back by hours.</summary>
    private long _intervalBeganAt;

    private FlowSession(FlowPlan plan, FlowParts parts, EngineEnvironment environment, OpenedFlow opened, ShareWatch? shares, CancellationTokenSource lanesToken)
    {
        _plan = plan;
        _parts = parts;
        _environment = environment;
        _lanesToken = lanesToken;
        _signal = new AsyncSignal();
        _activity = new ActivityClock(environment.Clock.GetTimestamp());
        _watch = new TopicWatch(plan, parts, environment, opened.Source, this, _signal);
        _shares = shares;
        if (shares is not null) _shareChange = shares.Changed.Register(_signal.Set);
        _intervalBeganAt = environment.Clock.GetTimestamp();
    }

    public IReadOnlyList<Lane> Lanes => _lanes;

    public long LastActivityTimestamp => _activity.Timestamp;

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

    public static async ValueTask<FlowSession> StartAsync(
        FlowPlan plan, FlowParts parts, EngineEnvironment environment, OpenedFlow opened, LaneDeal deal, RecordLimit limit, long generation, ShareWatch? shares, CancellationTokenSource lanesToken)
    {
        var session = new FlowSession(plan, parts, environment, opened, shares, lanesToken);
        try
        {
            await session.AssignAsync(opened, deal, limit, generation);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    private async ValueTask AssignAsync(OpenedFlow opened, LaneDeal deal, RecordLimit limit, long generation)
    {
        var positions = deal.Partitions.Select(partition => new PartitionPosition(partition, opened.Source.Find(partition)!.NextOffset)).ToArray();
        var queues = await _parts.Source.AssignAsync(positions, deal.LaneCount, generation, _lanesToken.Token);
        await RequireSameTopicAsync(opened.Source);
        foreach (var queue in queues)
        {
            var lane = new Lane(_parts.CreateLaneParts(opened, limit, _signal, _activity) with { ReadRecords = _watch.Records }, queue,
                queue.Partitions.Select(partition => opened.Source.Find(partition)!), generation);
            _lanes.Add(lane);
            _tasks.Add(_environment.Tasks.Start($"lane {_lanes.Count} of {_plan.Name}", lane.RunAsync, _lanesToken.Token));
        }
        _tasks.Add(_environment.Tasks.Start($"watch of {_plan.Name}", _watch.RunAsync, _lanesToken.Token));
    }

    /// <summary>
    /// Opening has looked at the topic, and then the partitions were assigned. A topic that was created again between the two
    /// is read by a client that knows no other, with positions that mean nothing in it; later on a client gets an error.
    /// </summary>
    private async ValueTask RequireSameTopicAsync(SourceLedger source)
    {
        var topic = await _parts.Source.IdentifyAsync(_lanesToken.Token);
        if (TopicIds.Agree(topic.TopicId, source.TopicId) && TopicIds.Agree(topic.ClusterId, source.ClusterId)) return;
        throw new PipelineException(FailureKind.Kafka,
            $"Topic '{_plan.Topic}' was created again while it was being opened: its id was {source.TopicId ?? "unknown"} and is {topic.TopicId ?? "unknown"} now.",
            "The next start compares it with the table's ledger and says what to do; nothing of it was committed.");
    }

    private TimeSpan UntilCheckpoint => _plan.CheckpointInterval - _environment.Clock.GetElapsedTime(_intervalBeganAt);

    /// <summary>Waits until a checkpoint is due, and says why.</summary>
    /// <exception cref="PipelineException">What ended a lane, or that the topic is another one now.</exception>
    /// <exception cref="SourceException">The run is to end by itself, and its brokers neither answer nor give records.</exception>
    public async ValueTask<CheckpointCause> WaitForCheckpointAsync(RunMode mode, FinishCondition finish, CancellationToken stop, CancellationToken abort)
    {
        _parts.Progress.NoteNextCheckpoint(_environment.Clock.GetUtcNow() + UntilCheckpoint);
        while (true)
        {
            abort.ThrowIfCancellationRequested();
            _parts.Progress.NoteBeat(_environment.Clock.GetTimestamp());
            foreach (var lane in _lanes)
                if (lane.Ended.IsFaulted) await lane.Ended;
            if (_lanes.Any(lane => lane.HasRejected)) return CheckpointCause.Rejected;
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
                _intervalBeganAt = _environment.Clock.GetTimestamp();
                return CheckpointCause.Interval;
            }
            var until = mode is RunMode.Once || untilCheckpoint > BeatInterval ? BeatInterval : untilCheckpoint;
            if (finish.TimeLeft is { } left && left < until) until = left;
            await WaitAsync(until, stop, abort);
        }
    }

    private bool IsSilent => _environment.Clock.GetElapsedTime(_activity.Timestamp) > HealthLimits.DefaultContactAgeMax;

    /// <summary>Every lane's work since the last checkpoint.</summary>
    public async ValueTask<IReadOnlyList<LaneCheckpoint>> SealAsync(bool isLast, CancellationToken abort)
    {
        if (isLast) _watch.Stop();
        return await Task.WhenAll(_lanes.Select(lane => lane.SealAsync(isLast))).WaitAsync(abort);
    }

    private async ValueTask WaitAsync(TimeSpan time, CancellationToken stop, CancellationToken abort)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, abort);
        await _signal.WaitAsync(time, _environment.Clock, either.Token);
    }

    public async ValueTask DisposeAsync()
    {
        _shareChange.Dispose();
        _lanesToken.Cancel();
        foreach (var task in _tasks)
        {
            try
            {
                await task;
            }
            catch (OperationCanceledException)
            {
                // The token above ended it.
            }
        }
        foreach (var lane in _lanes) await lane.DisposeAsync();
    }
}
