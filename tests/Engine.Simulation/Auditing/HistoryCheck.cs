using Matih.Delivery;
using Matih.Engine.Simulation.World;
using Matih.Iceberg;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>
/// Whether history really ends before it shows what every commit of ours carries. It does not ask the engine's own walk, which
/// would forgive itself: it looks into every metadata file that the table's log still names.
/// </summary>
internal static class HistoryCheck
{
    /// <summary>Whether a snapshot that nothing tells of any more lies between the table's head and the first commit of any pipeline.</summary>
    public static bool IsCutBeforeLedgers(SimulatedWorld world, Table table)
    {
        var known = table.Metadata.Snapshots.ToDictionary(snapshot => snapshot.Id);
        foreach (var entry in table.Metadata.MetadataLog)
        {
            if (world.Store.Read(entry.MetadataFile) is not { } bytes) continue;
            foreach (var snapshot in TableMetadataJson.Read(bytes, entry.MetadataFile).Snapshots) known.TryAdd(snapshot.Id, snapshot);
        }
        for (var next = table.Metadata.CurrentSnapshotId; next is { } id;)
        {
            if (!known.TryGetValue(id, out var snapshot)) return true;
            if (snapshot.Summary.ContainsKey(LedgerKeys.Writer)) return false;
            next = snapshot.ParentId;
        }
        return false;
    }
}
