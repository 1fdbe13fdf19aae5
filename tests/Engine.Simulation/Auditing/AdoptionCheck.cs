using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Iceberg.Metadata;
using Matih.Planning;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>An adoption takes over one ledger, the very one that the table holds, and the adopted flow has none from then on.</summary>
internal static class AdoptionCheck
{
    /// <summary>Takes the account that a snapshot's writer adopts out of what the table holds.</summary>
    /// <returns>That account; null where the snapshot adopts nothing.</returns>
    /// <exception cref="AuditException">It may not adopt that, or not so.</exception>
    public static LedgerAccount? TakeOut(Snapshot head, Dictionary<FlowName, LedgerAccount> accounts, IReadOnlyList<FlowLedger> ledgers, ProcessOrders orders)
    {
        if (!head.Summary.TryGetValue(LedgerKeys.Adopted, out var name)) return null;
        var flow = LedgerKeys.FlowOf(LedgerKeys.Property(name));
        var writer = head.Summary.GetValueOrDefault(LedgerKeys.Writer);
        var taker = ledgers.FirstOrDefault(item => item.Flow.ToString() == writer) ?? throw new AuditException($"Snapshot {head.Id} adopts the ledger of {flow}, and holds none of {writer}.");
        if (!accounts.Remove(flow, out var account)) throw new AuditException($"Commit {taker.Ledger.Commit} of {taker.Flow} adopts the ledger of {flow}, which the table below does not hold.");
        if (taker.Ledger.Base != account.Ledger.Commit)
            throw new AuditException($"Commit {taker.Ledger.Commit} of {taker.Flow} adopts commit {taker.Ledger.Base} of {flow}, but was put upon commit {account.Ledger.Commit}.");
        if (orders.Of(taker.Ledger)?.Answers.Adopt is not { } asked || asked != flow.Pipeline && asked != flow.ToString())
            throw new AuditException($"Commit {taker.Ledger.Commit} of {taker.Flow} adopts the ledger of {flow}, which nobody asked for.");
        if (taker.Flow.Sink != flow.Sink) throw new AuditException($"Commit {taker.Ledger.Commit} of {taker.Flow} adopts the ledger of another sink, {flow}.");
        if (ledgers.Any(item => item.Flow == flow)) throw new AuditException($"Snapshot {head.Id} still carries the ledger of {flow}, which {taker.Flow} takes over in it.");
        return account;
    }
}
