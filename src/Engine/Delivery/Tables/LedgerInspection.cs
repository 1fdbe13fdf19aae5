using Matih.Delivery.Ledgers;
using Matih.Planning;

namespace Matih.Delivery.Tables;

/// <summary>A flow's ledger as a table's current snapshot has it.</summary>
/// <param name="SnapshotId">The nearest snapshot that carries it: the flow's own commit, or another's that copied it forward.</param>
public sealed record FlowLedger(FlowName Flow, Ledger Ledger, SnapshotId SnapshotId);

/// <summary>
/// Reads the ledgers that a table holds, for people and dashboards. Only looks; what a pipeline resumes from is decided with
/// more care, when it opens the table.
/// </summary>
public static class LedgerInspection
{
    /// <summary>The commit that a snapshot with this summary is, for the flow that made it; null for one of another engine, or with a ledger that cannot be read.</summary>
    public static CommitId? CommitOf(IReadOnlyDictionary<string, string> summary)
    {
        if (!summary.TryGetValue(LedgerKeys.Writer, out var flow) || !summary.TryGetValue(LedgerKeys.Property(flow), out var text)) return null;
        return LedgerFormat.TryReadCommit(text);
    }

    /// <summary>Every flow's ledger, ordered by the flow's name; empty for a table that no pipeline writes.</summary>
    /// <exception cref="PipelineException">A ledger cannot be read, or its side file is gone.</exception>
    public static async ValueTask<IReadOnlyList<FlowLedger>> ReadAsync(ITableHistory table, CancellationToken cancellationToken)
    {
        var nearest = new SortedDictionary<string, (string Text, SnapshotId SnapshotId)>(StringComparer.Ordinal);
        await foreach (var step in table.WalkAsync(cancellationToken))
        {
            if (step is not HistoryStep.Found { Snapshot: var snapshot }) break;
            foreach (var (key, value) in snapshot.Summary)
                if (LedgerKeys.IsLedger(key)) nearest.TryAdd(key, (value, snapshot.Id));
            // A pipeline's commit copies the ledgers of all others forward: nothing further back is newer.
            if (snapshot.Summary.ContainsKey(LedgerKeys.Writer)) break;
        }
        var storage = new LedgerStorage(table.Store, table.Identifier);
        var ledgers = new List<FlowLedger>();
        foreach (var (key, (text, snapshotId)) in nearest)
            ledgers.Add(new FlowLedger(LedgerKeys.FlowOf(key), await storage.ReadAsync(text, cancellationToken), snapshotId));
        return ledgers;
    }
}
