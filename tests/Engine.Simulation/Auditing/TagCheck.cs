using Matih.Delivery.Ledgers;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Planning;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>The tag of a flow pins its newest commit, for ever: without it expiry takes the ledger, and a refusal would look justified.</summary>
internal static class TagCheck
{
    /// <summary>Looks at a snapshot when it has become the table's head.</summary>
    /// <param name="flows">The flows whose commits the table holds.</param>
    /// <exception cref="AuditException">A tag is missing, on another snapshot, or would expire.</exception>
    public static void Require(Table table, Snapshot head, IEnumerable<FlowName> flows)
    {
        foreach (var flow in flows)
        {
            if (!table.Metadata.Refs.TryGetValue(LedgerKeys.Tag(flow), out var tag)) throw new AuditException($"{table.Identifier} holds commits of {flow} and no tag {LedgerKeys.Tag(flow)}.");
            if (tag.MaxRefAgeMillis is not long.MaxValue) throw new AuditException($"The tag of {flow} on {table.Identifier} may expire after {tag.MaxRefAgeMillis} ms.");
            if (head.Summary.GetValueOrDefault(LedgerKeys.Writer) == flow.ToString() && tag.SnapshotId != head.Id)
                throw new AuditException($"The tag of {flow} on {table.Identifier} stays on snapshot {tag.SnapshotId}, although {head.Id} is its newest commit.");
        }
    }

    /// <summary>Whether some tag pins a commit that says who took the flow over.</summary>
    public static bool TellsOfTaker(Table table, FlowName flow) => table.Metadata.Refs.Values.Any(pin =>
        pin.Kind == SnapshotRefKind.Tag && table.Metadata.FindSnapshot(pin.SnapshotId)?.Summary is { } summary && summary.ContainsKey(LedgerKeys.TakenOver(flow)) && !summary.ContainsKey(LedgerKeys.Property(flow)));
}
