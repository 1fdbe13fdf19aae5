using Matih.Delivery.IcebergTables;
using Matih.Delivery.Staging;
using Matih.Delivery.Tables;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Storage;

namespace Matih.Maintenance.Orphans;

/// <summary>
/// Takes out of the candidates what a table needs: all that any snapshot leads to, the metadata files, the ledgers that any of
/// them names, and what is about to be committed. Called again with a newer state of the table, it reads only what is new.
/// </summary>
internal sealed class NeededFiles(OrphanListing listing)
{
    /// <summary>What a manifest list weighs in the reading ahead: few are large.</summary>
    private const long ListBytes = 64 << 10;

    private readonly HashSet<string> _read = new(StringComparer.Ordinal);
    private readonly HashSet<string> _flinkKept = new(StringComparer.Ordinal);

    /// <summary>How many manifests of Flink jobs were kept.</summary>
    public int KeptForFlinkCount => _flinkKept.Count;

    /// <exception cref="InvalidTableException">A file that the table needs is missing or damaged, so that nothing can be said.</exception>
    /// <exception cref="UnsupportedTableException">Something names files in a way that this build does not know.</exception>
    public async ValueTask KeepAsync(Table table, CancellationToken cancellationToken)
    {
        var metadata = table.Metadata;
        Keep(metadata.MetadataLog.Select(entry => entry.MetadataFile).Append(table.MetadataLocation).Concat(UnreachableFiles.StatisticsOf(metadata)));
        await KeepSnapshotsAsync(table, cancellationToken);
        await KeepLedgersAsync(table, cancellationToken);
        await KeepStagedAsync(table.Store, cancellationToken);
        await KeepOfFlinkAsync(table, cancellationToken);
    }

    private void Keep(IEnumerable<string> locations)
    {
        foreach (var location in locations) listing.Candidates.Keep(location);
    }

    private async ValueTask KeepSnapshotsAsync(Table table, CancellationToken cancellationToken)
    {
        var manifests = new List<ManifestFile>();
        var unread = table.Metadata.Snapshots.Where(snapshot => snapshot.ManifestList is null || _read.Add(StoreLocation.Plain(snapshot.ManifestList)));
        await foreach (var (snapshot, list) in unread.ReadAheadAsync(_ => ListBytes, async (snapshot, token) => (snapshot, await SnapshotReader.ManifestsAsync(table, snapshot, token)), cancellationToken))
        {
            listing.Candidates.Keep(snapshot.ManifestList!);
            manifests.AddRange(list.Where(manifest => _read.Add(StoreLocation.Plain(manifest.Path))));
        }
        await foreach (var (manifest, contents) in SnapshotReader.ContentsAsync(table, manifests, cancellationToken))
        {
            listing.Candidates.Keep(manifest.Path);
            Keep(contents.Entries.Where(entry => entry.IsLive).Select(entry => entry.File.Path));
        }
    }

    /// <summary>Where some ledger cannot be read, nobody knows which side files are named, and all stay.</summary>
    private async ValueTask KeepLedgersAsync(Table table, CancellationToken cancellationToken)
    {
        if (listing.Ledgers.Count == 0) return;
        var named = await SideFileRemoval.NamedAsync(new IcebergHistory(table), cancellationToken);
        Keep(listing.Ledgers.Where(location => named is null || named.Contains(OrphanFolders.NameOf(location))));
    }

    private async ValueTask KeepStagedAsync(IStore store, CancellationToken cancellationToken)
    {
        await foreach (var paths in listing.StagedRanges.Where(_read.Add).ReadAheadAsync(_ => 0, PathsAsync, cancellationToken)) Keep(paths);

        // A record that is gone was taken by a commit, or dropped.
        async ValueTask<IReadOnlyList<string>> PathsAsync(string location, CancellationToken token)
        {
            try
            {
                return await store.ReadAsync(location, token) is { } bytes ? StagedRangeFormat.ReadPaths(bytes) : [];
            }
            catch (FormatException e)
            {
                throw new UnsupportedTableException($"The staged range {location} cannot be read ({e.Message}), so that nobody knows which files it names, and none was deleted. Use the version of matih that wrote it, or delete it where no pipeline uses it.", e);
            }
        }
    }

    private async ValueTask KeepOfFlinkAsync(Table table, CancellationToken cancellationToken)
    {
        var needed = listing.FlinkManifests.Where(manifest => !_flinkKept.Contains(manifest.Location) && manifest.MayBeCommitted(table.Metadata));
        await foreach (var (manifest, paths) in needed.ReadAheadAsync(_ => ListBytes, PathsAsync, cancellationToken))
        {
            // A job deletes it once its files are committed.
            if (paths is null) continue;
            _flinkKept.Add(manifest.Location);
            Keep(paths.Append(manifest.Location));
        }

        async ValueTask<(FlinkManifestFile, List<string>?)> PathsAsync(FlinkManifestFile manifest, CancellationToken token) =>
            (manifest, await table.Store.ReadAsync(manifest.Location, token) is { } bytes ? [.. manifest.ReadPaths(bytes)] : null);
    }
}
