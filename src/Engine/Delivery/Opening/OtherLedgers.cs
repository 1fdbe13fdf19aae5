using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Telemetry;

namespace Matih.Delivery.Opening;

/// <summary>Ledgers of other flows in the table in which a flow begins.</summary>
internal static class OtherLedgers
{
    /// <summary>Another pipeline over the same topic may be this one under its old name. One that cannot be read keeps nobody else from starting.</summary>
    public static async ValueTask WarnAsync(FlowContext flow, TableLedger ledgers, InheritedLedgers reading, CancellationToken cancellationToken)
    {
        foreach (var (key, text) in reading.Others.Where(pair => LedgerKeys.IsLedger(pair.Key)).OrderBy(pair => LedgerKeys.FlowOf(pair.Key).ToString(), StringComparer.Ordinal))
        {
            var other = LedgerKeys.FlowOf(key);
            try
            {
                var ledger = await ledgers.ReadTextAsync(text, cancellationToken);
                if (ledger.Sources.All(candidate => candidate.Topic != flow.Plan.Topic)) continue;
                flow.Log.Warning("other-ledger", $"Table {flow.Plan.Table.Identifier} already holds a ledger of {other} over the same topic '{flow.Plan.Topic}'. If {flow.Name} is its new name, stop and start with --adopt {other}; otherwise its records are written a second time.",
                    ("other", other.ToString()));
            }
            catch (PipelineException unreadable)
            {
                flow.Log.Warning("other-ledger-unreadable", $"The ledger of {other} in table {flow.Plan.Table.Identifier} cannot be read, so it is not known whether it reads topic '{flow.Plan.Topic}', too: {unreadable.Message}", ("other", other.ToString()));
            }
        }
    }
}
