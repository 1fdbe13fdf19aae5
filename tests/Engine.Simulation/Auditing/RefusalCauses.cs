using System.Collections.Immutable;
using Matih.Delivery;
using Matih.Engine.Simulation.Scenarios;
using Matih.Engine.Simulation.World;
using Matih.Planning;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>What a person can do about a refusal.</summary>
internal enum WayOut
{
    /// <summary>Nothing: the pipeline's work is another's now, or cannot be audited any more.</summary>
    None,
    Reset,
    AcceptTag,
    /// <summary>Start again, without the answer that no longer fits.</summary>
    StartAgain,
}

/// <summary>A ground for a refusal, and the way out that its message names.</summary>
internal sealed record RefusalCause(string Text, WayOut WayOut);

/// <summary>What the world really holds that a run may refuse to continue for (exit 5). A refusal without one of these is a fault.</summary>
internal sealed class RefusalCauses(SimulatedWorld world, Auditor auditor)
{
    private readonly WorldCauses _worldCauses = new(world, auditor.History);

    /// <summary>Tables that are missing in the warehouse that runs are given now.</summary>
    public HashSet<string> Hidden { get; } = new(StringComparer.Ordinal);

    private readonly Dictionary<FlowName, (TimeSpan At, RefusalCause Cause)> _rolledBack = [];

    /// <summary>
    /// A table is about to be rolled back, which may take away why a flow was refused. Its process ends later, once the
    /// pipeline's other flows have.
    /// </summary>
    public void NoteRollback(IEnumerable<PipelineSetup> pipelines, string table)
    {
        foreach (var pipeline in pipelines)
            for (var sink = 0; sink < pipeline.Tables.Length; sink++)
                if (pipeline.Tables[sink] == table && Find(pipeline, sink, OpenAnswers.None) is { } cause) _rolledBack[pipeline.Flow(sink)] = (world.Simulator.Now, cause);
    }

    /// <summary>The first cause found for a run of a pipeline, or null.</summary>
    public RefusalCause? Find(PipelineSetup pipeline, ProcessOrder order)
    {
        for (var sink = 0; sink < pipeline.Tables.Length; sink++)
            if (Find(pipeline, sink, order.Answers) is { } cause) return cause;
        for (var sink = 0; sink < pipeline.Tables.Length; sink++)
            if (_rolledBack.TryGetValue(pipeline.Flow(sink), out var before) && before.At >= order.StartedAt) return new RefusalCause($"{before.Cause.Text}, until the table was rolled back", WayOut.StartAgain);
        if (auditor.WasTakenSince(pipeline, order.StartedAt)) return new RefusalCause("another flow had the ledger until the table was rolled back", WayOut.StartAgain);
        if (order.Answers.Adopt is { } taken && auditor.WasTakenSince(Before(pipeline, taken), order.StartedAt)) return new RefusalCause("another flow had the ledger to adopt until the table was rolled back", WayOut.StartAgain);
        if (order.Answers.Adopt is { } old && auditor.WasAnsweredSince(Before(pipeline, old), order.StartedAt)) return new RefusalCause("the pipeline to adopt has begun meanwhile", WayOut.StartAgain);
        return auditor.WasAnsweredSince(pipeline, order.StartedAt) ? new RefusalCause("somebody has answered it meanwhile", WayOut.StartAgain) : null;
    }

    private RefusalCause? Find(PipelineSetup pipeline, int sink, OpenAnswers answers)
    {
        if (auditor.IsBeyondPromise(pipeline, sink)) return new RefusalCause("the topic was created again, unnoticeably", WayOut.None);
        if (Hidden.Contains(pipeline.Tables[sink])) return new RefusalCause("the table is not in this warehouse", WayOut.None);
        if (world.Load(pipeline.Table(sink)) is not { } table) return answers.Adopt is null ? null : new RefusalCause("there is no ledger to adopt", WayOut.StartAgain);
        if (_worldCauses.Find(pipeline, sink, table) is { } cause) return cause;
        var chain = auditor.ChainOf(pipeline, sink);
        if (auditor.TruthOf(pipeline, sink) is not { } truth)
        {
            if (auditor.TakerOf(pipeline, sink) is { } taker) return new RefusalCause($"{taker} has taken the ledger over", WayOut.None);
            if (chain.HasStarted) return new RefusalCause("the table was rolled back to before the flow's first commit", WayOut.Reset);
            if (HistoryCheck.IsCutBefore(world, table, pipeline.Flow(sink))) return new RefusalCause("the table's history has expired before it shows a commit of any pipeline", WayOut.Reset);
            return answers.Adopt is null ? null : Adopted(pipeline, sink, answers.Adopt);
        }
        if (answers.Adopt is { } name && auditor.TruthOf(Before(pipeline, name), sink) is not null) return new RefusalCause("--adopt was given, and both have a ledger", WayOut.StartAgain);
        if (answers.Start is not null) return new RefusalCause("--from was given, and the flow has a ledger by now", WayOut.StartAgain);
        if (HistoryCheck.IsCutBefore(world, table, pipeline.Flow(sink)))
        {
            var isNewest = chain.Newest?.Ledger.Commit == truth.Ledger.Commit;
            // Who was given the answer may only refuse for what it meets behind that.
            if (!isNewest || !answers.AcceptedTags.Contains(truth.Ledger.Commit.Value)) return new RefusalCause("the table's history has expired before it shows the flow's ledger", isNewest ? WayOut.AcceptTag : WayOut.Reset);
        }
        return TopicCause(pipeline, truth);
    }

    /// <summary>The commits that a person may accept: those in the tags of flows whose history has expired and was not rolled back.</summary>
    public ImmutableArray<Guid> AcceptableTags(PipelineSetup pipeline) =>
    [
        .. from sink in Enumerable.Range(0, pipeline.Tables.Length)
           where world.Load(pipeline.Table(sink)) is { } table && HistoryCheck.IsCutBefore(world, table, pipeline.Flow(sink))
           let truth = auditor.TruthOf(pipeline, sink)
           where truth is not null && auditor.ChainOf(pipeline, sink).Newest?.Ledger.Commit == truth.Ledger.Commit
           select truth.Ledger.Commit.Value,
    ];

    private RefusalCause? Adopted(PipelineSetup pipeline, int sink, string from)
    {
        var old = Before(pipeline, from);
        if (world.Load(pipeline.Table(sink)) is { } table && _worldCauses.Find(old, sink, table) is { } cause) return cause;
        if (auditor.TruthOf(old, sink) is { } account) return TopicCause(pipeline, account);
        return new RefusalCause($"the table holds no ledger of {from}", auditor.TakerOf(old, sink) is not null ? WayOut.None : auditor.ChainOf(old, sink).HasStarted ? WayOut.Reset : WayOut.StartAgain);
    }

    /// <summary>A pipeline under its earlier name.</summary>
    public static PipelineSetup Before(PipelineSetup pipeline, string name) => pipeline with { Name = name, Habits = pipeline.Habits with { RenamedFrom = null } };

    private RefusalCause? TopicCause(PipelineSetup pipeline, LedgerAccount account)
    {
        var topic = world.Kafka.Topics[pipeline.Topic];
        if (account.Incarnation != topic.Incarnation) return new RefusalCause("the topic was created again", WayOut.Reset);
        if (WorldCauses.Find(account.Flow, topic, account.Ledger) is { } torn) return torn;
        if (pipeline.SkipsLostOffsets) return null;
        foreach (var entry in account.Ledger.Sources[0].Partitions)
        {
            if (entry.NextOffset < topic.Partitions[entry.Partition].LogStart && !entry.IsUnreadEarliest)
                return new RefusalCause($"partition {entry.Partition} starts at {topic.Partitions[entry.Partition].LogStart}, after the position {entry.NextOffset}", WayOut.Reset);
        }
        return null;
    }
}
