using Matih.Delivery.Ledgers;
using Matih.Engine.Simulation.World;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Planning;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>
/// Whether history really ends before it shows what every commit of ours carries. It does not ask the engine's own walk, which
/// would forgive itself: it looks into every metadata file that the table's log still names.
/// </summary>
internal static class HistoryCheck
{
    /// <summary>
    /// Whether a snapshot that no metadata file shows any more lies between the table's head and the first commit of any pipeline, or
    /// that commit says itself that it was put upon such a history, and does not hold the flow's ledger.
    /// </summary>
    public static bool IsCutBefore(SimulatedWorld world, Table table, FlowName flow) => IsCutBefore(world, table, table.Metadata.CurrentSnapshotId, flow);

    /// <param name="from">The snapshot to look from.</param>
    public static bool IsCutBefore(SimulatedWorld world, Table table, SnapshotId? from, FlowName flow)
    {
        var known = table.Metadata.Snapshots.ToDictionary(snapshot => snapshot.Id);
        foreach (var entry in table.Metadata.MetadataLog)
        {
            if (world.Store.Read(entry.MetadataFile) is not { } bytes) continue;
            foreach (var snapshot in TableMetadataJson.Read(bytes, entry.MetadataFile).Snapshots) known.TryAdd(snapshot.Id, snapshot);
        }
        for (var next = from; next is { } id;)
        {
            if (!known.TryGetValue(id, out var snapshot)) return true;
            if (snapshot.Summary.ContainsKey(LedgerKeys.Writer)) return snapshot.Summary.ContainsKey(LedgerKeys.Unproven) && !snapshot.Summary.ContainsKey(LedgerKeys.Property(flow));
            next = snapshot.ParentId;
        }
        return false;
    }
}
