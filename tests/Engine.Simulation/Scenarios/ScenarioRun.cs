using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Engine.Simulation.Auditing;
using Matih.Engine.Simulation.Functions;
using Matih.Engine.Simulation.Processes;
using Matih.Engine.Simulation.Scheduling;
using Matih.Engine.Simulation.World;
using Matih.Iceberg.Catalogs;
using Matih.Planning;

namespace Matih.Engine.Simulation.Scenarios;

/// <summary>How a scenario went: null where the promise held, else what broke it.</summary>
internal sealed record ScenarioResult(Exception? Violation, ulong TraceHash, IReadOnlyList<string> Trace, int AuditCount, bool WasRefused, long StepCount, IReadOnlyDictionary<string, long> FunctionCounts);

/// <summary>
/// Plays one scenario: the actions at their times, then fair weather, one clean catch-up of every pipeline, and the last audit.
/// </summary>
internal sealed partial class ScenarioRun
{
    private static readonly TimeSpan CatchUpMax = TimeSpan.FromHours(4);

    private readonly Scenario _scenario;
    private readonly Simulator _simulator;
    private readonly SimulatedWorld _world;
    private readonly Auditor _auditor;
    private readonly RefusalCauses _causes;
    private readonly OtherWriters _others;
    private readonly TopicLife _topics;
    private readonly List<Replica> _replicas;
    private readonly List<SimulatedProcess> _processes = [];
    private readonly Random _seeds;
    private TimeSpan _asleepUntil;
    private TimeSpan _endAt;
    private bool _isOver;
    private bool _wasRefused;

    private ScenarioRun(Scenario scenario, Trace trace)
    {
        _scenario = scenario;
        var setup = scenario.Setup;
        _simulator = new Simulator(scenario.Seed, trace);
        _world = new SimulatedWorld(_simulator, scenario.Seed, setup.HasCatalogServer);
        _world.Store.HasWeakLists = setup.HasWeakLists;
        foreach (var pipeline in setup.Pipelines)
            if (!_world.Kafka.Topics.ContainsKey(pipeline.Topic)) _world.Kafka.Topics.Add(pipeline.Topic, new SimulatedTopic(_simulator, pipeline.Topic, setup.PartitionCount) { TellsId = setup.TopicTellsId });
        _auditor = new Auditor(_world, setup);
        _causes = new RefusalCauses(_world, _auditor);
        _replayCauses = new ReplayCauses(_world, _auditor);
        _others = new OtherWriters(_world);
        _engines = new OtherEngines(_world, _auditor.History);
        _deletes = new ForeignDeletes(_world, _auditor.History);
        _topics = new TopicLife(_simulator, _world, setup, _auditor);
        _replicas = [.. setup.Replicas.Select((item, index) => new Replica(index, item))];
        _seeds = new Random(scenario.Seed ^ 0x77);
        _functionSeeds = new Random(scenario.Seed ^ 0x3f19);
        _hub = new TaskHub(_simulator, _functionCounts, scenario.Seed ^ 0x6a1d);
        var tables = setup.Pipelines.SelectMany(pipeline => pipeline.Tables).Distinct().Select(TableIdentifier.Parse).ToList();
        _world.CatalogServer.Changed = _auditor.Audit;
        if (!setup.HasCatalogServer)
            _world.Store.Changed = location =>
            {
                if (!location.EndsWith(".metadata.json", StringComparison.Ordinal)) return;
                foreach (var table in tables) _auditor.Audit(table);
            };
    }

    public static ScenarioResult Run(Scenario scenario, bool keepsTrace = false)
    {
        var trace = new Trace(keepsTrace);
        var run = new ScenarioRun(scenario, trace);
        Exception? violation = null;
        try
        {
            run.Play();
        }
        catch (Exception e)
        {
            violation = e;
            trace.Note(run._simulator.Now, "auditor", $"VIOLATION: {e.Message}");
        }
        return new ScenarioResult(violation, trace.Hash, trace.Lines, run._auditor.AuditCount, run._wasRefused, run._simulator.StepCount, run._functionCounts.All);
    }

    private void Play()
    {
        foreach (var planned in _scenario.Actions) _simulator.After(planned.At, () => Act(planned));
        _endAt = _scenario.Actions.Select(EndOf).DefaultIfEmpty(TimeSpan.Zero).Max() + TimeSpan.FromSeconds(5);
        while (_simulator.Now < _endAt) _simulator.RunUntil(() => false, _endAt);
        RequireNoCrash();

        _isCalm = true;
        _world.Weather.ClearUp();
        _topics.AbortOpenTransactions();
        ClearUpFunctions();
        LiveOn();
        _isOver = true;
        EndFunctions();
        EndRuns();
        foreach (var process in _processes) process.Kill();
        MeetWrongWarehouses();
        foreach (var pipeline in _scenario.Setup.Pipelines) CatchUp(pipeline);
        RequireTrueReplays();
    }

    private static TimeSpan EndOf(PlannedAction planned) => planned.At + planned.Action switch
    {
        WorldAction.Break broken => broken.For,
        WorldAction.Transact transact => transact.OpenFor,
        _ => TimeSpan.Zero,
    };

    private void CatchUp(PipelineSetup pipeline)
    {
        // A request that a killed process had sent may land first, and then the newcomer is the one that has to step back.
        const int StartsMax = 3;
        const int AnswersMax = 60;
        for (var start = 1; !TryCatchUp(pipeline, mayStartAgain: start < StartsMax); start++)
        {
            if (start > AnswersMax) throw new AuditException($"{pipeline.Name} did not get through in {start} starts, although everything that stops it was answered.");
            _simulator.Trace.Note(_simulator.Now, "world", "starts again");
            pipeline = _decided.GetValueOrDefault(pipeline.Name, pipeline);
        }
    }

    private bool TryCatchUp(PipelineSetup pipeline, bool mayStartAgain)
    {
        if (!IsWorthCatchingUp(pipeline)) return true;
        var isByOnce = _scenario.Setup.People.CatchesUpByOnce;
        var process = StartProcess(pipeline, "final", default, isByOnce ? new RunMode.Once(Math.Max(10, pipeline.Habits.OnceCountMax), pipeline.Habits.OnceIdleTimeout) : new RunMode.UntilCaughtUp(), AnswersAtEnd(pipeline), isMember: false);
        if (!_simulator.RunUntil(() => process.End is not null, _simulator.Now + CatchUpMax))
            throw new AuditException($"The last run of {pipeline.Name} did not end within {CatchUpMax.TotalHours:0} hours of fair weather.");
        RequireNoCrash();
        switch (process.End)
        {
            case ProcessEnd.Done when isByOnce && HasMoreToRead(pipeline):
                RequireFullBatch(pipeline, process);
                return TryCatchUp(pipeline, mayStartAgain);
            case ProcessEnd.Done:
                for (var sink = 0; sink < pipeline.Tables.Length; sink++) _auditor.RequireAllIn(pipeline, sink);
                new VerifiedTables(_world).Require(pipeline);
                break;
            case ProcessEnd.Failed(var failure) when failure.ExitCode == ExitCode.Refused:
                return !AnswersFinalRefusal(pipeline); // Whether it had a cause was judged when it ended.
            case ProcessEnd.Failed(var failure) when failure.ExitCode == ExitCode.RecordRejected:
                return ActOnBadRecord(pipeline);
            // Two flows of one table may also get into each other's way more often than few retries allow.
            case ProcessEnd.Failed(var failure) when mayStartAgain && (failure.ExitCode == ExitCode.Superseded || failure.Kind == FailureKind.Catalog):
                return false;
            case ProcessEnd.Failed(var failure):
                throw new AuditException($"The last run of {pipeline.Name} failed in fair weather with exit code {failure.ExitCode}: {failure.Message}", failure);
        }
        return true;
    }

    private void Act(PlannedAction planned)
    {
        if (_isCalm) return;
        _simulator.Trace.Note(_simulator.Now, "world", planned.Action.ToString());
        switch (planned.Action)
        {
            case WorldAction.Produce(var topic, var count, var seed):
                _topics.Produce(topic, count, seed);
                break;
            case WorldAction.Transact(var topic, var count, var commits, var openFor, var seed):
                _topics.Transact(topic, count, commits, openFor, seed);
                break;
            case WorldAction.WriteControls(var topic, var partition, var count):
                _topics.WriteControls(topic, partition, count);
                break;
            case WorldAction.Compact(var topic, var share, var seed):
                _topics.Compact(topic, share, seed);
                break;
            case WorldAction.Retain(var topic, var partition, var share, var isCareless):
                _topics.Retain(topic, partition, share, isCareless);
                break;
            case WorldAction.AddPartition(var topic):
                _world.Kafka.Topics[topic].AddPartition();
                break;
            case WorldAction.RecreateTopic(var topic, var refillCount, var seed):
                _topics.Recreate(topic, refillCount, seed);
                break;
            case WorldAction.Start(var index, var kind):
                _replicas[index].Kind = kind;
                if (_leftToFunctions.Contains(_replicas[index].Setup.Pipeline)) break;
                _replicas[index].IsWanted = true;
                StartReplica(_replicas[index]);
                break;
            case WorldAction.Drive(var index, var sink, var turnCount, var seed):
                Drive(_scenario.Setup.Pipelines[index], sink, turnCount, seed);
                break;
            case WorldAction.Kill(var index, var afterCalls):
                if (_replicas[index].Process is { } victim) victim.AfterCalls(afterCalls, () => Kill(victim));
                break;
            case WorldAction.Stop(var index):
                if (_replicas[index].Process is { } stopped) Stop(stopped);
                break;
            case WorldAction.Pause(var index, var afterCalls, var time):
                if (_replicas[index].Process is { } paused) paused.AfterCalls(afterCalls, () => Pause(paused, time));
                break;
            case WorldAction.Suspend(var index, var afterCalls, var time, var name, var orphanAge):
                _replicas[index].Process?.AfterCalls(afterCalls, () => Suspend(time, name, orphanAge));
                break;
            case WorldAction.JumpClock(var index, var by):
                _replicas[index].Process?.Clock.Jump(by);
                break;
            case WorldAction.Break(var service, var trouble, var share, var time):
                _world.Weather.Begin(service, trouble, share, time);
                break;
            case WorldAction.AppendForeign(var name):
                if (Load(name) is { } appended) _others.Append(appended);
                break;
            case WorldAction.Rebalance:
                foreach (var group in _world.Kafka.Groups.Values) group.Deal();
                break;
            case WorldAction.CompactFiles(var name):
                if (Load(name) is { } compacted) _others.CompactFiles(compacted, PlanOf(name));
                _replayCauses.Rewritten.Add(name);
                break;
            case WorldAction.RollBack(var name, var steps):
                if (Load(name) is { } rolledBack) RollBack(name, rolledBack, steps);
                _rolledBackAt[name] = _simulator.Now;
                _replayCauses.Shortened.Add(name);
                break;
            case WorldAction.Expire(var name, var retainCount):
                if (Load(name) is { } expired) _others.Expire(expired, retainCount);
                _replayCauses.Shortened.Add(name);
                break;
            case WorldAction.RemoveOrphans(var name, var olderThan):
                if (Load(name) is { } cleaned) _others.RemoveOrphans(cleaned, olderThan);
                break;
            case WorldAction.LimitRefAge(var name):
                if (Load(name) is { } limited) _others.LimitRefAge(limited);
                break;
            default:
                ActOfPeople(planned.Action);
                break;
        }
    }

    /// <summary>What some pipeline writes into the table; all that write it write the same columns.</summary>
    private TablePlan PlanOf(string table)
    {
        var pipeline = _scenario.Setup.Pipelines.First(item => item.Tables.Contains(table));
        return pipeline.Plan()[pipeline.Tables.IndexOf(table)].Plan.Table;
    }

    private Table? Load(string name) => _world.Load(TableIdentifier.Parse(name));

    private void Suspend(TimeSpan time, string table, TimeSpan orphanAge)
    {
        if (_isCalm) return;
        Sleep(time, () =>
        {
            if (Load(table) is { } cleaned) _others.RemoveOrphans(cleaned, orphanAge);
        });
    }

    /// <summary>All processes are stopped for that long.</summary>
    /// <param name="meanwhile">What happens shortly before they go on.</param>
    private void Sleep(TimeSpan time, Action meanwhile)
    {
        _asleepUntil = _simulator.Now + time;
        GoOnUntilAwake(time);
        foreach (var replica in _replicas)
            if (replica.IsRunning) Pause(replica.Process!, time);
        _simulator.After(time * 0.99, meanwhile);
    }

    private void Pause(SimulatedProcess process, TimeSpan time)
    {
        if (_isCalm) return;
        process.Context.IsPaused = true;
        if (_world.Processes.TryGetValue(process.Id, out var life)) life.PausedAt = _simulator.Now + time;
        GoOnUntilAwake(time);
        _simulator.After(time, () =>
        {
            if (!process.IsDead) process.Context.IsPaused = false;
        });
    }

    /// <summary>The weather clears up no sooner.</summary>
    private void GoOnUntilAwake(TimeSpan time) => _endAt = TimeSpan.FromTicks(Math.Max(_endAt.Ticks, (_simulator.Now + time + TimeSpan.FromSeconds(5)).Ticks));

    private void StartReplica(Replica replica)
    {
        if (_isOver || !replica.IsWanted || replica.IsRunning) return;
        if (_simulator.Now < _asleepUntil)
        {
            _simulator.After(_asleepUntil - _simulator.Now, () => StartReplica(replica));
            return;
        }
        var pipeline = _scenario.Setup.Pipelines[replica.Setup.Pipeline];
        var answers = replica.Answers ?? AnswersOf(pipeline);
        replica.Answers = null;
        RunMode mode = pipeline.HasMembers ? new RunMode.Continuous() : replica.Kind switch
        {
            RunKind.Once => pipeline.Habits.Once,
            RunKind.UntilCaughtUp => new RunMode.UntilCaughtUp(),
            _ => new RunMode.Continuous(),
        };
        var process = replica.Process = StartProcess(pipeline, replica.Setup.Host, replica.Setup.Skew, mode, answers, pipeline.HasMembers);
        process.Ended = end =>
        {
            if (end is ProcessEnd.Failed { Exception.ExitCode: ExitCode.Refused })
            {
                var cause = Judge(pipeline, process, end)!;
                if (!ActOnRefusal(replica, cause)) return;
            }
            RequireTrueEnd(pipeline, process, end);
            _simulator.After(TimeSpan.FromSeconds(1 + 10 * _seeds.NextDouble()), () => StartReplica(replica));
        };
    }

    /// <summary>
    /// Starts a host that drives a flow; after its death another one takes the steps that are left. Nobody gives it answers,
    /// so that pipelines which are always started with one are left to runs.
    /// </summary>
    private void Drive(PipelineSetup pipeline, int sink, int turnCount, int seed)
    {
        if (_isOver || turnCount <= 0 || pipeline.Habits is not { RenamedFrom: null, From: null }) return;
        if (_simulator.Now < _asleepUntil)
        {
            _simulator.After(_asleepUntil - _simulator.Now, () => Drive(pipeline, sink, turnCount, seed));
            return;
        }
        var process = NewProcess("hub", _seeds.Next(), default);
        NoteOrder(pipeline, process, null, OpenAnswers.None, isDriven: true);
        process.Ended = end =>
        {
            if (Judge(pipeline, process, end) is not null) return;
            if (end is ProcessEnd.Failed({ ExitCode: ExitCode.RecordRejected } rejected)) RequireStopsAtBadRecord(pipeline, rejected, mayLeaveStaged: true);
            if (end is not ProcessEnd.Done) _simulator.After(TimeSpan.FromSeconds(1 + 5 * _seeds.NextDouble()), () => Drive(pipeline, sink, turnCount / 2, seed + 1));
        };
        _simulator.Trace.Note(_simulator.Now, process.Name, $"drives {pipeline.Flow(sink)} for {turnCount} steps");
        var host = new StepHost(_world, _world.Kafka.Topics[pipeline.Topic], pipeline.Flow(sink), process, () => Kill(process), turnCount, seed);
        new PipelineProcess(_world, _scenario.Setup, pipeline, process, _auditor, _seeds.Next()).StartSteps(sink, hint => IsGone(hint, process.Host), host.DriveAsync);
    }

    private bool IsGone(WriterHint hint, string seenFrom) => hint.Host == seenFrom && _processes[hint.ProcessId] is { IsDead: true } or { End: not null };

    private SimulatedProcess NewProcess(string host, int seed, TimeSpan skew)
    {
        var process = new SimulatedProcess(_simulator, _processes.Count, host, seed, skew, _world.Weather);
        _processes.Add(process);
        _world.Processes.Add(process.Id, new ProcessLife(_simulator.Now, process.HasAcceptedTag, process.WasTold));
        return process;
    }

    private SimulatedProcess StartProcess(PipelineSetup pipeline, string host, TimeSpan skew, RunMode mode, OpenAnswers answers, bool isMember)
    {
        var process = NewProcess(host, _seeds.Next(), skew);
        process.Ended = end =>
        {
            Judge(pipeline, process, end);
            RequireTrueEnd(pipeline, process, end);
        };
        NoteOrder(pipeline, process, mode, answers, isMember);
        _simulator.Trace.Note(_simulator.Now, process.Name, $"starts {pipeline.Name}, {mode}{(answers == OpenAnswers.None ? "" : $", {answers}")}{(isMember ? ", as a member" : "")}");
        new PipelineProcess(_world, _scenario.Setup, pipeline, process, _auditor, _seeds.Next()).Start(mode, answers, hint => IsGone(hint, host), isMember);
        return process;
    }

    private RefusalCause? Judge(PipelineSetup pipeline, SimulatedProcess process, ProcessEnd end)
    {
        if (end is not ProcessEnd.Failed({ ExitCode: ExitCode.Refused } refusal)) return null;
        _wasRefused = true;
        if (_causes.Find(pipeline, _auditor.Orders.Of(process.Id)) is not { } cause) throw new AuditException($"{pipeline.Name} refused to continue without a cause: {refusal.Message}");
        _lastCauses[pipeline.Name] = cause;
        _simulator.Trace.Note(_simulator.Now, "auditor", $"a refusal with cause: {cause.Text}");
        return cause;
    }

    private void RequireNoCrash()
    {
        foreach (var process in _processes)
        {
            if (process.End is ProcessEnd.Crashed(var crash)) throw new AuditException($"{process.Name} crashed: {crash.GetType().Name}: {crash.Message}", crash);
            if (process.End is ProcessEnd.Failed({ ExitCode: ExitCode.BadDefinition } failure)) throw new AuditException($"{process.Name} ended with exit code {failure.ExitCode}: {failure.Message}", failure);
        }
    }
}
