using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;
using Matih.Storage;

namespace Matih.Iceberg.Catalogs;

/// <summary>A table as a catalog last saw it. Immutable; load it again to see what others committed.</summary>
/// <param name="MetadataLocation">The metadata file that <paramref name="Metadata"/> was read from or written to.</param>
/// <param name="Store">Where its files live.</param>
public sealed record Table(TableIdentifier Identifier, string MetadataLocation, TableMetadata Metadata, IStore Store);

/// <summary>What a new table starts with.</summary>
/// <param name="Location">Its folder; null leaves it to the catalog.</param>
public sealed record NewTable(
    Schema Schema,
    PartitionSpec Spec,
    IReadOnlyDictionary<string, string> Properties,
    int FormatVersion = TableMetadata.WrittenFormatVersion,
    string? Location = null);
