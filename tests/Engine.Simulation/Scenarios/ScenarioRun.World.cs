using Matih.Delivery;
using Matih.Engine.Simulation.Auditing;
using Matih.Engine.Simulation.Processes;
using Matih.Engine.Simulation.World;
using Matih.Iceberg.Catalogs;

namespace Matih.Engine.Simulation.Scenarios;

/// <content>Other engines, accidents, and the wrong warehouse.</content>
internal sealed partial class ScenarioRun
{
    /// <summary>The latest that a request lands whose caller has died.</summary>
    private static readonly TimeSpan LandedWithin = TimeSpan.FromMinutes(5);

    private readonly OtherEngines _engines;
    private readonly ForeignDeletes _deletes;
    private readonly List<WorldAction.HideTables> _hidden = [];

    private void RollBack(string name, Table table, int steps)
    {
        _causes.NoteRollback(_scenario.Setup.Pipelines, name);
        _others.RollBack(table, steps);
    }

    private void ActOfWorld(WorldAction action)
    {
        switch (action)
        {
            case WorldAction.AppendRows(var name, var count):
                if (Load(name) is { } appended) _engines.AppendRows(appended, PlanOf(name), count);
                break;
            case WorldAction.StageRows(var name, var count):
                if (Load(name) is { } staged) _engines.StageRows(staged, PlanOf(name), count);
                break;
            case WorldAction.PublishStaged(var name, var pick):
                if (Load(name) is { } published) _engines.PublishStaged(published, pick);
                break;
            case WorldAction.CherryPick(var name, var steps, var appends, var after, var pick):
                if (Load(name) is { } setBack) RollBack(name, setBack, steps);
                _rolledBackAt[name] = _simulator.Now;
                _replayCauses.Shortened.Add(name);
                if (appends && Load(name) is { } above) _engines.AppendRows(above, PlanOf(name), 3);
                _simulator.After(after, () =>
                {
                    if (!_isCalm && Load(name) is { } picked) _engines.CherryPick(picked, pick);
                });
                break;
            case WorldAction.ExpireUnderReader(var name, var index, var afterCalls):
                if (Load(name) is { } below) _engines.AppendRows(below, PlanOf(name), 1);
                _replicas[index].Process?.AfterCalls(afterCalls, () => _simulator.After(TimeSpan.Zero, () => ExpireHead(name)));
                break;
            case WorldAction.AddColumn(var name):
                _replayCauses.ChangedAt[name] = _simulator.Now;
                if (Load(name) is { } widened) _engines.AddColumn(widened);
                break;
            case WorldAction.ReplaceColumn(var name):
                _replayCauses.ChangedAt[name] = _simulator.Now;
                if (Load(name) is { } altered) _engines.ReplaceColumn(altered);
                break;
            case WorldAction.ChangeSpec(var name, var choice):
                _replayCauses.ChangedAt[name] = _simulator.Now;
                if (Load(name) is { } partitioned) _engines.ChangeSpec(partitioned, choice);
                break;
            case WorldAction.ChangeOrder(var name, var choice):
                _replayCauses.ChangedAt[name] = _simulator.Now;
                if (Load(name) is { } sorted) _engines.ChangeOrder(sorted, choice);
                break;
            case WorldAction.SetProperty(var name, var property, var value):
                _replayCauses.ChangedAt[name] = _simulator.Now;
                if (Load(name) is { } set) _engines.SetProperty(set, property, value);
                break;
            case WorldAction.ForgetShapes(var name):
                if (Load(name) is { } expired) _others.Expire(expired, 1);
                _replayCauses.Shortened.Add(name);
                if (Load(name) is { } cleaned) _engines.ForgetShapes(cleaned);
                break;
            case WorldAction.LoseSideFile(var name, var pick, var isReplaced):
                if (Load(name) is { } robbed) _engines.LoseSideFile(robbed, pick, isReplaced);
                break;
            case WorldAction.Truncate(var topic, var partition, var lost, var refill, var seed):
                _topics.Truncate(topic, partition, lost, refill, seed);
                break;
            case WorldAction.Maintain order:
                Maintain(order);
                break;
            case WorldAction.HideTables hidden:
                _hidden.Add(hidden);
                break;
            default:
                ActOfFunctions(action);
                break;
        }
    }

    /// <summary>The head that a process may have loaded a moment ago goes, with its manifest list.</summary>
    private void ExpireHead(string name)
    {
        if (_isCalm) return;
        if (Load(name) is { } below) _engines.AppendRows(below, PlanOf(name), 1);
        if (Load(name) is { } table) _others.Expire(table, 1);
        _replayCauses.Shortened.Add(name);
    }

    private void MeetWrongWarehouses()
    {
        if (_hidden.Count == 0) return;
        _simulator.Pass(LandedWithin);
        foreach (var hidden in _hidden) MeetWrongWarehouse(_scenario.Setup.Pipelines[hidden.Pipeline], hidden);
    }

    /// <summary>Where the group remembers a flow whose table is missing, nothing may be created, and nothing written into the tables that are there.</summary>
    private void MeetWrongWarehouse(PipelineSetup pipeline, WorldAction.HideTables hidden)
    {
        var missing = hidden.Choice == 0 ? pipeline.Tables.ToHashSet() : [pipeline.Tables[hidden.Choice % pipeline.Tables.Length]];
        var isRemembered = Sinks(pipeline).Any(sink => missing.Contains(pipeline.Tables[sink]) && Load(pipeline.Tables[sink]) is { } table && _auditor.AccountOf(pipeline, sink) is not null
            && _world.Kafka.Marks.Holds(pipeline.Group, pipeline.Flow(sink).ToString(), table.Metadata.TableUuid));
        if (!isRemembered || !IsWorthCatchingUp(pipeline)) return;

        _simulator.Trace.Note(_simulator.Now, "world", $"hides {string.Join(", ", missing)}");
        List<HiddenTable> tables = [.. missing.Select(name => _world.Hide(TableIdentifier.Parse(name)))];
        if (hidden.AreReplaced)
            foreach (var name in missing) _world.Create(TableIdentifier.Parse(name), PlanOf(name));
        _causes.Hidden.UnionWith(missing);
        var before = AllTables().ToDictionary(name => name, name => Load(name)?.MetadataLocation);
        var process = StartProcess(pipeline, "wrong", default, new RunMode.UntilCaughtUp(), AnswersOf(pipeline), isMember: false);
        if (!_simulator.RunUntil(() => process.End is not null, _simulator.Now + CatchUpMax))
            throw new AuditException($"The run of {pipeline.Name} in the wrong warehouse did not end within {CatchUpMax.TotalHours:0} hours.");
        RequireNoCrash();
        if (process.End is not ProcessEnd.Failed({ ExitCode: ExitCode.Refused })) throw new AuditException($"{pipeline.Name} ended as {process.End} in the wrong warehouse, although its consumer group remembers another.");
        foreach (var name in AllTables())
            if (Load(name)?.MetadataLocation != before[name]) throw new AuditException($"{pipeline.Name} refused the warehouse, and has {(before[name] is null ? "created" : "changed")} table {name} in it.");
        foreach (var table in tables)
            if (!hidden.AreReplaced && _world.Store.LocationsBelow(table.Objects.Folder) is [var left, ..]) throw new AuditException($"{pipeline.Name} refused the warehouse, and has written {left} into it.");
        foreach (var table in tables) _world.Restore(table);
        _causes.Hidden.Clear();
    }

    private IEnumerable<string> AllTables() => _scenario.Setup.Pipelines.SelectMany(pipeline => pipeline.Tables).Distinct();
}
