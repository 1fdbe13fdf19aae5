using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;
using Matih.Planning;

namespace Matih.Delivery.Tables;

/// <summary>A commit that skipped records.</summary>
/// <param name="Books">All that it did.</param>
/// <param name="Topic">The topic that it read, as far as its ledger tells.</param>
/// <param name="Records">Where they lie; null where its ledger only counts them, or its side file is gone.</param>
public sealed record SkippingCommit(FlowName Flow, CommitId Commit, SnapshotId SnapshotId, long WrittenAtMillis, Books Books, string? Topic, SkippedRecords? Records);

/// <summary>The commits of a table's history that skipped records, and how many records others have skipped that are beyond it.</summary>
/// <param name="Commits">Oldest first, without those that a replay has replaced.</param>
/// <param name="UnlistedCount">Records that the flows' totals count and none of these commits.</param>
public sealed record SkippedHistory(ImmutableArray<SkippingCommit> Commits, long UnlistedCount);

/// <summary>Reads, for people, which records the pipelines of a table have skipped. Only looks.</summary>
public static class SkippedInspection
{
    /// <exception cref="PipelineException">The newest ledger of a flow cannot be read.</exception>
    public static async ValueTask<SkippedHistory> ReadAsync(ITableHistory table, CancellationToken cancellationToken)
    {
        var storage = new LedgerStorage(table.Store, table.Identifier);
        var commits = new List<SkippingCommit>();
        var replaced = new HashSet<CommitId>();
        await foreach (var step in table.WalkAsync(cancellationToken))
        {
            if (step is not HistoryStep.Found { Snapshot: var snapshot }) break;
            if (snapshot.Summary.GetValueOrDefault(LedgerKeys.Writer) is not { } writer || !snapshot.Summary.TryGetValue(LedgerKeys.Property(writer), out var text)) continue;
            if (await ReadAsync(storage, text, cancellationToken) is not { } ledger) continue;
            replaced.UnionWith(ledger.Replay?.Commits ?? []);
            if (ledger.Books.SkippedCount == 0 || replaced.Contains(ledger.Commit)) continue;
            var topic = ledger.Skipped is { } skipped ? ledger.FindSource(skipped.Source)?.Topic : null;
            commits.Add(new SkippingCommit(LedgerKeys.Parse(writer), ledger.Commit, snapshot.Id, ledger.WrittenAtMillis, ledger.Books, topic, ledger.Skipped?.Records));
        }
        commits.Reverse();
        var total = (await LedgerInspection.ReadAsync(table, cancellationToken)).Sum(flow => flow.Ledger.Totals.SkippedCount);
        return new SkippedHistory([.. commits], Math.Max(0, total - commits.Sum(commit => commit.Books.SkippedCount)));
    }

    /// <summary>An older ledger whose side file is gone still tells how many records were skipped.</summary>
    private static async ValueTask<Ledger?> ReadAsync(LedgerStorage storage, string text, CancellationToken cancellationToken)
    {
        try
        {
            return await storage.ReadAsync(text, cancellationToken);
        }
        catch (PipelineException)
        {
            return LedgerFormat.ReadHead(text);
        }
    }
}
