using Matih.Delivery;
using Matih.Engine.Simulation.Auditing;
using Matih.Engine.Simulation.Processes;
using Matih.Engine.Simulation.World;

namespace Matih.Engine.Simulation.Scenarios;

/// <content>Fair weather, with every process as it is: who lives has to make progress, and who has an end has to reach it.</content>
internal sealed partial class ScenarioRun
{
    /// <summary>A newcomer that is not sure whether the last writer is dead watches the table for up to an hour and its jitter, and may have to do so again.</summary>
    private static readonly TimeSpan ProgressMax = TimeSpan.FromHours(4);

    /// <summary>For a process that does not stand by.</summary>
    private static readonly TimeSpan EndMax = TimeSpan.FromMinutes(15);

    private bool _isCalm;

    /// <summary>The longest that a scenario of this run took to get everything in, for whoever looks for a tighter bound.</summary>
    public TimeSpan CalmTook { get; private set; }

    /// <summary>Everything is read by the processes that are there, without anybody's help.</summary>
    private void LiveOn()
    {
        var begunAt = _simulator.Now;
        AwaitProgress("the weather has cleared up", ProgressMax);
        CalmTook = _simulator.Now - begunAt;
        NoteProgress();
        AwaitNotice();
        TryApps();
        switch (_scenario.Setup.People.Idle)
        {
            case IdleTrial.RollBack:
                RollBackIdle();
                break;
            case IdleTrial.BusyForeigner:
                BeBusyBesideIdle();
                break;
        }
    }

    /// <summary>Runs look at what they have read twice a minute, four partitions at a time, and stop where another record stands there now.</summary>
    private void AwaitNotice()
    {
        var limit = _simulator.Now + TimeSpan.FromMinutes(3 + _world.Kafka.Topics.Values.Max(topic => topic.Partitions.Count) / 4);
        while (Unnoticed() is { } reason)
        {
            if (_simulator.Now >= limit) throw new AuditException(reason);
            _simulator.Pass(TimeSpan.FromSeconds(1));
            RequireNoCrash();
        }
    }

    /// <summary>A run that reads on although an unclean election has replaced what it has read. Members do not read all that they commit.</summary>
    private string? Unnoticed()
    {
        foreach (var replica in IdleReplicas())
        {
            var pipeline = _scenario.Setup.Pipelines[replica.Setup.Pipeline];
            if (pipeline.HasMembers) continue;
            foreach (var sink in Sinks(pipeline))
            {
                var topic = _world.Kafka.Topics[pipeline.Topic];
                if (_auditor.IsBeyondPromise(pipeline, sink) || _auditor.TruthOf(pipeline, sink) is not { } account || account.Incarnation != topic.Incarnation) continue;
                if (account.Ledger.Writer?.ProcessId != replica.Process!.Id) continue;
                if (new TopicNotice(pipeline.Flow(sink), topic, _world).FindReplacedUnder(account.Ledger) is { } partition)
                    return $"A run of {pipeline.Flow(sink)} reads on in partition {partition}, although an unclean election has replaced the last record that it has committed.";
            }
        }
        return null;
    }

    private void AwaitProgress(string since, TimeSpan timeMax)
    {
        var limit = _simulator.Now + timeMax;
        while (Unsettled() is { } reason)
        {
            if (_simulator.Now >= limit) throw new AuditException($"{timeMax.TotalMinutes:0} minutes after {since} {reason}");
            _simulator.Pass(TimeSpan.FromSeconds(1));
            RequireNoCrash();
        }
    }

    /// <summary>What is not read yet although somebody is there to read it; null where all is well.</summary>
    private string? Unsettled()
    {
        for (var index = 0; index < _scenario.Setup.Pipelines.Length; index++)
        {
            if (!_replicas.Exists(replica => replica.Setup.Pipeline == index && replica.IsWanted) && !IsServed(index)) continue;
            var pipeline = _scenario.Setup.Pipelines[index];
            // One flow that stops at its bad record, again and again, stops the others, also those that still stand by.
            if (pipeline.Habits.FailsOnBadRecord && Sinks(pipeline).Any(sink => FirstUnread(pipeline, sink).Any(record => record.Kind == RecordKind.Malformed))) continue;
            foreach (var sink in Sinks(pipeline))
            {
                if (_auditor.IsBeyondPromise(pipeline, sink) || _auditor.TakerOf(pipeline, sink) is not null) continue;
                var unread = _auditor.TruthOf(pipeline, sink) is null ? null : FirstUnread(pipeline, sink).ToList();
                if (unread is null && !Sinks(pipeline).All(each => HasLedgerToAdopt(pipeline, each))) continue;
                if (unread is null) return $"{pipeline.Flow(sink)} has no ledger.";
                if (unread.Count != 0) return $"{pipeline.Flow(sink)} has not read the record at {unread[0].Offset} of some partition.";
                if (NewPartitionOf(pipeline, sink) is { } added) return $"{pipeline.Flow(sink)} has not read the new partition {added}.";
            }
        }
        return null;
    }

    /// <summary>A new name for a pipeline that never ran has nothing to adopt, and all its sinks are refused for as long as that is so of one.</summary>
    private bool HasLedgerToAdopt(PipelineSetup pipeline, int sink) => pipeline.Habits.RenamedFrom is not { } old
        || _auditor.TruthOf(pipeline with { Name = old, Habits = pipeline.Habits with { RenamedFrom = null } }, sink) is not null;

    private int? NewPartitionOf(PipelineSetup pipeline, int sink)
    {
        var (topic, account) = (_world.Kafka.Topics[pipeline.Topic], _auditor.TruthOf(pipeline, sink)!);
        if (account.Incarnation != topic.Incarnation) return null;
        for (var partition = 0; partition < topic.Partitions.Count; partition++)
            if (account.Ledger.Sources[0].Find(partition) is null && topic.Partitions[partition].Read(0).Any()) return partition;
        return null;
    }

    private IEnumerable<Replica> IdleReplicas() => _replicas.Where(replica => replica.IsRunning && !replica.Process!.IsStopping && _auditor.Orders.Of(replica.Process.Id).Mode is RunMode.Continuous);

    /// <summary>A rollback under processes that have nothing to read is noticed within the hour.</summary>
    private void RollBackIdle()
    {
        if (IdleReplicas().FirstOrDefault() is not { } idle) return;
        var name = _scenario.Setup.Pipelines[idle.Setup.Pipeline].Tables[0];
        if (Load(name) is not { } table) return;
        _simulator.Trace.Note(_simulator.Now, "world", $"rolls {name} back under idle processes");
        RollBack(name, table, 1 + _seeds.Next(3));
        AwaitProgress("a rollback under an idle run", TimeSpan.FromMinutes(80));
    }

    /// <summary>The ledger of an idle run does not get buried under the commits of a busy engine.</summary>
    private void BeBusyBesideIdle()
    {
        var begunAt = _simulator.Now;
        for (var i = 0; i < 16; i++)
        {
            foreach (var name in _scenario.Setup.Pipelines.SelectMany(pipeline => pipeline.Tables).Distinct())
                if (Load(name) is { } table) _others.Append(table);
            _simulator.Pass(TimeSpan.FromMinutes(10));
            RequireNoCrash();
        }
        foreach (var replica in IdleReplicas())
        {
            var pipeline = _scenario.Setup.Pipelines[replica.Setup.Pipeline];
            if (_auditor.Orders.Of(replica.Process!.Id).StartedAt > begunAt) continue;
            foreach (var sink in Sinks(pipeline).Where(sink => !_auditor.IsBeyondPromise(pipeline, sink)))
            {
                var age = _simulator.Now - (_auditor.CommittedAt(pipeline.Flow(sink)) ?? TimeSpan.Zero);
                if (age > TimeSpan.FromMinutes(80)) throw new AuditException($"{pipeline.Flow(sink)} runs beside a busy engine, and its ledger is {age.TotalMinutes:0} minutes old.");
            }
        }
    }

    /// <summary>Runs with an end of their own reach it, and so do those that are asked to.</summary>
    private void EndRuns()
    {
        var ending = new List<SimulatedProcess>();
        foreach (var process in _processes)
        {
            if (process.IsDead || process.End is not null) continue;
            if (_scenario.Setup.People.EndsByStop) process.StopCleanly();
            if (process.IsStopping || ModeOf(process) is RunMode.Once or RunMode.UntilCaughtUp or null) ending.Add(process);
        }
        if (ending.Count == 0) return;
        var isEnded = _simulator.RunUntil(() => ending.TrueForAll(process => process.End is not null), _simulator.Now + EndMax)
            || _simulator.RunUntil(() => ending.TrueForAll(process => process.End is not null), _simulator.Now + ProgressMax);
        RequireNoCrash();
        if (!isEnded && ending.First(process => process.End is null) is var left)
            throw new AuditException($"{left.Name} ({ModeOf(left)}{(left.IsStopping ? ", asked to stop" : "")}) did not end within {ProgressMax.TotalHours:0} hours of fair weather.");
    }

    /// <summary>A pipeline under a new name that nobody started has nothing to catch up with.</summary>
    private bool IsWorthCatchingUp(PipelineSetup pipeline) => pipeline.Habits.RenamedFrom is null || _auditor.Orders.WasStarted(pipeline.Name);

    private bool HasMoreToRead(PipelineSetup pipeline) => Sinks(pipeline).Any(sink => !_auditor.IsBeyondPromise(pipeline, sink) && FirstUnread(pipeline, sink).Any());

    /// <summary>Nothing disturbs a last run, so that one which leaves something behind has read as much as it may.</summary>
    private void RequireFullBatch(PipelineSetup pipeline, SimulatedProcess process)
    {
        if (_scenario.Setup.Habits.RewindsBy > 0) return; // Records that come a second time count against the limit.
        var order = _auditor.Orders.Of(process.Id);
        foreach (var sink in Sinks(pipeline))
        {
            if (!FirstUnread(pipeline, sink).Any() || _auditor.IsBeyondPromise(pipeline, sink)) continue;
            var committed = order.CommittedBy(pipeline.Flow(sink));
            if (committed != ((RunMode.Once)order.Mode!).RecordCountMax)
                throw new AuditException($"A micro-batch of {pipeline.Flow(sink)} in fair weather committed {committed} of {order.Mode}, and left records behind.");
        }
    }
}
