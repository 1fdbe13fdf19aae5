using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Planning;

namespace Matih.Delivery.Tables;

/// <summary>
/// What a commit that is no flow's, but knows of flows, carries forward: the ledgers of all, word by word, as every flow's commit
/// does for the others. A flow then finds its ledger in the newest snapshot, however old its own commit is.
/// docs/delivery.md, "Compaction".
/// </summary>
internal static class CarriedLedgers
{
    private static readonly FlowName Nobody = LedgerKeys.Parse(LedgerKeys.MaintenanceWriter);

    /// <summary>
    /// Texts for the summary; none where no flow has written the table, and where the history does not show what is to be carried:
    /// then the commit is one of another engine to the flows, which look behind it.
    /// </summary>
    public static async ValueTask<ImmutableSortedDictionary<string, string>> ReadAsync(ITableHistory table, CancellationToken cancellationToken)
    {
        var (finding, texts) = await new LedgerLineage(Nobody, new LedgerStorage(table.Store, table.Identifier)).ReadAsync(table, cancellationToken);
        var isWhole = finding is LineageFinding.Absent || finding is LineageFinding.Unproven && texts.ContainsKey(LedgerKeys.Unproven);
        return isWhole && !texts.IsEmpty ? texts.SetItem(LedgerKeys.Writer, LedgerKeys.MaintenanceWriter) : ImmutableSortedDictionary<string, string>.Empty;
    }
}
