using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Planning;

namespace Matih.Delivery.Replaying;

/// <summary>One commit of a flow as the table's history tells of it.</summary>
internal sealed record HistoricCommit(Ledger Ledger, SnapshotId SnapshotId)
{
    public CommitId Id => Ledger.Commit;
}

/// <summary>
/// The commits of a flow in the current lineage of its table, back to its last start, reset or adoption: what was before
/// then stands under another ledger.
/// </summary>
internal static class CommitHistory
{
    /// <summary>The commits from the newest back to one beyond <paramref name="oldest"/> (where there is one), newest first.</summary>
    /// <exception cref="PipelineException">The history does not hold that commit.</exception>
    public static async ValueTask<ImmutableArray<HistoricCommit>> ReadAsync(
        ITableHistory table, FlowName flow, TableLedger ledgers, CommitId oldest, CancellationToken cancellationToken)
    {
        var property = LedgerKeys.Property(flow);
        var commits = ImmutableArray.CreateBuilder<HistoricCommit>();
        var isFound = false;
        await foreach (var step in table.WalkAsync(cancellationToken))
        {
            if (step is HistoryStep.Missing missing)
            {
                if (isFound) break;
                throw PipelineException.Refused(
                    $"The history of table {table.Identifier} ends at the expired snapshot {missing.SnapshotId}, before commit {oldest} of {flow} is met.",
                    $"Replay later commits; matih table snapshots {table.Identifier} shows which the table's history still has.");
            }
            var snapshot = ((HistoryStep.Found)step).Snapshot;
            if (snapshot.Summary.GetValueOrDefault(LedgerKeys.Writer) != flow.ToString() || !snapshot.Summary.TryGetValue(property, out var text)) continue;
            var commit = new HistoricCommit(await ledgers.ReadTextAsync(text, cancellationToken), snapshot.Id);
            commits.Add(commit);
            if (isFound) break;
            isFound = commit.Id == oldest;
            if (commit.Ledger.Base is null || LedgerKeys.AdoptedBy(snapshot.Summary) is not null) break;
        }
        if (isFound) return commits.ToImmutable();
        throw PipelineException.Refused(
            $"Commit {oldest} is not among the commits that {flow} made to table {table.Identifier} since its last start or reset.",
            $"See which they are with: matih table snapshots {table.Identifier}.");
    }
}
