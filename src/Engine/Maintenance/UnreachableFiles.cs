using System.Text.Json;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Maintenance;

/// <summary>What a file was to its table.</summary>
public enum TableFileKind { Data, Manifest, ManifestList, Statistics }

/// <summary>A file that nothing in the table's metadata leads to any more.</summary>
/// <param name="LengthBytes">As the metadata says it; null where it does not.</param>
public sealed record UnreachableFile(TableFileKind Kind, string Path, long? LengthBytes);

/// <summary>
/// The files that snapshots led to which a table no longer holds, and none of those leads to that it holds now. Every manifest
/// list that is left is read: that a manifest is gone from the head does not say that no branch, tag or older snapshot names it.
/// </summary>
internal static class UnreachableFiles
{
    /// <summary>Data files first, then what names them.</summary>
    /// <param name="before">The table with the snapshots that went.</param>
    /// <param name="after">The table as it stands, loaded since.</param>
    /// <exception cref="InvalidTableException">A file that the table still needs is missing or damaged, so that nothing can be said.</exception>
    public static async ValueTask<IReadOnlyList<UnreachableFile>> FindAsync(Table before, Table after, CancellationToken cancellationToken)
    {
        var held = after.Metadata.Snapshots.Select(snapshot => snapshot.Id).ToHashSet();
        var gone = before.Metadata.Snapshots.Where(snapshot => !held.Contains(snapshot.Id)).ToList();
        var found = new List<UnreachableFile>();
        if (gone.Count == 0) return found;

        var lists = Left(gone.Select(snapshot => snapshot.ManifestList).OfType<string>(), after.Metadata.Snapshots.Select(snapshot => snapshot.ManifestList).OfType<string>());
        var manifests = await ManifestsOfGoneAsync(before, gone, cancellationToken);
        var needed = new Dictionary<string, ManifestFile>(StringComparer.Ordinal);
        await foreach (var list in after.Metadata.Snapshots.ReadAheadAsync(_ => ListBytes, (snapshot, token) => SnapshotReader.ManifestsAsync(after, snapshot, token), cancellationToken))
        {
            foreach (var manifest in list)
            {
                needed.TryAdd(Key(manifest.Path), manifest);
                manifests.Remove(Key(manifest.Path));
            }
        }

        if (MayLoseFiles(before, after, gone)) found.AddRange(await DataFilesAsync(before, after, manifests.Values, needed.Values, cancellationToken));
        found.AddRange(manifests.Values.Select(manifest => new UnreachableFile(TableFileKind.Manifest, manifest.Path, manifest.LengthBytes)));
        found.AddRange(lists.Select(path => new UnreachableFile(TableFileKind.ManifestList, path, null)));
        found.AddRange(Left(StatisticsOf(before.Metadata), StatisticsOf(after.Metadata)).Select(path => new UnreachableFile(TableFileKind.Statistics, path, null)));
        return found;
    }

    /// <summary>Writers spell one place in several ways, and a file that is still needed under another spelling must stay.</summary>
    private static string Key(string path) => StoreLocation.Plain(path);

    private static List<string> Left(IEnumerable<string> paths, IEnumerable<string> needed)
    {
        var kept = needed.Select(Key).ToHashSet(StringComparer.Ordinal);
        return [.. paths.DistinctBy(Key).Where(path => !kept.Contains(Key(path)))];
    }

    /// <summary>What a manifest list weighs in the reading ahead: few are large.</summary>
    private const long ListBytes = 64 << 10;

    /// <summary>A list or manifest of a snapshot that is gone may be gone too, by somebody else's expiry at the same time.</summary>
    private static async ValueTask<Dictionary<string, ManifestFile>> ManifestsOfGoneAsync(Table before, List<Snapshot> gone, CancellationToken cancellationToken)
    {
        var manifests = new Dictionary<string, ManifestFile>(StringComparer.Ordinal);
        await foreach (var list in gone.Where(snapshot => snapshot.ManifestList is not null).ReadAheadAsync(_ => ListBytes, ReadAsync, cancellationToken))
            foreach (var manifest in list) manifests.TryAdd(Key(manifest.Path), manifest);
        return manifests;

        async ValueTask<IReadOnlyList<ManifestFile>> ReadAsync(Snapshot snapshot, CancellationToken token) =>
            await before.Store.ReadAsync(snapshot.ManifestList!, token) is { } bytes ? ManifestListFile.Read(bytes, snapshot.ManifestList!) : [];
    }

    /// <summary>
    /// Whether some data file may have lost its last snapshot. None has where every snapshot only added files, and each one that
    /// went is an ancestor of the current one: it has all of them still. This spares reading every manifest.
    /// </summary>
    private static bool MayLoseFiles(Table before, Table after, List<Snapshot> gone)
    {
        var ancestors = before.Metadata.Lineage().Select(snapshot => snapshot.Id).ToHashSet();
        return after.Metadata.CurrentSnapshotId is not { } current || !ancestors.IsSubsetOf([.. AncestorsAcross(before, after, current)])
            || gone.Any(snapshot => !ancestors.Contains(snapshot.Id)) || before.Metadata.Snapshots.Concat(after.Metadata.Snapshots).Any(snapshot => snapshot.Operation != "append");
    }

    /// <summary>The ancestors of a snapshot, of which each may be known before, after, or both.</summary>
    private static IEnumerable<SnapshotId> AncestorsAcross(Table before, Table after, SnapshotId from)
    {
        var seen = new HashSet<SnapshotId>();
        for (SnapshotId? next = from; next is { } id && seen.Add(id); next = (after.Metadata.FindSnapshot(id) ?? before.Metadata.FindSnapshot(id))?.ParentId) yield return id;
    }

    /// <summary>Files of the manifests that went, but for those that a manifest which is left names as part of some snapshot.</summary>
    private static async ValueTask<IEnumerable<UnreachableFile>> DataFilesAsync(
        Table before, Table after, IReadOnlyCollection<ManifestFile> gone, IReadOnlyCollection<ManifestFile> needed, CancellationToken cancellationToken)
    {
        var files = new Dictionary<string, UnreachableFile>(StringComparer.Ordinal);
        await foreach (var entries in gone.ReadAheadAsync(manifest => manifest.LengthBytes, ReadGoneAsync, cancellationToken))
            foreach (var entry in entries) files.TryAdd(Key(entry.File.Path), new UnreachableFile(TableFileKind.Data, entry.File.Path, entry.File.FileSizeBytes));
        await foreach (var (_, contents) in SnapshotReader.ContentsAsync(after, needed, cancellationToken))
            foreach (var entry in contents.Entries)
                if (entry.IsLive) files.Remove(Key(entry.File.Path));
        return files.Values;

        async ValueTask<IReadOnlyList<ManifestEntry>> ReadGoneAsync(ManifestFile manifest, CancellationToken token) =>
            await before.Store.LengthAsync(manifest.Path, token) is null ? [] : await SnapshotReader.EntriesAsync(before, manifest, token);
    }

    /// <summary>Statistics and partition statistics, which Puffin and Parquet files hold.</summary>
    internal static IEnumerable<string> StatisticsOf(TableMetadata metadata)
    {
        foreach (var entry in metadata.Statistics.Concat(metadata.PartitionStatistics))
        {
            using var json = JsonDocument.Parse(entry.Source);
            if (json.RootElement.TryGetProperty("statistics-path", out var path) && path.GetString() is { } text) yield return text;
        }
    }
}
