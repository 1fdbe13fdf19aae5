using Matih.Delivery.Ledgers;

namespace Matih.Delivery.Tables;

/// <summary>
/// Where a table's pipelines keep what is not part of the table. Beside its folder, not in it: removing orphan files looks
/// at everything in there that no metadata names. Where a table is confined, what lasts for hours at most lies within the
/// folder all the same, and ledgers need no files.
/// </summary>
internal static class SideFolder
{
    /// <summary>What the names of ledgers' side files begin with.</summary>
    public const string LedgerPrefix = "ledger-";

    /// <summary>Where staged ranges lie in it.</summary>
    public const string StagedFolder = "/staged/";

    /// <summary>
    /// Where a commit keeps its ledger's body. The commit's id makes it the commit's own: a file that two commits shared could
    /// be deleted with the one and be missing for the other.
    /// </summary>
    public static string LedgerOf(ITableHistory table, CommitId commit, string sha256) => $"{Of(table)}/{LedgerPrefix}{commit}-{sha256[..16]}.json";

    public static string Of(ITableHistory table)
    {
        var location = table.Location;
        if (table.IsConfined) return $"{location}/metadata/_matih/{table.TableUuid}";
        return $"{location[..location.LastIndexOf('/')]}/_matih/{table.TableUuid}";
    }
}
