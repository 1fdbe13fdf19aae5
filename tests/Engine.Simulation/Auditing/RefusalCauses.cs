using Matih.Engine.Simulation.Scenarios;
using Matih.Engine.Simulation.World;
using Matih.Iceberg;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>What the world really holds that a run may refuse to go on for (exit 5). A refusal without one of these is a fault.</summary>
internal sealed class RefusalCauses(SimulatedWorld world, Auditor auditor)
{
    /// <summary>Tables that somebody set back, whose history may therefore end before a flow's first commit.</summary>
    public HashSet<TableIdentifier> RolledBack { get; } = [];

    /// <summary>The first cause found for a pipeline, or null.</summary>
    public string? Find(PipelineSetup pipeline)
    {
        for (var sink = 0; sink < pipeline.Tables.Length; sink++)
            if (Find(pipeline, sink) is { } cause) return cause;
        return null;
    }

    private string? Find(PipelineSetup pipeline, int sink)
    {
        var topic = world.Kafka.Topics[pipeline.Topic];
        if (auditor.IsBeyondPromise(pipeline, sink)) return "the topic was created anew, unnoticeably";
        if (world.Load(pipeline.Table(sink)) is not { } table) return null;
        if (auditor.AccountOf(pipeline, sink) is not { } account)
        {
            if (RolledBack.Contains(pipeline.Table(sink))) return "the table was rolled back to before the flow's first commit";
            return IsHistoryCut(table) ? "the table's history has expired" : null;
        }
        if (account.Incarnation != topic.Incarnation) return "the topic was created anew";
        if (pipeline.SkipsLostOffsets) return null;
        foreach (var entry in account.Ledger.Sources[0].Partitions)
            if (entry.NextOffset < topic.Partitions[entry.Partition].LogStart && !entry.IsUnreadEarliest) return $"partition {entry.Partition} starts at {topic.Partitions[entry.Partition].LogStart}, after the position {entry.NextOffset}";
        return null;
    }

    private static bool IsHistoryCut(Table table)
    {
        var steps = LineageReader.WalkAsync(table, default).GetAsyncEnumerator();
        while (SimulatedWorld.Completed(steps.MoveNextAsync()))
            if (steps.Current is LineageStep.Missing) return true;
        return false;
    }
}
