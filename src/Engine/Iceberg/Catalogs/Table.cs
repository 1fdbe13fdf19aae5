using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Iceberg.Catalogs;

/// <summary>A table as a catalog last saw it. Immutable; load it again to see what others committed.</summary>
/// <param name="MetadataLocation">The metadata file that <paramref name="Metadata"/> was read from or written to.</param>
/// <param name="Store">Where its files live.</param>
public sealed record Table(TableIdentifier Identifier, string MetadataLocation, TableMetadata Metadata, IStore Store)
{
    public CatalogTraits Traits { get; init; } = CatalogTraits.OfFiles;

    /// <summary>The branch that is read and written. Whoever means another one than <c>main</c> says so after each load.</summary>
    public string Branch { get; init; } = SnapshotRef.Main;

    /// <summary>The branch's newest snapshot; that of <c>main</c> where there is no such branch yet.</summary>
    public SnapshotId? HeadId => Metadata.FindHead(Branch);

    public Snapshot? Head => HeadId is { } id ? Metadata.FindSnapshot(id) : null;

    /// <summary>
    /// The folder that the metadata names, where it was read from another one: that one is a copy, or was moved. Metadata names
    /// files by whole addresses, so those of a copied folder are still the original's. Null where all is in one place.
    /// </summary>
    public string? FindOtherFolder()
    {
        var (location, metadata) = (Metadata.Location.TrimEnd('/'), MetadataLocation);
        // Catalogs with a server say where a table is; only a file catalog finds it by its folder.
        if (FileCatalog.VersionOf(metadata) is null || Metadata.Properties.ContainsKey("write.metadata.path") || IsIn(StoreLocation.Plain(location), StoreLocation.Plain(metadata))) return null;
        return IsIn(LocalPath.Real(location), LocalPath.Real(metadata)) ? null : StoreLocation.Plain(location);

        static bool IsIn(string folder, string file) => file.StartsWith($"{folder}/", StringComparison.Ordinal);
    }
}

/// <summary>What a catalog keeps of a table, and where files beside it may lie.</summary>
/// <param name="NamesMetadata">Its server or database says which metadata file is the table's: such files may lie anywhere, and be deleted once they are old.</param>
/// <param name="KeepsHistory">It keeps snapshots beside the current one, and tags.</param>
/// <param name="IsConfined">
/// Nothing can be kept beside the table's folder, and nothing for long that no metadata names: credentials reach the folder
/// alone, or somebody removes what is not referenced.
/// </param>
public sealed record CatalogTraits(bool NamesMetadata = false, bool KeepsHistory = true, bool IsConfined = false)
{
    public static CatalogTraits OfFiles { get; } = new();
}

/// <summary>What a new table starts with.</summary>
/// <param name="Location">Its folder; null leaves it to the catalog.</param>
public sealed record NewTable(
    Schema Schema,
    PartitionSpec Spec,
    IReadOnlyDictionary<string, string> Properties,
    int FormatVersion = TableMetadata.FormatVersionDefault,
    string? Location = null)
{
    /// <exception cref="UnsupportedTableException">Tables of that version are not created.</exception>
    public void CheckFormatVersion()
    {
        if (FormatVersion is < TableMetadata.FormatVersionDefault or > TableMetadata.FormatVersionMax)
            throw new UnsupportedTableException($"A table of format version {FormatVersion} cannot be created; versions {TableMetadata.FormatVersionDefault} and {TableMetadata.FormatVersionMax} can.");
        if (FormatVersion < TableMetadata.NanosecondsFormatVersion && TypeMapping.FindNanoseconds(Schema.Fields) is var (path, type))
        {
            throw new UnsupportedTableException(
                $"A table of format version {FormatVersion} cannot have the column '{path}' of type {type}: CAST it to TIMESTAMP(6) or TIMESTAMP_LTZ(6), or create the table with the property format-version: {TableMetadata.NanosecondsFormatVersion}.");
        }
    }
}
