using System.Text.Json;
using Matih.Engine.Simulation.Auditing;
using Matih.Engine.Simulation.Scheduling;
using Matih.Hosting.Serverless;

namespace Matih.Engine.Simulation.Functions;

/// <summary>
/// Durable Functions' task hub: keeps orchestrations (one for each pipeline) as their input and history, has them run by hosts,
/// and hands out their activities at least once. What a host did not write down before it died is done again.
/// </summary>
internal sealed class TaskHub(Simulator simulator, FunctionCounts counts, int seed)
{
    /// <summary>16 KB of UTF-16.</summary>
    private const int StatusLengthMax = 16 * 1024 / 2;

    private readonly Random _random = new(seed);
    private readonly Dictionary<string, Orchestration> _orchestrations = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FunctionsApp> _apps = new(StringComparer.Ordinal);

    /// <summary>How much goes wrong.</summary>
    public double FaultShare { get; set; }

    private DateTimeOffset Now => SimulatedClock.Epoch + simulator.Now;

    /// <summary>From now on the app's hosts do the pipeline's work; null for nobody.</summary>
    public void Attach(string pipeline, FunctionsApp? app)
    {
        if (app is null) _apps.Remove(pipeline);
        else _apps[pipeline] = app;
    }

    /// <summary>A host has begun to look for work.</summary>
    public void Wake(string pipeline)
    {
        if (_orchestrations.TryGetValue(pipeline, out var orchestration)) Pump(orchestration);
    }

    public bool IsRunning(string pipeline) => _orchestrations.TryGetValue(pipeline, out var found) && found.IsRunning;

    /// <summary>The loop as it was last written down.</summary>
    public string? StatusOf(string pipeline) => _orchestrations.GetValueOrDefault(pipeline)?.Status;

    public LoopPhase? PhaseOf(string pipeline) => StatusOf(pipeline) is { } status ? JsonSerializer.Deserialize<PipelineLoop>(status, JsonSerializerOptions.Web)!.Phase : null;

    /// <returns>False where no orchestration runs.</returns>
    public bool TrySignal(string pipeline, string json)
    {
        if (!IsRunning(pipeline)) return false;
        if (Fails("signal lost")) return true;
        var copies = Fails("signal doubled") ? 2 : 1;
        for (var i = 0; i < copies; i++)
        {
            if (Fails("signal late")) simulator.After(TimeSpan.FromSeconds(30 * _random.NextDouble()), () => Deliver(pipeline, json));
            else Deliver(pipeline, json);
        }
        return true;
    }

    private void Deliver(string pipeline, string json)
    {
        if (!IsRunning(pipeline)) return;
        var orchestration = _orchestrations[pipeline];
        orchestration.Inbox.Add(new HubEvent.Signalled(json));
        Pump(orchestration);
    }

    /// <returns>False where one runs already.</returns>
    public bool TryStart(PipelineLoop loop, bool isByPerson)
    {
        if (IsRunning(loop.Pipeline)) return false;
        var status = StatusOf(loop.Pipeline);
        if (!isByPerson && status is not null && JsonSerializer.Deserialize<PipelineLoop>(status, JsonSerializerOptions.Web)! is { Phase: LoopPhase.Stopped } stopped && _orchestrations[loop.Pipeline].EndedAt + TimeSpan.FromMinutes(2) < simulator.Now)
            throw new AuditException($"The loop of {loop.Pipeline} was stopped by a person at {stopped.Since:O}, and something else starts it again.");
        counts.Add("loop started");
        var orchestration = _orchestrations[loop.Pipeline] = new Orchestration(loop.Pipeline, _orchestrations.GetValueOrDefault(loop.Pipeline)?.Execution + 1 ?? 0)
        {
            Input = JsonSerializer.Serialize(loop, JsonSerializerOptions.Web),
            Orders = new Orders(loop.Phase == LoopPhase.Paused, loop.IsStopping),
        };
        orchestration.Inbox.Add(new HubEvent.Started());
        simulator.Trace.Note(simulator.Now, "hub", $"starts the loop of {loop.Pipeline}");
        Pump(orchestration);
        return true;
    }

    private void Pump(Orchestration orchestration)
    {
        if (orchestration.IsBusy || !orchestration.IsRunning || orchestration.Inbox.Count == 0) return;
        orchestration.IsBusy = true;
        simulator.After(Latency(), () => RunEpisode(orchestration));
    }

    private void RunEpisode(Orchestration orchestration)
    {
        if (!_apps.TryGetValue(orchestration.Pipeline, out var app) || app.Pick(_random) is not { } host)
        {
            // A host that comes up looks for work.
            orchestration.IsBusy = false;
            return;
        }
        counts.Add("episode");
        var taken = orchestration.Inbox.Count;
        List<HubEvent> history = [.. orchestration.History, new HubEvent.Began(Now), .. orchestration.Inbox];
        var round = ReplayedRound.Replay(orchestration.Input, orchestration.Orders, history);
        for (var i = 0; i < orchestration.Actions.Count; i++)
            if (i >= round.Actions.Count || round.Actions[i] != orchestration.Actions[i]) throw new AuditException($"A replay of the loop of {orchestration.Pipeline} asks for {round.Actions.ElementAtOrDefault(i)}, where it asked for {orchestration.Actions[i]} before.");
        var life = host.HostLife;
        simulator.After(Latency(), () =>
        {
            orchestration.IsBusy = false;
            if (host.HostLife != life || !host.IsHostUp)
            {
                counts.Add("episode lost");
                simulator.Trace.Note(simulator.Now, "hub", $"the round of {orchestration.Pipeline} is lost with its host");
            }
            else
            {
                orchestration.Inbox.RemoveRange(0, taken);
                WriteDown(orchestration, history, round);
            }
            Pump(orchestration);
        });
    }

    private void WriteDown(Orchestration orchestration, List<HubEvent> history, ReplayedRound round)
    {
        orchestration.Status = JsonSerializer.Serialize(round.Shown, JsonSerializerOptions.Web);
        if (orchestration.Status.Length > StatusLengthMax) throw new AuditException($"The loop of {orchestration.Pipeline} shows {orchestration.Status.Length} characters; Durable Functions fails one that shows more than {StatusLengthMax}.");
        if (round.Result is not { } loop)
        {
            orchestration.History = history;
            for (var i = orchestration.Actions.Count; i < round.Actions.Count; i++)
            {
                var (action, index, execution) = (round.Actions[i], i, orchestration.Execution);
                orchestration.Actions.Add(action);
                if (action is HubAction.SetTimer(var at)) simulator.After(at - Now + Latency(), () => Tell(orchestration, execution, new HubEvent.TimerFired(index)));
                else if (action is HubAction.CallActivity(var request)) HandOut(new Activity(orchestration, execution, index, request), TimeSpan.Zero);
            }
            return;
        }
        var (before, hasCommitted) = (orchestration.Orders, round.Actions.Any(action => action is HubAction.CallActivity));
        orchestration.Orders = round.Orders;
        simulator.Trace.Note(simulator.Now, "hub", $"the loop of {loop.Pipeline} is {LoopJson.Name(loop)}{(loop.Failure is { } failure ? $": {failure.Message}" : "")}");
        counts.Add($"round ended {LoopJson.Name(loop)}");
        orchestration.Execution++;
        // What else has come meanwhile is of the execution that is over.
        orchestration.Inbox.RemoveAll(item => item is not HubEvent.Signalled);
        orchestration.History = [];
        orchestration.Actions.Clear();
        if (loop.HasEnded)
        {
            orchestration.IsRunning = false;
            orchestration.EndedAt = simulator.Now;
            counts.Add("message to an ended loop", orchestration.Inbox.Count + round.Unread.Count);
            orchestration.Inbox.Clear();
            return;
        }
        // One that stands by has made no commit yet.
        if (before.IsStopping && round.Orders.IsStopping && hasCommitted && !round.WasStarted && !loop.Flows.Any(flow => flow.Outcome == FlowOutcome.StandBy))
            throw new AuditException($"The loop of {loop.Pipeline} was told to stop before its last commit, and goes on after it.");
        orchestration.Input = JsonSerializer.Serialize(loop, JsonSerializerOptions.Web);
        orchestration.Inbox.InsertRange(0, [new HubEvent.Started(), .. round.Unread.Select(json => new HubEvent.Signalled(json))]);
    }

    private void Tell(Orchestration orchestration, int execution, HubEvent told)
    {
        if (!orchestration.IsRunning || orchestration.Execution != execution || _orchestrations[orchestration.Pipeline] != orchestration) return;
        orchestration.Inbox.Add(told);
        Pump(orchestration);
    }

    private void HandOut(Activity activity, TimeSpan after) => simulator.After(after + Latency(), () => Run(activity));

    private void Run(Activity activity)
    {
        if (activity.IsOver || activity.Orchestration.Execution != activity.Execution) return;
        if (!_apps.TryGetValue(activity.Orchestration.Pipeline, out var app) || app.Pick(_random) is not { } host)
        {
            HandOut(activity, TimeSpan.FromSeconds(1));
            return;
        }
        counts.Add("activity");
        if (activity.RunningCount > 0) counts.Add("activity beside another one of it");
        else if (activity.HandedOutCount > 0) counts.Add("activity once more");
        activity.HandedOutCount++;
        activity.RunningCount++;
        var life = host.HostLife;
        host.Commit(activity.Request, (report, crash) =>
        {
            activity.RunningCount--;
            // Its host has died, or its answer is lost: another one gets the message when its time is over.
            if (host.HostLife != life || crash is null && Fails("activity result lost") || crash is not null && _random.Next(2) == 0)
            {
                HandOut(activity, TimeSpan.FromSeconds(2 + 10 * _random.NextDouble()));
                return;
            }
            if (activity.IsOver) counts.Add("activity result too late");
            activity.IsOver = true;
            if (crash is not null) counts.Add("activity failed");
            simulator.After(Latency(), () => Tell(activity.Orchestration, activity.Execution, new HubEvent.ActivityEnded(activity.Action, report, crash)));
        });
        if (Fails("activity lease lost")) HandOut(activity, TimeSpan.FromSeconds(Math.Pow(10, 2 * _random.NextDouble() - 1.5)));
    }

    private bool Fails(string what)
    {
        if (FaultShare <= 0 || _random.NextDouble() >= FaultShare) return false;
        counts.Add(what);
        return true;
    }

    /// <summary>What becomes of a call to the hub's service.</summary>
    public World.CallFate Fate()
    {
        var fault = FaultShare > 0 && _random.NextDouble() < FaultShare ? (World.CallFault)_random.Next((int)World.CallFault.FailsBefore, (int)World.CallFault.LandsLate + 1) : World.CallFault.None;
        if (fault != World.CallFault.None) counts.Add($"hub call {fault}");
        return new World.CallFate(Latency(), Latency(), fault, TimeSpan.FromSeconds(20 * _random.NextDouble()));
    }

    private TimeSpan Latency() => TimeSpan.FromMilliseconds(4 + 40 * _random.NextDouble());

    private sealed class Orchestration(string pipeline, int execution)
    {
        public string Pipeline { get; } = pipeline;

        public required string Input { get; set; }

        public string? Status { get; set; }

        public Orders Orders { get; set; }

        public bool IsRunning { get; set; } = true;

        public TimeSpan EndedAt { get; set; }

        /// <summary>Counts the executions; what belongs to an earlier one counts no more.</summary>
        public int Execution { get; set; } = execution;

        public List<HubEvent> History { get; set; } = [];

        /// <summary>What was asked for in this execution.</summary>
        public List<HubAction> Actions { get; } = [];

        /// <summary>What the orchestration has not been run with yet.</summary>
        public List<HubEvent> Inbox { get; } = [];

        public bool IsBusy { get; set; }
    }

    private sealed class Activity(Orchestration orchestration, int execution, int action, string request)
    {
        public Orchestration Orchestration { get; } = orchestration;

        public int Execution { get; } = execution;

        public int Action { get; } = action;

        public string Request { get; } = request;

        public int RunningCount { get; set; }

        public int HandedOutCount { get; set; }

        public bool IsOver { get; set; }
    }
}
