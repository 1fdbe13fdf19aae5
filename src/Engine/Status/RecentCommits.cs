using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Planning;

namespace Matih.Status;

/// <summary>The flow's newest commits, as far as the table that was loaded names them. Reads nothing.</summary>
/// <param name="SnapshotId">Of the newest; null where none is named.</param>
/// <param name="Rates">Null where fewer than two are named, or their times do not rise.</param>
internal sealed record RecentCommits(SnapshotId? SnapshotId, CommitRates? Rates)
{
    /// <summary>Enough for a mean, and not so many that it tells of long ago.</summary>
    private const int CountMax = 20;

    public static RecentCommits Of(ITableHistory table, FlowName flow)
    {
        SnapshotId? newestId = null;
        Ledger? newest = null, oldest = null;
        var sum = default(Books);
        var count = 0;
        foreach (var (snapshot, ledger) in Walk(table, flow))
        {
            newestId ??= snapshot;
            newest ??= ledger;
            // The oldest one only says when the others began.
            if (oldest is not null)
            {
                if (oldest.Replay is null) sum += oldest.Books;
                count++;
            }
            oldest = ledger;
            // What came before a reset is another history.
            if (ledger.Base is null || count == CountMax) break;
        }
        if (newest is null || oldest is null || newest.WrittenAtMillis <= oldest.WrittenAtMillis) return new RecentCommits(newestId, null);
        return new RecentCommits(newestId, new CommitRates(
            count, sum.RecordCount, sum.AddedRowCount, DateTimeOffset.FromUnixTimeMilliseconds(oldest.WrittenAtMillis), DateTimeOffset.FromUnixTimeMilliseconds(newest.WrittenAtMillis)));
    }

    private static IEnumerable<(SnapshotId SnapshotId, Ledger Ledger)> Walk(ITableHistory table, FlowName flow)
    {
        var writer = flow.ToString();
        for (var snapshot = table.Head; snapshot is not null; snapshot = snapshot.ParentId is { } parent ? table.Find(parent) : null)
        {
            if (snapshot.Summary.GetValueOrDefault(LedgerKeys.Writer) != writer) continue;
            if (!snapshot.Summary.TryGetValue(LedgerKeys.Property(flow), out var text) || LedgerFormat.ReadHead(text) is not { } ledger) yield break;
            yield return (snapshot.Id, ledger);
        }
    }
}
