using Matih.Delivery.Ledgers;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Delivery.Tables;

/// <summary>
/// Deletes side files of ledgers that no snapshot names any more, neither in the table's metadata nor in the older metadata
/// files that it refers to. Every commit of a large ledger writes one, and expiry removes the snapshots that name it, but
/// knows nothing of files beside the table.
/// </summary>
/// <remarks>
/// A commit writes its side file first, so that one without a snapshot may belong to a commit whose fate is open. No commit is
/// attempted later than 12 hours after it was prepared; a file is therefore left alone until it is a day older than the
/// newest one. Both times are the store's: a clock of this machine that is wrong deletes nothing.
/// </remarks>
internal sealed class SideFileRemoval(IStore store, TimeProvider clock, IEngineLog log)
{
    private static readonly TimeSpan AgeMin = TimeSpan.FromDays(1);

    private static readonly TimeSpan Interval = TimeSpan.FromHours(6);

    private long? _lookedAt;

    /// <summary>Looks through the folder beside the table at the first call, and every six hours after it. A failure is harmless.</summary>
    public async ValueTask RunAsync(ITableHistory table, CancellationToken cancellationToken)
    {
        if (_lookedAt is { } last && clock.GetElapsedTime(last) < Interval) return;
        _lookedAt = clock.GetTimestamp();
        try
        {
            var files = new List<StoredObject>();
            await foreach (var item in store.ListAsync($"{SideFolder.Of(table)}/", cancellationToken))
                if (NameOf(item.Location).StartsWith(SideFolder.LedgerPrefix, StringComparison.Ordinal)) files.Add(item);
            var newest = files.Select(item => item.LastModified).DefaultIfEmpty().Max();
            files.RemoveAll(item => newest - item.LastModified <= AgeMin);
            if (files.Count == 0 || await NamedAsync(table, cancellationToken) is not { } named) return;
            foreach (var item in files)
                if (!named.Contains(NameOf(item.Location))) await store.DeleteAsync(item.Location, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.Debug("cleanup-failed", $"Old side files of ledgers beside table {table.Identifier} could not be deleted: {e.Message}");
        }
    }

    /// <summary>
    /// The names of the side files that snapshots refer to, those that only older metadata files still hold included: a start
    /// looks for expired parents there. Null where some ledger cannot be read, so that nobody knows.
    /// </summary>
    internal static async ValueTask<HashSet<string>?> NamedAsync(ITableHistory table, CancellationToken cancellationToken)
    {
        var named = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var summary in table.ReadAllSummariesAsync(cancellationToken))
            if (!Collect(summary, named)) return null;
        return named;
    }

    private static bool Collect(IReadOnlyDictionary<string, string> summary, HashSet<string> named)
    {
        foreach (var (key, text) in summary)
        {
            if (!LedgerKeys.IsLedger(key)) continue;
            try
            {
                if (LedgerFormat.ReadSideFile(text) is { } file) named.Add(NameOf(file.Location));
            }
            catch (FormatException)
            {
                return false;
            }
        }
        return true;
    }

    private static string NameOf(string location) => location[(location.LastIndexOf('/') + 1)..];
}
