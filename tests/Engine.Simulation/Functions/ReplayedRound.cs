using System.Text.Json;
using Matih.Engine.Simulation.Auditing;
using Matih.Hosting.Serverless;

namespace Matih.Engine.Simulation.Functions;

/// <summary>What people have told a loop, as far as it has taken that in.</summary>
/// <param name="IsHeld">Nothing may be committed.</param>
/// <param name="IsStopping">It may commit once more.</param>
internal readonly record struct Orders(bool IsHeld, bool IsStopping);

/// <summary>
/// One execution of an orchestration, run from its beginning with what its history holds: the real round of a loop, as Durable
/// Functions replays it.
/// </summary>
internal sealed class ReplayedRound : ILoopContext
{
    private readonly List<HubAction> _actions = [];
    private readonly Queue<string> _unread = [];
    private readonly LinkedList<TaskCompletionSource<LoopSignal>> _waiting = [];
    private readonly HashSet<string> _commands = [];
    private readonly Dictionary<int, TaskCompletionSource> _timers = [];
    private readonly Dictionary<int, TaskCompletionSource<CommitAnswer>> _activities = [];
    private Orders _orders;
    private string? _fault;

    private ReplayedRound(Orders orders)
    {
        _orders = orders;
    }

    public DateTimeOffset Now { get; private set; }

    /// <summary>All that it has asked for, in order.</summary>
    public IReadOnlyList<HubAction> Actions => _actions;

    /// <summary>Signals that nobody has taken in.</summary>
    public IReadOnlyCollection<string> Unread => _unread;

    public Orders Orders => _orders;

    /// <summary>Whether a person has started the loop during the round, which takes a stop back.</summary>
    public bool WasStarted { get; private set; }

    /// <summary>The loop as it was last shown.</summary>
    public PipelineLoop? Shown { get; private set; }

    /// <summary>The loop that the next execution begins with; null while this one waits.</summary>
    public PipelineLoop? Result { get; private set; }

    /// <exception cref="AuditException">The loop does what it was told not to, or fails.</exception>
    public static ReplayedRound Replay(string input, Orders orders, IEnumerable<HubEvent> history)
    {
        var before = SynchronizationContext.Current;
        // What ends goes on at once, as in an orchestration.
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            var round = new ReplayedRound(orders);
            round.Run(input, history);
            return round;
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private void Run(string input, IEnumerable<HubEvent> history)
    {
        Task<PipelineLoop>? run = null;
        foreach (var item in history)
        {
            switch (item)
            {
                case HubEvent.Began(var at):
                    Now = at;
                    break;
                case HubEvent.Started:
                    var loop = JsonSerializer.Deserialize<PipelineLoop>(input, JsonSerializerOptions.Web)!;
                    _commands.UnionWith(loop.CommandsTakenIn);
                    run = LoopRound.RunAsync(this, loop);
                    break;
                case HubEvent.Signalled(var json):
                    Take(json);
                    break;
                case HubEvent.TimerFired(var action):
                    _timers[action].TrySetResult();
                    break;
                case HubEvent.ActivityEnded(var action, var report, var crash):
                    _activities[action].TrySetResult(new CommitAnswer(report is null ? null : JsonSerializer.Deserialize<PipelineReport>(report, JsonSerializerOptions.Web), crash));
                    break;
            }
        }
        if (_fault is not null) throw new AuditException(_fault);
        if (run is { IsFaulted: true }) throw new AuditException($"The round of a loop failed: {run.Exception!.InnerException!.Message}", run.Exception.InnerException);
        if (run is { IsCompletedSuccessfully: true }) Result = run.Result;
    }

    private void Take(string json)
    {
        if (_waiting.First is not { } first)
        {
            _unread.Enqueue(json);
            return;
        }
        _waiting.RemoveFirst();
        first.Value.SetResult(Parse(json));
    }

    private LoopSignal Parse(string json)
    {
        var signal = JsonSerializer.Deserialize<LoopSignal>(json, JsonSerializerOptions.Web)!;
        // One that comes twice counts once.
        if (signal.Id is { } id && !_commands.Add(id)) return signal;
        WasStarted |= signal.Command == LoopCommand.Start;
        _orders = signal.Command switch
        {
            LoopCommand.Pause => new Orders(true, false),
            LoopCommand.Resume => _orders with { IsHeld = false },
            LoopCommand.Stop => new Orders(false, true),
            LoopCommand.Start => _orders with { IsStopping = false },
            _ => _orders,
        };
        return signal;
    }

    public void Show(PipelineLoop loop) => Shown = loop;

    public Task WaitUntilAsync(DateTimeOffset time, CancellationToken cancellationToken)
    {
        var timer = new TaskCompletionSource();
        _timers.Add(Ask(new HubAction.SetTimer(time)), timer);
        cancellationToken.UnsafeRegister(_ => timer.TrySetCanceled(cancellationToken), null);
        return timer.Task;
    }

    public Task<LoopSignal> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (_unread.TryDequeue(out var json)) return Task.FromResult(Parse(json));
        var waiter = new TaskCompletionSource<LoopSignal>();
        var place = _waiting.AddLast(waiter);
        cancellationToken.UnsafeRegister(_ =>
        {
            if (!waiter.TrySetCanceled(cancellationToken)) return;
            _waiting.Remove(place);
        }, null);
        return waiter.Task;
    }

    public Task<CommitAnswer> CommitAsync(CommitRequest request)
    {
        if (_orders.IsHeld) _fault ??= $"The loop of {request.Pipeline} asks for a commit, although it was told to pause and nobody has resumed it.";
        var activity = new TaskCompletionSource<CommitAnswer>();
        _activities.Add(Ask(new HubAction.CallActivity(JsonSerializer.Serialize(request, JsonSerializerOptions.Web))), activity);
        return activity.Task;
    }

    private int Ask(HubAction action)
    {
        _actions.Add(action);
        return _actions.Count - 1;
    }
}
