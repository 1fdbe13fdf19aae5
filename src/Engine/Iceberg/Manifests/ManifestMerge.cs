using System.Collections.Immutable;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Iceberg.Manifests;

/// <summary>
/// Keeps the number of manifests small: new and old ones of a spec are packed into bins of the target size, and bins of
/// enough manifests become one. Files keep the snapshot, the sequence numbers and the row ids that they have. Files that the snapshot removes
/// are marked so on the way.
/// </summary>
/// <remarks>Behaves as the reference implementation's merging append, so that mixed writers do not rewrite each other's manifests for ever.</remarks>
internal static class ManifestMerge
{
    /// <param name="Manifests">The data manifests of the new snapshot: new ones first.</param>
    /// <param name="NewLocations">Merged manifests, and those written again without removed files: for this attempt only.</param>
    /// <param name="SwallowedLocations">Added manifests that became part of a merged one: nothing names them.</param>
    /// <param name="CreatedCount">Manifests of the snapshot that are new to the table.</param>
    /// <param name="ReplacedCount">Manifests of the parent that are no longer used.</param>
    public sealed record Result(ImmutableArray<ManifestFile> Manifests, ImmutableArray<string> NewLocations, ImmutableArray<string> SwallowedLocations, int CreatedCount, int ReplacedCount);

    /// <param name="removed">Files that the snapshot takes out: manifests that list them are written again, merged or by themselves.</param>
    /// <param name="mergesAll">Whether the newest bin is merged as well, however few manifests it has.</param>
    public static async ValueTask<Result> MergeAsync(
        Table table, SnapshotId snapshotId, ImmutableArray<ManifestFile> added, ImmutableArray<ManifestFile> kept, RemovalFinding removed, bool mergesAll, IIdSource ids,
        CancellationToken cancellationToken)
    {
        var settings = new TableSettings(table.Metadata.Properties);
        var all = added.AddRange(kept);
        if (!settings.IsManifestMergeEnabled && removed.Entries.Count == 0 || all.IsEmpty) return new(all, [], [], added.Length, 0);
        var first = all[0];
        var result = ImmutableArray.CreateBuilder<ManifestFile>();
        var locations = ImmutableArray.CreateBuilder<string>();
        var replaced = 0;
        var swallowed = ImmutableArray.CreateBuilder<string>();
        foreach (var group in all.GroupBy(manifest => manifest.SpecId).OrderByDescending(group => group.Key))
        {
            foreach (var bin in Pack([.. group], settings.ManifestTargetBytes))
            {
                // Older bins are merged whenever they can be; the newest waits until enough small manifests have come together.
                var isDue = settings.IsManifestMergeEnabled && bin.Count > 1 && (mergesAll || !bin.Contains(first) || bin.Count >= settings.ManifestMergeCountMin);
                if (isDue && bin.All(manifest => manifest.KeyMetadata is null) && WriterFor(table, group.Key, snapshotId) is { } writer)
                {
                    await RewriteAsync(bin, writer);
                    continue;
                }
                foreach (var manifest in bin)
                {
                    if (removed.ManifestPaths.Contains(manifest.Path)) await RewriteAsync([manifest], RewriterFor(table, manifest, snapshotId));
                    else result.Add(manifest);
                }
            }
        }
        return new(result.ToImmutable(), locations.ToImmutable(), swallowed.ToImmutable(), added.Length - swallowed.Count + locations.Count, replaced);

        async ValueTask RewriteAsync(IReadOnlyList<ManifestFile> old, ManifestWriter writer)
        {
            await CopyAsync(table, snapshotId, old, removed.Paths, writer, cancellationToken);
            var written = await StoreAsync(table, writer, ids, cancellationToken);
            result.Add(written);
            locations.Add(written.Path);
            swallowed.AddRange(old.Where(added.Contains).Select(manifest => manifest.Path));
            replaced += old.Count(manifest => !added.Contains(manifest));
        }
    }

    /// <summary>A writer for what is left of a manifest.</summary>
    /// <exception cref="UnsupportedTableException">There is none.</exception>
    public static ManifestWriter RewriterFor(Table table, ManifestFile manifest, SnapshotId snapshotId)
    {
        if (manifest.KeyMetadata is not null)
            throw new UnsupportedTableException($"The manifest {manifest.Path} of {table.Identifier} is encrypted, so files cannot be taken out of it.");
        return WriterFor(table, manifest.SpecId, snapshotId, manifest.Content)
            ?? throw new UnsupportedTableException($"The manifest {manifest.Path} of {table.Identifier} is of partition spec {manifest.SpecId}, which this build cannot write, so files cannot be taken out of it.");
    }

    private static async ValueTask CopyAsync(
        Table table, SnapshotId snapshotId, IReadOnlyList<ManifestFile> manifests, ImmutableHashSet<string> removed, ManifestWriter writer,
        CancellationToken cancellationToken)
    {
        await foreach (var (_, contents) in SnapshotReader.ContentsAsync(table, manifests, cancellationToken))
        {
            foreach (var entry in contents.Entries)
            {
                // What earlier snapshots deleted is in their own manifests.
                if (!entry.IsLive) continue;
                if (removed.Contains(entry.File.Path)) writer.Delete(entry);
                else if (entry.Status == EntryStatus.Added && entry.SnapshotId == snapshotId) writer.Add(entry.File);
                else writer.Keep(entry);
            }
        }
    }

    /// <summary>Neighbours share a bin while it stays below the target. Packed from the end, so that the newest bin is the one with room left.</summary>
    private static List<List<ManifestFile>> Pack(IReadOnlyList<ManifestFile> manifests, long targetBytes)
    {
        var bins = new List<List<ManifestFile>>();
        var binBytes = 0L;
        foreach (var manifest in manifests.Reverse())
        {
            if (bins.Count == 0 || binBytes + manifest.LengthBytes > targetBytes)
            {
                bins.Add([]);
                binBytes = 0;
            }
            bins[^1].Insert(0, manifest);
            binBytes += manifest.LengthBytes;
        }
        bins.Reverse();
        return bins;
    }

    /// <summary>A writer for manifests of the spec; null where the table does not hold it, or a value of it could not be written.</summary>
    public static ManifestWriter? WriterFor(Table table, int specId, SnapshotId snapshotId, ManifestContent content = ManifestContent.Data)
    {
        if (table.Metadata.FindSpec(specId) is not { } spec) return null;
        var types = table.Metadata.PartitionTypes(spec);
        if (types.Any(type => type is null) || spec.Fields.Any(field => field.Transform is Transform.Unknown)) return null;
        return new(table.Metadata.CurrentSchema, spec, [.. types.Select(type => type!)], content, snapshotId, table.Metadata.FormatVersion);
    }

    public static async ValueTask<ManifestFile> StoreAsync(Table table, ManifestWriter writer, IIdSource ids, CancellationToken cancellationToken)
    {
        var location = new TableFiles(table.Metadata).MetadataLocation($"{ids.NewUuid():D}-m0.avro");
        var (bytes, manifest) = writer.Complete(location, ids.NewUuid());
        await WriteAsync(table.Store, location, bytes, cancellationToken);
        return manifest;
    }

    public static async ValueTask WriteAsync(IStore store, string location, byte[] bytes, CancellationToken cancellationToken)
    {
        await using var writer = await store.CreateAsync(location, cancellationToken);
        await writer.WriteAsync(bytes, cancellationToken);
        await writer.CompleteAsync(cancellationToken);
    }

    /// <summary>
    /// The manifest with counts: manifest lists of version 1 may lack them, version 2 must have them, and a reader takes
    /// a count of 0 as leave to skip the manifest.
    /// </summary>
    public static async ValueTask<ManifestFile> WithCountsAsync(Table table, ManifestFile manifest, CancellationToken cancellationToken)
    {
        if (manifest is
            {
                AddedFilesCount: not null, ExistingFilesCount: not null, DeletedFilesCount: not null,
                AddedRowsCount: not null, ExistingRowsCount: not null, DeletedRowsCount: not null,
            })
        {
            return manifest;
        }
        var files = new long[3];
        var rows = new long[3];
        foreach (var entry in await SnapshotReader.EntriesAsync(table, manifest, cancellationToken))
        {
            files[(int)entry.Status]++;
            rows[(int)entry.Status] += entry.File.RecordCount;
        }
        return manifest with
        {
            AddedFilesCount = files[(int)EntryStatus.Added],
            ExistingFilesCount = files[(int)EntryStatus.Existing],
            DeletedFilesCount = files[(int)EntryStatus.Deleted],
            AddedRowsCount = rows[(int)EntryStatus.Added],
            ExistingRowsCount = rows[(int)EntryStatus.Existing],
            DeletedRowsCount = rows[(int)EntryStatus.Deleted],
        };
    }
}
