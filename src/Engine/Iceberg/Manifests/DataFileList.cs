using Matih.Iceberg.Catalogs;

namespace Matih.Iceberg.Manifests;

/// <summary>
/// Descriptions of data files outside of any manifest of the table, for files that wait to be committed: in the form of a
/// manifest, so that nothing of a description is lost on the way and every Iceberg reader can look at it.
/// </summary>
internal static class DataFileList
{
    /// <summary>No snapshot: the list belongs to none.</summary>
    private static readonly SnapshotId NoSnapshot = new(0);

    /// <param name="files">All of the table's default partition spec.</param>
    /// <exception cref="InvalidTableException">The spec cannot be written with.</exception>
    public static byte[] Write(Table table, IReadOnlyCollection<DataFile> files)
    {
        var spec = table.Metadata.DefaultSpec;
        var writer = ManifestMerge.WriterFor(table, spec.SpecId, NoSnapshot)
            ?? throw new InvalidTableException($"Partition spec {spec.SpecId} of {table.Identifier} cannot be written with.");
        foreach (var file in files)
        {
            if (file.SpecId != spec.SpecId) throw new ArgumentException($"{file.Path} is of partition spec {file.SpecId}, the table's is {spec.SpecId}.", nameof(files));
            writer.Add(file);
        }
        return writer.Complete("", Guid.Empty).Bytes;
    }

    /// <param name="specId">The partition spec that the files were written with.</param>
    /// <param name="origin">What messages call the list.</param>
    /// <exception cref="InvalidTableException">The bytes are no such list, or the table does not hold the spec.</exception>
    public static IReadOnlyList<DataFile> Read(Table table, int specId, byte[] bytes, string origin)
    {
        var spec = table.Metadata.FindSpec(specId) ?? throw new InvalidTableException($"{origin} is of partition spec {specId}, which {table.Identifier} does not hold.");
        var manifest = new ManifestFile { Path = origin, LengthBytes = bytes.Length, SpecId = specId, AddedSnapshotId = NoSnapshot };
        return [.. ManifestReader.Read(bytes, manifest, spec, table.Metadata.PartitionTypes(spec)).Select(entry => entry.File)];
    }
}
