using Matih.Delivery.Ledgers;
using Matih.Iceberg.Catalogs;

namespace Matih.Delivery.Tables;

/// <summary>
/// Where a table's pipelines keep what is not part of the table. Beside its folder, not in it: removing orphan files looks
/// at everything in there that no metadata names.
/// </summary>
internal static class SideFolder
{
    /// <summary>What the names of ledgers' side files begin with.</summary>
    public const string LedgerPrefix = "ledger-";

    /// <summary>
    /// Where a commit keeps its ledger's body. The commit's id makes it the commit's own: a file that two commits shared could
    /// be deleted with the one and be missing for the other.
    /// </summary>
    public static string LedgerOf(Table table, CommitId commit, string sha256) => $"{Of(table)}/{LedgerPrefix}{commit}-{sha256[..16]}.json";

    public static string Of(Table table)
    {
        var location = table.Metadata.Location.TrimEnd('/');
        return $"{location[..location.LastIndexOf('/')]}/_matih/{table.Metadata.TableUuid}";
    }
}
