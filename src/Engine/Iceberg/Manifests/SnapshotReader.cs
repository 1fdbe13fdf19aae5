using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Iceberg.Manifests;

/// <summary>Reads what a snapshot is made of: its manifests and their files.</summary>
public static class SnapshotReader
{
    /// <summary>The snapshot's manifests, in the order of its manifest list.</summary>
    /// <exception cref="InvalidTableException">A file is missing or damaged.</exception>
    internal static async ValueTask<IReadOnlyList<ManifestFile>> ManifestsAsync(Table table, Snapshot snapshot, CancellationToken cancellationToken)
    {
        if (snapshot.ManifestList is not { } list)
            throw new UnsupportedTableException($"Snapshot {snapshot.Id} of {table.Identifier} has no manifest list, as version 1 tables of old writers. Rewrite its manifests first.");
        var bytes = await table.Store.ReadAsync(list, cancellationToken)
            ?? throw new InvalidTableException($"The manifest list {list} of {table.Identifier} is missing. Restore it, or roll the table back.");
        return ManifestListFile.Read(bytes, list);
    }

    /// <summary>All entries of a manifest, deleted ones included, with inherited values filled in.</summary>
    /// <exception cref="InvalidTableException">The file is missing or damaged, or of a spec that the table does not hold.</exception>
    internal static async ValueTask<ManifestContents> ContentsAsync(Table table, ManifestFile manifest, CancellationToken cancellationToken)
    {
        var spec = table.Metadata.FindSpec(manifest.SpecId)
            ?? throw new InvalidTableException($"The manifest {manifest.Path} is of partition spec {manifest.SpecId}, which {table.Identifier} does not hold.");
        var bytes = await table.Store.ReadAsync(manifest.Path, cancellationToken)
            ?? throw new InvalidTableException($"The manifest {manifest.Path} of {table.Identifier} is missing. Restore it, or roll the table back.");
        return new(bytes.Length, ManifestReader.Read(bytes, manifest, spec, table.Metadata.PartitionTypes(spec)));
    }

    /// <summary>The same without the file's length.</summary>
    /// <inheritdoc cref="ContentsAsync(Table, ManifestFile, CancellationToken)"/>
    internal static async ValueTask<IReadOnlyList<ManifestEntry>> EntriesAsync(Table table, ManifestFile manifest, CancellationToken cancellationToken) =>
        (await ContentsAsync(table, manifest, cancellationToken)).Entries;

    /// <summary>The entries of several manifests, in the manifests' order. Some manifests are read ahead.</summary>
    /// <inheritdoc cref="ContentsAsync(Table, ManifestFile, CancellationToken)"/>
    internal static IAsyncEnumerable<(ManifestFile Manifest, ManifestContents Contents)> ContentsAsync(Table table, IEnumerable<ManifestFile> manifests, CancellationToken cancellationToken) =>
        manifests.ReadAheadAsync(
            manifest => manifest.LengthBytes, async ValueTask<(ManifestFile, ManifestContents)> (manifest, token) => (manifest, await ContentsAsync(table, manifest, token)), cancellationToken);

    /// <summary>Every file that is part of the table at the snapshot, delete files included.</summary>
    public static async ValueTask<IReadOnlyList<DataFile>> LiveFilesAsync(Table table, Snapshot snapshot, CancellationToken cancellationToken)
    {
        var files = new List<DataFile>();
        await foreach (var (_, contents) in ContentsAsync(table, await ManifestsAsync(table, snapshot, cancellationToken), cancellationToken))
            files.AddRange(contents.Entries.Where(entry => entry.IsLive).Select(entry => entry.File));
        return files;
    }
}

/// <summary>What a manifest file holds.</summary>
internal sealed record ManifestContents(long LengthBytes, IReadOnlyList<ManifestEntry> Entries);
