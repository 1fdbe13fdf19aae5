using System.Collections.Immutable;
using Matih.Iceberg.Catalogs;
using Matih.Storage;

namespace Matih.Iceberg.Manifests;

/// <summary>Takes delete files out of a table that reach no row any more: their manifests are written again without them.</summary>
/// <remarks>Source: Apache Iceberg table spec, "Delete Formats": who removes a data file removes its deletion vector with it.</remarks>
internal static class DeleteFileRemoval
{
    /// <param name="Manifests">The delete manifests of the new snapshot.</param>
    /// <param name="NewLocations">Those written again: for this attempt only.</param>
    public sealed record Result(ImmutableArray<ManifestFile> Manifests, ImmutableArray<string> NewLocations);

    /// <param name="kept">The parent's delete manifests.</param>
    public static async ValueTask<Result> RunAsync(
        Table table, SnapshotId snapshotId, ImmutableArray<ManifestFile> kept, RemovalFinding removed, IIdSource ids, CancellationToken cancellationToken)
    {
        if (removed.DeleteFiles.Count == 0) return new Result(kept, []);
        var gone = removed.DeleteFiles.Select(entry => entry.File.DeleteName).ToHashSet(StringComparer.Ordinal);
        var manifests = ImmutableArray.CreateBuilder<ManifestFile>();
        var locations = ImmutableArray.CreateBuilder<string>();
        foreach (var manifest in kept)
        {
            if (!removed.DeleteManifestPaths.Contains(manifest.Path))
            {
                manifests.Add(manifest);
                continue;
            }
            var writer = ManifestMerge.RewriterFor(table, manifest, snapshotId);
            foreach (var entry in await SnapshotReader.EntriesAsync(table, manifest, cancellationToken))
            {
                if (!entry.IsLive) continue;
                if (gone.Contains(entry.File.DeleteName)) writer.Delete(entry);
                else writer.Keep(entry);
            }
            var written = await ManifestMerge.StoreAsync(table, writer, ids, cancellationToken);
            manifests.Add(written);
            locations.Add(written.Path);
        }
        return new Result(manifests.ToImmutable(), locations.ToImmutable());
    }
}
