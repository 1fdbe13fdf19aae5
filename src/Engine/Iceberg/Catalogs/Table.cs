using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;
using Matih.Storage;

namespace Matih.Iceberg.Catalogs;

/// <summary>A table as a catalog last saw it. Immutable; load it again to see what others committed.</summary>
/// <param name="MetadataLocation">The metadata file that <paramref name="Metadata"/> was read from or written to.</param>
/// <param name="Store">Where its files live.</param>
public sealed record Table(TableIdentifier Identifier, string MetadataLocation, TableMetadata Metadata, IStore Store)
{
    /// <summary>
    /// The folder that the metadata names, where it was read from another one: that one is a copy, or was moved. Metadata names
    /// files by whole addresses, so those of a copied folder are still the original's. Null where all is in one place.
    /// </summary>
    public string? FindOtherFolder()
    {
        var (location, metadata) = (Metadata.Location.TrimEnd('/'), MetadataLocation);
        if (Metadata.Properties.ContainsKey("write.metadata.path") || IsIn(LocalPath.Plain(location), LocalPath.Plain(metadata))) return null;
        return IsIn(LocalPath.Real(location), LocalPath.Real(metadata)) ? null : LocalPath.Plain(location);

        static bool IsIn(string folder, string file) => file.StartsWith($"{folder}/", StringComparison.Ordinal);
    }
}

/// <summary>What a new table starts with.</summary>
/// <param name="Location">Its folder; null leaves it to the catalog.</param>
public sealed record NewTable(
    Schema Schema,
    PartitionSpec Spec,
    IReadOnlyDictionary<string, string> Properties,
    int FormatVersion = TableMetadata.WrittenFormatVersion,
    string? Location = null);
