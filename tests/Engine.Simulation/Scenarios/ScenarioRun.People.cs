using Matih.Delivery.Ledgers;
using Matih.Delivery.Replaying;
using Matih.Delivery.Tables;
using Matih.Delivery;
using Matih.Engine.Simulation.Auditing;
using Matih.Engine.Simulation.Processes;
using Matih.Engine.Simulation.World;

namespace Matih.Engine.Simulation.Scenarios;

/// <content>People: what they start by hand, how they answer refusals and bad records, and whether they were told the truth.</content>
internal sealed partial class ScenarioRun
{
    private readonly ReplayCauses _replayCauses;
    private readonly Dictionary<string, RefusalCause> _lastCauses = new(StringComparer.Ordinal);
    /// <summary>When a table was last rolled back: a micro-batch that had nothing left to read does not look at it again.</summary>
    private readonly Dictionary<string, TimeSpan> _rolledBackAt = new(StringComparer.Ordinal);
    /// <summary>Pipelines whose definition somebody has changed.</summary>
    private readonly Dictionary<string, PipelineSetup> _decided = new(StringComparer.Ordinal);
    private readonly Dictionary<string, OpenAnswers> _finalAnswers = new(StringComparer.Ordinal);
    private readonly List<ReplayTask> _replays = [];

    private sealed class ReplayTask(PipelineSetup pipeline, int sink, SimulatedProcess process)
    {
        public PipelineSetup Pipeline { get; } = pipeline;

        public int Sink { get; } = sink;

        public SimulatedProcess Process { get; } = process;

        public ReplayReport? Report { get; set; }
    }

    private void ActOfPeople(WorldAction action)
    {
        switch (action)
        {
            case WorldAction.Reset(var index, var stopsOthers):
                ResetByHand(_scenario.Setup.Pipelines[index], index, stopsOthers);
                break;
            case WorldAction.Retire(var index, var how):
                foreach (var replica in _replicas.Where(replica => replica.Setup.Pipeline == index)) Retire(replica, how);
                break;
            case WorldAction.Replay(var index, var sink, var from, var to, var killedAfter):
                StartReplay(_scenario.Setup.Pipelines[index], sink, Math.Min(from, to), Math.Max(from, to), killedAfter);
                break;
            case WorldAction.Bury(var name):
                for (var i = 0; i < 2; i++)
                    if (Load(name) is { } above) _others.Append(above);
                if (Load(name) is { } buried) _others.Expire(buried, 1);
                if (Load(name) is { } again) _others.Append(again);
                _replayCauses.Shortened.Add(name);
                break;
            default:
                ActOfWorld(action);
                break;
        }
    }

    private void ResetByHand(PipelineSetup pipeline, int index, bool stopsOthers)
    {
        if (stopsOthers)
            foreach (var replica in _replicas)
                if (replica.Setup.Pipeline == index && replica.Process is { } running) Stop(running);
        StartProcess(pipeline, "desk", default, new RunMode.UntilCaughtUp(), AnswersOf(pipeline) with { Reset = true, Adopt = null }, isMember: false);
    }

    private void Retire(Replica replica, Retirement how)
    {
        if (how == Retirement.Forgotten) return;
        replica.IsWanted = false;
        if (replica.Process is not { } process) return;
        if (how == Retirement.Stopped) Stop(process);
        else Kill(process);
    }

    private void Kill(SimulatedProcess process)
    {
        if (!_isCalm) process.Kill();
    }

    private static void Stop(SimulatedProcess process) => process.StopCleanly();

    /// <summary>What a pipeline is always started with, as long as it makes sense.</summary>
    private OpenAnswers AnswersOf(PipelineSetup pipeline) => new(
        Adopt: pipeline.Habits.RenamedFrom is { } old && !Sinks(pipeline).Any(sink => _auditor.TruthOf(pipeline, sink) is not null && _auditor.TruthOf(RefusalCauses.Before(pipeline, old), sink) is not null) ? old : null,
        Start: pipeline.Habits.From is { } from && Sinks(pipeline).All(sink => _auditor.TruthOf(pipeline, sink) is null) ? from : null);

    private static IEnumerable<int> Sinks(PipelineSetup pipeline) => Enumerable.Range(0, pipeline.Tables.Length);

    private void NoteOrder(PipelineSetup pipeline, SimulatedProcess process, RunMode? mode, OpenAnswers answers, bool isMember = false, bool isDriven = false)
    {
        var order = new ProcessOrder(pipeline, mode, answers, _simulator.Now)
        {
            EndsAtStart = [.. _world.Kafka.Topics[pipeline.Topic].Partitions.Select(partition => partition.LastStable)],
            IsDriven = isDriven,
            StartsAll = !isMember && !isDriven && Sinks(pipeline).All(sink => answers.Reset || _auditor.TruthOf(pipeline, sink) is null),
        };
        foreach (var sink in Sinks(pipeline))
            if (_auditor.TruthOf(pipeline, sink) is { } standing) order.NoteStood(standing);
        _auditor.Orders.Note(process.Id, order);
    }

    /// <summary>Whether somebody starts the replica again after a refusal, and with which answer.</summary>
    private bool ActOnRefusal(Replica replica, RefusalCause cause)
    {
        var pipeline = _scenario.Setup.Pipelines[replica.Setup.Pipeline];
        var answers = AnswersOf(pipeline);
        replica.IsWanted = cause.WayOut == WayOut.StartAgain || cause.WayOut != WayOut.None && _scenario.Setup.People.AnswersRefusals;
        replica.Answers = cause.WayOut switch
        {
            WayOut.Reset => answers with { Reset = true, Adopt = null },
            WayOut.AcceptTag => answers with { AcceptedTags = _causes.AcceptableTags(pipeline), Start = null },
            _ => null,
        };
        return replica.IsWanted;
    }

    private OpenAnswers AnswersAtEnd(PipelineSetup pipeline) => _finalAnswers.Remove(pipeline.Name, out var answers) ? answers : AnswersOf(pipeline);

    /// <summary>Whether somebody answers the refusal of a last run: then it has to get through.</summary>
    private bool AnswersFinalRefusal(PipelineSetup pipeline)
    {
        var cause = _lastCauses[pipeline.Name];
        if (!_scenario.Setup.People.AnswersRefusals || cause.WayOut is WayOut.None) return false;
        if (cause.WayOut is WayOut.StartAgain && pipeline.Habits.RenamedFrom is not null) return false;
        var answers = AnswersOf(pipeline);
        _finalAnswers[pipeline.Name] = cause.WayOut switch
        {
            WayOut.Reset => answers with { Reset = true, Adopt = null },
            WayOut.AcceptTag => answers with { AcceptedTags = _causes.AcceptableTags(pipeline), Start = null },
            _ => answers,
        };
        return true;
    }

    /// <summary>Exit 6 in a last run: the record is compacted away, or the policy is changed, and the pipeline starts again.</summary>
    private bool ActOnBadRecord(PipelineSetup pipeline)
    {
        var topic = _world.Kafka.Topics[pipeline.Topic];
        if (_seeds.Next(2) == 0)
        {
            _decided[pipeline.Name] = pipeline with { Habits = pipeline.Habits with { FailsOnBadRecord = false } };
            foreach (var sink in Sinks(pipeline)) _auditor.ChainOf(pipeline, sink).MayPassBadRecords = true;
            return false;
        }
        foreach (var sink in Sinks(pipeline))
            foreach (var record in FirstUnread(pipeline, sink))
                if (record.Kind == RecordKind.Malformed) record.IsCompacted = true;
        topic.Announce();
        return false;
    }

    /// <summary>The next record of each partition that has one.</summary>
    private IEnumerable<LogRecord> FirstUnread(PipelineSetup pipeline, int sink)
    {
        if (_auditor.TruthOf(pipeline, sink) is not { } account) yield break;
        var topic = _world.Kafka.Topics[pipeline.Topic];
        foreach (var entry in account.Ledger.Sources[0].Partitions)
            if (entry.Partition < topic.Partitions.Count && topic.Partitions[entry.Partition].Read(entry.NextOffset).FirstOrDefault() is { } next) yield return next;
    }

    /// <summary>Whether what a run says with its end is true.</summary>
    private void RequireTrueEnd(PipelineSetup pipeline, SimulatedProcess process, ProcessEnd end)
    {
        if (end is ProcessEnd.Failed({ ExitCode: ExitCode.RecordRejected } rejected)) RequireStopsAtBadRecord(pipeline, rejected, mayLeaveStaged: pipeline.HasMembers);
        if (end is ProcessEnd.Done && _auditor.Orders.Of(process.Id) is { Mode: RunMode.Once once } order && !process.IsStopping) RequireWholeBatch(pipeline, once, order);
    }

    /// <param name="mayLeaveStaged">Who does not commit leaves what it staged to the one that does.</param>
    private void RequireStopsAtBadRecord(PipelineSetup pipeline, PipelineException rejected, bool mayLeaveStaged)
    {
        if (!pipeline.Habits.FailsOnBadRecord) throw new AuditException($"{pipeline.Name} stops at a bad record under on_error: skip: {rejected.Message}");
        if (Sinks(pipeline).Any(sink => _auditor.IsBeyondPromise(pipeline, sink))) return;
        var numbers = System.Text.RegularExpressions.Regex.Match(rejected.Message, "record at offset ([0-9]+) of partition ([0-9]+)");
        var (offset, partition) = (long.Parse(numbers.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture), int.Parse(numbers.Groups[2].ValueSpan, System.Globalization.CultureInfo.InvariantCulture));
        var topic = _world.Kafka.Topics[pipeline.Topic];
        if (!Enumerable.Range(0, topic.Incarnation + 1).Any(incarnation => topic.PartitionsOf(incarnation) is var logs && partition < logs.Count && logs[partition].EverAt(offset).Any(record => record is { Kind: RecordKind.Malformed, WasReadable: true })))
            throw new AuditException($"{pipeline.Name} says that a record is bad which is not: {rejected.Message}");
        if (!mayLeaveStaged && !Sinks(pipeline).Any(sink => _auditor.ChainOf(pipeline, sink).HasStoodUpTo(partition, offset, topic)))
            throw new AuditException($"{pipeline.Name} stops at offset {offset} of partition {partition}, and no ledger ever stood there: what lies before it is not committed.");
    }

    /// <summary>
    /// A micro-batch that ended by itself has its count, or one ledger that stood in the table while it ran has everything that was
    /// there when it began. Not the newest ledger: a person may have reset it after the run's last look, and where a run has
    /// nothing to commit, that look is its start.
    /// </summary>
    private void RequireWholeBatch(PipelineSetup pipeline, RunMode.Once once, ProcessOrder order)
    {
        if (_world.Weather.LastTroubleOf(Service.Kafka) >= order.StartedAt) return;
        var topic = _world.Kafka.Topics[pipeline.Topic];
        if (order.EndsAtStart.Count > topic.Partitions.Count || topic.Incarnation != 0) return;
        foreach (var sink in Sinks(pipeline))
        {
            var flow = pipeline.Flow(sink);
            if (_rolledBackAt.TryGetValue(pipeline.Tables[sink], out var rolledBackAt) && rolledBackAt >= order.StartedAt) continue;
            if (_auditor.IsBeyondPromise(pipeline, sink) || !_auditor.ChainOf(pipeline, sink).HasStarted || order.SeenOf(flow) >= once.RecordCountMax) continue;
            var left = order.StoodOf(flow).Select(account => FirstLeft(account, topic, order.EndsAtStart)).ToList();
            if (left.Count == 0) throw new AuditException($"A run of {flow} with max_records {once.RecordCountMax} ended, and no ledger stood in the table.");
            if (left.TrueForAll(place => place is not null))
                throw new AuditException($"A run of {flow} with max_records {once.RecordCountMax} ended with {order.CommittedBy(flow)} committed, and left the record at {left[^1]}, which was there when it began.");
        }
    }

    /// <summary>The first record before these ends that a ledger has not read; null where it has read all.</summary>
    private static string? FirstLeft(LedgerAccount account, SimulatedTopic topic, IReadOnlyList<long> ends)
    {
        for (var partition = 0; partition < ends.Count; partition++)
        {
            var stood = account.Ledger.Sources[0].Find(partition)?.NextOffset ?? 0;
            if (topic.Partitions[partition].Read(stood).FirstOrDefault() is { } unread && unread.Offset < ends[partition]) return $"{unread.Offset} of partition {partition}";
        }
        return null;
    }

    private void StartReplay(PipelineSetup pipeline, int sink, double from, double to, int? killedAfter)
    {
        if (Load(pipeline.Tables[sink]) is not { } table) return;
        var commits = new List<CommitId>();
        foreach (var snapshot in table.Metadata.Lineage())
        {
            if (snapshot.Summary.GetValueOrDefault(LedgerKeys.Writer) != pipeline.Flow(sink).ToString() || LedgerInspection.CommitOf(snapshot.Summary) is not { } commit) continue;
            if (_auditor.ChainOf(pipeline, sink).Find(commit) is { Ledger.Books.RecordCount: > 0 }) commits.Insert(0, commit);
        }
        if (commits.Count == 0) return;
        var process = new SimulatedProcess(_simulator, _processes.Count, "desk", _seeds.Next(), default, _world.Weather);
        _processes.Add(process);
        NoteOrder(pipeline, process, null, OpenAnswers.None);
        var task = new ReplayTask(pipeline, sink, process);
        var othersBefore = _replays.Count(other => other.Pipeline.Name == pipeline.Name && other.Sink == sink);
        _replays.Add(task);
        process.Ended = end => JudgeReplay(task, end, othersBefore);
        var (first, last) = (commits[(int)(from * (commits.Count - 1))], commits[(int)Math.Ceiling(to * (commits.Count - 1))]);
        _simulator.Trace.Note(_simulator.Now, process.Name, $"replays {pipeline.Flow(sink)} from {first} to {last}");
        new PipelineProcess(_world, _scenario.Setup, pipeline, process, _auditor, _seeds.Next()).StartReplay(sink, first, last, report => task.Report = report);
        if (killedAfter is { } calls) process.AfterCalls(calls, () => Kill(process));
    }

    private void JudgeReplay(ReplayTask task, ProcessEnd end, int othersBefore)
    {
        if (end is not ProcessEnd.Failed({ ExitCode: ExitCode.Refused } refusal)) return;
        var others = Math.Max(othersBefore, _replays.Count(other => other != task && other.Pipeline.Name == task.Pipeline.Name && other.Sink == task.Sink));
        if (_auditor.Orders.Of(task.Process.Id).Replays.Count != 0) throw new AuditException($"The replay {task.Process.Name} of {task.Pipeline.Flow(task.Sink)} has landed and says that it was refused: {refusal.Message}");
        if (_replayCauses.Find(task.Pipeline, task.Sink, _auditor.Orders.Of(task.Process.Id).StartedAt, others) is not { } cause) throw new AuditException($"A replay of {task.Pipeline.Flow(task.Sink)} was refused without a cause: {refusal.Message}");
        _simulator.Trace.Note(_simulator.Now, "auditor", $"a refused replay with cause: {cause}");
    }

    /// <summary>At the end, when nothing can land any more: what a replay said of itself is so.</summary>
    private void RequireTrueReplays()
    {
        foreach (var task in _replays)
        {
            var landed = _auditor.Orders.Of(task.Process.Id).Replays;
            var name = $"The replay {task.Process.Name} of {task.Pipeline.Flow(task.Sink)}";
            if (landed.Count > 1) throw new AuditException($"{name} has landed {landed.Count} times.");
            if (_auditor.IsBeyondPromise(task.Pipeline, task.Sink)) continue;
            if (task.Report is { } report && !landed.Contains(report.Commit)) throw new AuditException($"{name} reports commit {report.Commit}, which was never in the table.");
            if (landed.Count != 0 && task.Process.End is ProcessEnd.Failed({ ExitCode: not ExitCode.Environment } failure)) throw new AuditException($"{name} has landed, and says: {failure.Message}");
        }
    }
}
