using Matih.Engine.Simulation.Scenarios;
using Matih.Engine.Simulation.World;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>What may keep a replay from being done: records, files or history that are no longer as the commits left them.</summary>
internal sealed class ReplayCauses(SimulatedWorld world, Auditor auditor)
{
    /// <summary>Tables whose files another engine has rewritten.</summary>
    public HashSet<string> Rewritten { get; } = [];

    /// <summary>Tables that were rolled back, or whose snapshots have expired.</summary>
    public HashSet<string> Shortened { get; } = [];

    /// <summary>When another engine last changed columns, partitioning or properties of a table.</summary>
    public Dictionary<string, TimeSpan> ChangedAt { get; } = [];

    /// <param name="startedAt">When the replay was started.</param>
    public string? Find(PipelineSetup pipeline, int sink, TimeSpan startedAt, int othersRunning)
    {
        if (auditor.IsBeyondPromise(pipeline, sink)) return "the topic was created again, unnoticeably";
        if (Rewritten.Contains(pipeline.Tables[sink])) return "another engine has rewritten the files";
        if (Shortened.Contains(pipeline.Tables[sink])) return "history was rolled back or has expired";
        if (ChangedAt.TryGetValue(pipeline.Tables[sink], out var changedAt) && changedAt >= startedAt) return "another engine has changed the table meanwhile";
        if (auditor.TruthOf(pipeline, sink) is not { } account) return "the table holds no ledger of the flow";
        var topic = world.Kafka.Topics[pipeline.Topic];
        if (account.Incarnation != topic.Incarnation) return "the topic was created again";
        if (!account.Past.IsEmpty) return "the flow was reset, or has adopted another";
        for (var partition = 0; partition < topic.Partitions.Count; partition++)
            if (topic.Partitions[partition].LogStart > 0 || topic.Partitions[partition].LostTails.Count != 0 || topic.Partitions[partition].Records.Any(record => record.IsCompacted)) return $"records of partition {partition} are gone";
        return othersRunning > 0 ? "another replay ran beside it" : null;
    }
}
