using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Opening;
using Matih.Engine.Simulation.Functions;
using Matih.Engine.Simulation.Processes;
using Matih.Hosting.Serverless;

namespace Matih.Engine.Simulation.Scenarios;

/// <content>Functions apps: what happens to them, and what they must get done.</content>
internal sealed partial class ScenarioRun : IFunctionsGround
{
    private readonly FunctionCounts _functionCounts = new();
    private readonly TaskHub _hub;
    private readonly Random _functionSeeds;
    private readonly Dictionary<int, FunctionsApp> _apps = [];
    private readonly Dictionary<int, TriggerOffsets> _triggerOffsets = [];
    private readonly HashSet<int> _leftToFunctions = [];

    private void ActOfFunctions(WorldAction action)
    {
        switch (action)
        {
            case WorldAction.Deploy(var index, var setup):
                DeployApp(index, setup);
                break;
            case WorldAction.Undeploy(var index, var isClean):
                _apps.GetValueOrDefault(index)?.Undeploy(isClean);
                break;
            case WorldAction.LeaveToFunctions(var index, var how):
                _leftToFunctions.Add(index);
                foreach (var replica in _replicas.Where(replica => replica.Setup.Pipeline == index)) Retire(replica, how);
                break;
            case WorldAction.TakeBack(var index):
                _functionCounts.Add("taken back by runs");
                _leftToFunctions.Remove(index);
                foreach (var replica in _replicas.Where(replica => replica.Setup.Pipeline == index))
                {
                    replica.IsWanted = true;
                    StartReplica(replica);
                }
                break;
            case WorldAction.KillWorker(var index, var host, var afterCalls):
                AfterCalls(index, host, afterCalls, victim => victim.KillWorker());
                break;
            case WorldAction.KillHost(var index, var host, var afterCalls, var leavesZombie):
                AfterCalls(index, host, afterCalls, victim => victim.KillHost(leavesZombie));
                break;
            case WorldAction.PauseWorker(var index, var host, var afterCalls, var time):
                AfterCalls(index, host, afterCalls, victim => PauseWorker(victim, time));
                break;
            case WorldAction.RebalanceTrigger(var index):
                if (AppOf(index) is { } dealt) dealt.Deal();
                break;
            case WorldAction.DropBatches(var index, var time):
                ForTriggers(index, trigger => trigger.DropsUntil = _simulator.Now + time);
                break;
            case WorldAction.SleepTrigger(var index, var time):
                ForTriggers(index, trigger => trigger.AsleepUntil = _simulator.Now + time);
                break;
            case WorldAction.TroubleHub(var share, var time):
                _hub.FaultShare = share;
                _simulator.After(time, () => _hub.FaultShare = 0);
                break;
            case WorldAction.TellLoop(var index, var command):
                AppOf(index)?.Command(command);
                break;
            default:
                throw new InvalidOperationException($"Nobody does {action}.");
        }
    }

    private FunctionsApp? AppOf(int pipeline) => _apps.TryGetValue(pipeline, out var app) && app.IsDeployed ? app : null;

    private void DeployApp(int index, AppSetup setup)
    {
        if (AppOf(index) is not null) return;
        if (!_triggerOffsets.TryGetValue(index, out var offsets)) _triggerOffsets.Add(index, offsets = new TriggerOffsets());
        var app = _apps[index] = new FunctionsApp(this, _world, _scenario.Setup.Pipelines[index], setup, _hub, offsets, _functionCounts);
        _simulator.Trace.Note(_simulator.Now, "world", $"deploys functions for {_scenario.Setup.Pipelines[index].Name}");
        app.Deploy();
    }

    private void ForTriggers(int index, Action<KafkaTrigger> act)
    {
        foreach (var host in AppOf(index)?.Hosts ?? [])
            if (host.Trigger is { } trigger) act(trigger);
    }

    private void AfterCalls(int index, int host, int calls, Action<FunctionsHost> act)
    {
        if (AppOf(index)?.Host(host) is not { } chosen || chosen.Worker is not { IsUp: true } worker) return;
        worker.Process.AfterCalls(calls, () =>
        {
            if (!_isCalm && chosen.Worker == worker) act(chosen);
        });
    }

    private void PauseWorker(FunctionsHost host, TimeSpan time)
    {
        if (host.Worker is not { IsUp: true } worker) return;
        _functionCounts.Add(worker.HasCalls ? "worker paused in a call" : "worker paused");
        Pause(worker.Process, time);
        // Whoever waits for it gives the work to another one; what it answers later is too late.
        _simulator.After(time * 0.5 * _functionSeeds.NextDouble(), worker.FailCalls);
    }

    (SimulatedProcess Process, PipelineProcess Connectors) IFunctionsGround.NewProcess(PipelineSetup pipeline, string host, TimeSpan skew)
    {
        var process = NewProcess(host, _functionSeeds.Next(), skew);
        NoteOrder(pipeline, process, null, OpenAnswers.None, isDriven: true);
        _functionCounts.Add("worker started");
        _simulator.Trace.Note(_simulator.Now, process.Name, $"is a worker for {pipeline.Name}");
        return (process, new PipelineProcess(_world, _scenario.Setup, pipeline, process, _auditor, _functionSeeds.Next()).Serving());
    }

    bool IFunctionsGround.IsGone(WriterHint hint, string seenFrom) => IsGone(hint, seenFrom);

    void IFunctionsGround.Judge(PipelineSetup pipeline, SimulatedProcess process, PipelineException failure)
    {
        switch (failure.ExitCode)
        {
            case ExitCode.Refused:
                Judge(pipeline, process, new ProcessEnd.Failed(failure));
                break;
            case ExitCode.RecordRejected:
                RequireStopsAtBadRecord(pipeline, failure, mayLeaveStaged: true);
                break;
            case ExitCode.Superseded:
                throw new Auditing.AuditException($"{process.Name} tells people that another process of the app committed: {failure.Message}");
            case ExitCode.Environment when _isCalm && failure.Kind is not (FailureKind.Kafka or FailureKind.Catalog or FailureKind.Store):
                throw new Auditing.AuditException($"{process.Name} calls for a person in fair weather: {failure.Message}", failure);
            case ExitCode.BadDefinition:
                throw new Auditing.AuditException($"{process.Name}: {failure.Message}", failure);
        }
    }

    /// <summary>Nothing disturbs apps any more, and somebody puts in order what people have left.</summary>
    private void ClearUpFunctions()
    {
        _hub.FaultShare = 0;
        foreach (var (index, app) in _apps)
        {
            app.ClearUp();
            if (!app.IsDeployed) continue;
            var name = _scenario.Setup.Pipelines[index].Name;
            var choice = _functionSeeds.Next(8);
            if (choice == 0) _simulator.After(PeopleTake, () => app.Command(LoopCommand.Stop));
            else if (choice > 2) _simulator.After(PeopleTake, () => PutInOrder(app, name));
        }
    }

    private void PutInOrder(FunctionsApp app, string name)
    {
        if (!app.IsDeployed || _hub.PhaseOf(name) is not { } phase) return;
        if (phase is LoopPhase.Paused or LoopPhase.Failed) app.Command(LoopCommand.Resume);
        else if (phase == LoopPhase.Stopped && !_hub.IsRunning(name)) app.Command(LoopCommand.Start);
    }

    /// <summary>Whether an app has to get everything of a pipeline in: one is deployed, and its loop is not held by a person or for one.</summary>
    private bool IsServed(int index) => AppOf(index) is not null
        && (_hub.PhaseOf(_scenario.Setup.Pipelines[index].Name) is not { } phase || phase is not (LoopPhase.Paused or LoopPhase.Failed or LoopPhase.Stopped));

    private static readonly TimeSpan PeopleTake = TimeSpan.FromMinutes(2);

    /// <summary>The longest that an app takes to see what nobody tells it: its timer, a partition that does not move, a table to watch.</summary>
    private static readonly TimeSpan AppProgressMax = TimeSpan.FromMinutes(80);

    /// <summary>What is tried with apps that have got everything in.</summary>
    private void TryApps()
    {
        // What people do first takes effect.
        if (_apps.Values.Any(app => app.IsDeployed)) _simulator.Pass(2 * PeopleTake);
        foreach (var (index, app) in _apps)
        {
            var pipeline = _scenario.Setup.Pipelines[index];
            if (AppOf(index) is not null && _hub.PhaseOf(pipeline.Name) == LoopPhase.Stopped) RequireStaysStopped(pipeline);
            if (!IsServed(index)) continue;
            switch (_functionSeeds.Next(5))
            {
                case 0:
                    AwaitIdle(index, app);
                    _functionCounts.Add("trial: a record wakes an app");
                    ProduceForApp(pipeline, "a record that wakes an app");
                    break;
                case 1 or 2:
                    AwaitIdle(index, app);
                    _functionCounts.Add("trial: the trigger drops what comes to an app");
                    ForTriggers(index, trigger => trigger.DropsUntil = _simulator.Now + TimeSpan.FromHours(3));
                    ProduceForApp(pipeline, "records that the trigger has dropped");
                    ForTriggers(index, trigger => trigger.DropsUntil = default);
                    break;
                case 3:
                    if (_functionSeeds.Next(2) == 0) AwaitIdle(index, app);
                    if (Load(pipeline.Tables[0]) is not { } table) break;
                    _functionCounts.Add("trial: a rollback under an app");
                    _simulator.Trace.Note(_simulator.Now, "world", $"rolls {pipeline.Tables[0]} back under an app");
                    RollBack(pipeline.Tables[0], table, 1 + _functionSeeds.Next(3));
                    AwaitProgress("a rollback under an app", AppProgressMax);
                    break;
            }
            if (AppOf(index) is not null && _functionSeeds.Next(3) == 0) AwaitIdle(index, app);
        }
    }

    /// <summary>What a person has stopped neither a record nor the timer starts.</summary>
    private void RequireStaysStopped(PipelineSetup pipeline)
    {
        _functionCounts.Add("trial: a record comes to a stopped app");
        _simulator.Pass(TimeSpan.FromMinutes(5));
        _topics.Produce(pipeline.Topic, 5, _functionSeeds.Next());
        _simulator.Pass(TimeSpan.FromMinutes(15));
        RequireNoCrash();
        if (_hub.IsRunning(pipeline.Name) || _hub.PhaseOf(pipeline.Name) != LoopPhase.Stopped) throw new Auditing.AuditException($"The loop of {pipeline.Name} was stopped by a person, and something else started it.");
    }

    private void ProduceForApp(PipelineSetup pipeline, string what)
    {
        _simulator.Trace.Note(_simulator.Now, "world", $"produces {what}");
        _topics.Produce(pipeline.Topic, 1 + _functionSeeds.Next(20), _functionSeeds.Next());
        AwaitProgress(what, AppProgressMax);
    }

    /// <summary>A loop that has nothing to do ends by itself, and costs nothing from then on. Beside another writer it watches that one.</summary>
    private void AwaitIdle(int index, FunctionsApp app)
    {
        var pipeline = _scenario.Setup.Pipelines[index];
        var isAlone = !_replicas.Exists(replica => replica.Setup.Pipeline == index && (replica.IsWanted || replica.IsRunning));
        var limit = _simulator.Now + app.IdleTimeout + TimeSpan.FromMinutes(20);
        while (_hub.IsRunning(pipeline.Name) && IsServed(index) && _simulator.Now < limit)
        {
            _simulator.Pass(TimeSpan.FromSeconds(1));
            RequireNoCrash();
        }
        if (!_hub.IsRunning(pipeline.Name)) _functionCounts.Add("idle at last");
        else if (isAlone && IsServed(index) && app.HasTrueClock) throw new Auditing.AuditException($"The loop of {pipeline.Name} has nothing to do and does not end within {app.IdleTimeout.TotalMinutes + 20:0} minutes.");
    }

    private void NoteProgress()
    {
        if (!_apps.Values.Any(app => app.IsDeployed)) return;
        _functionCounts.Add(CalmTook.TotalMinutes switch
        {
            < 1 => "progress: within a minute",
            < 5 => "progress: within five minutes",
            < 20 => "progress: within twenty minutes",
            < 65 => "progress: within an hour",
            _ => "progress: later",
        });
    }

    private void EndFunctions()
    {
        foreach (var app in _apps.Values) app.Undeploy(_scenario.Setup.People.EndsByStop);
    }
}
