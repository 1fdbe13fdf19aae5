using Matih.Delivery.Ledgers;
using Matih.Engine.Simulation.Scenarios;
using Matih.Engine.Simulation.World;
using Matih.Iceberg.Catalogs;
using Matih.Planning;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>Grounds for a refusal that other engines and accidents have made.</summary>
internal sealed class WorldCauses(SimulatedWorld world, TableHistory history)
{
    public RefusalCause? Find(PipelineSetup pipeline, int sink, Table table)
    {
        var flow = pipeline.Flow(sink).ToString();
        if (table.Metadata.CurrentSnapshotId is { } head && history.At(head).Blocked.Contains(flow)) return new RefusalCause("a commit of the flow was applied again above its ledger", WayOut.Reset);
        foreach (var snapshot in table.Metadata.Lineage())
        {
            if (snapshot.Summary.GetValueOrDefault(LedgerKeys.Writer) == flow) break;
            if (snapshot.Summary.TryGetValue("source-snapshot-id", out var source) && table.Metadata.Snapshots.All(other => other.Id.ToString() != source))
                return new RefusalCause("a commit was applied again that nobody knows any more", WayOut.Reset);
        }
        // A table that was rolled back may hold the ledger of before; the tag still pins the later one.
        if (world.Store.Lost.Keys.Any(location => table.Metadata.Snapshots.Any(snapshot => snapshot.Summary.TryGetValue(LedgerKeys.Property(flow), out var text) && text.Contains(location, StringComparison.Ordinal))))
            return new RefusalCause("the side file of the flow's ledger is gone", WayOut.Reset);
        return null;
    }

    /// <summary>Records that the ledger accounts for, or offsets, have gone in an unclean leader election.</summary>
    public static RefusalCause? Find(FlowName flow, SimulatedTopic topic, Ledger ledger)
    {
        foreach (var entry in ledger.Sources[0].Partitions)
        {
            var log = topic.Partitions[entry.Partition];
            if (entry.NextOffset > log.HighWatermark || entry.NextOffset > log.TornFrom(flow.ToString()))
                return new RefusalCause($"partition {entry.Partition} has lost records before {entry.NextOffset}", WayOut.Reset);
            // Whoever read it: a flow that took the ledger over may not have read anything yet.
            if (entry.Last is { } last && TopicNotice.IsReplaced(log, last))
                return new RefusalCause($"partition {entry.Partition} holds another record at {last.Offset} than the one that was read", WayOut.Reset);
        }
        return null;
    }
}
