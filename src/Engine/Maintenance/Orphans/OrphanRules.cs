using Matih.Delivery.Staging;
using Matih.Delivery.Tables;
using Matih.Iceberg.Catalogs;

namespace Matih.Maintenance.Orphans;

/// <summary>
/// Which files may be orphans at all: those that Matih and Iceberg's engines write, by their names. Anything else that lies in a
/// table's folder is a person's, or a program's that is not known here, and stays.
/// </summary>
internal static class OrphanRules
{
    /// <summary>What stands between a table's folder and the files of another format that has its table there as well.</summary>
    private static readonly string[] OtherFormats = ["_delta_log", ".hoodie"];

    /// <param name="place">The file, in its plain spelling.</param>
    /// <param name="root">The folder that it was listed in, likewise.</param>
    /// <returns>Null for what stays, whatever its age.</returns>
    public static OrphanKind? KindOf(string place, string root, OrphanFolders folders)
    {
        var name = OrphanFolders.NameOf(place);
        if (folders.IsBeside(place)) return KindBeside(place, name);
        if (IsHidden(OrphanFolders.FolderOf(place), root)) return null;
        if (IsUnfinished(name) || IsChecksum(name)) return OrphanKind.Unfinished;
        if (name[0] is '.' or '_') return null;
        var isMetadata = folders.IsMetadata(OrphanFolders.FolderOf(place));
        if (isMetadata && StoreTime.IsProbe(name)) return OrphanKind.Unfinished;
        // Versions of a file catalog keep writers apart that slept: a free number must never have been taken.
        if (IsMetadataFile(name)) return isMetadata && FileCatalog.VersionOf(place) is null ? OrphanKind.Metadata : null;
        if (name.EndsWith(".avro", StringComparison.Ordinal)) return !isMetadata ? OrphanKind.Data : name.StartsWith("snap-", StringComparison.Ordinal) ? OrphanKind.ManifestList : OrphanKind.Manifest;
        if (name.EndsWith(".parquet", StringComparison.Ordinal) || name.EndsWith(".orc", StringComparison.Ordinal) || name.EndsWith(".puffin", StringComparison.Ordinal)) return isMetadata ? OrphanKind.Statistics : OrphanKind.Data;
        return name.EndsWith(".stats", StringComparison.Ordinal) && isMetadata ? OrphanKind.Statistics : null;
    }

    /// <summary>A checksum that Hadoop's local file system keeps beside a file goes with the file: <c>.NAME.crc</c>.</summary>
    public static bool IsChecksum(string name) => name.Length > 5 && name[0] == '.' && name.EndsWith(".crc", StringComparison.Ordinal);

    /// <summary>The file that a checksum is of.</summary>
    public static string SubjectOf(string checksum) => $"{OrphanFolders.FolderOf(checksum)}/{OrphanFolders.NameOf(checksum)[1..^4]}";

    public static bool IsMetadataFile(string name) => name.EndsWith(".metadata.json", StringComparison.Ordinal) || name.EndsWith(".metadata.json.gz", StringComparison.Ordinal);

    /// <summary>
    /// The folder of another table that the file shows, which nothing of may go: one with a <c>metadata</c> folder of its own, or
    /// of another format. Null where it shows none.
    /// </summary>
    public static string? OtherTableOf(string place, OrphanFolders folders)
    {
        foreach (var mark in OtherFormats)
            if (place.IndexOf($"/{mark}/", StringComparison.Ordinal) is var at and >= 0) return place[..at];
        var folder = OrphanFolders.FolderOf(place);
        return IsMetadataFile(OrphanFolders.NameOf(place)) && !folders.IsMetadata(folder) && folder.EndsWith("/metadata", StringComparison.Ordinal) ? OrphanFolders.FolderOf(folder) : null;
    }

    private static OrphanKind? KindBeside(string place, string name) =>
        name.StartsWith(SideFolder.LedgerPrefix, StringComparison.Ordinal) ? OrphanKind.Ledger
        // Not what a start tries the store with: a process that sleeps in the middle of it would take the store for a faulty one.
        : IsUnfinished(name) ? OrphanKind.Unfinished
        : place.Contains(SideFolder.StagedFolder, StringComparison.Ordinal) && RangeName.Parse(place, default) is not null ? OrphanKind.StagedRange
        : null;

    /// <summary>What a killed process leaves: <c>.NAME.UUID.tmp</c> of our local store, <c>UUID-version-hint.temp</c> of Iceberg's file catalog.</summary>
    private static bool IsUnfinished(string name) => (name[0] == '.' && name.EndsWith(".tmp", StringComparison.Ordinal)) || name.EndsWith("-version-hint.temp", StringComparison.Ordinal);

    /// <summary>As for Iceberg's own removal: folders whose names begin with a dot or an underscore are not looked into, unless they are a partition's.</summary>
    private static bool IsHidden(string folder, string root) =>
        folder.Length > root.Length && folder[(root.Length + 1)..].Split('/').Any(part => part.Length != 0 && part[0] is '.' or '_' && !part.Contains('=', StringComparison.Ordinal));
}
