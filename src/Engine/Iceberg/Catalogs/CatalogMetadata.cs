using System.Buffers;
using System.Collections.Immutable;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Iceberg.Catalogs;

/// <summary>What every catalog that writes metadata files by itself does alike: a table's first metadata, the next, and its bytes.</summary>
public static class CatalogMetadata
{
    /// <summary>The metadata that a new table starts with.</summary>
    /// <exception cref="UnsupportedTableException">Its format version is one that this build does not write.</exception>
    public static TableMetadata Create(string location, NewTable table, IIdSource ids, DateTimeOffset now)
    {
        table.CheckFormatVersion();
        return new TableMetadata
        {
            FormatVersion = table.FormatVersion,
            TableUuid = ids.NewUuid().ToString("D"),
            Location = location,
            LastUpdatedMillis = now.ToUnixTimeMilliseconds(),
            LastColumnId = table.Schema.HighestFieldId,
            CurrentSchemaId = table.Schema.SchemaId,
            Schemas = [table.Schema],
            DefaultSpecId = table.Spec.SpecId,
            PartitionSpecs = [table.Spec],
            LastPartitionId = table.Spec.LastFieldId,
            SortOrders = [SortOrder.Unsorted],
            Properties = TableMetadata.EmptyProperties.SetItems(table.Properties),
        };
    }

    /// <summary>The metadata after the updates; its log names the file that it replaces, and keeps as many as the table wants.</summary>
    public static TableMetadata Next(Table baseTable, IReadOnlyList<TableUpdate> updates, DateTimeOffset now)
    {
        var before = baseTable.Metadata;
        var after = TableUpdates.Apply(before, updates, now.ToUnixTimeMilliseconds());
        var log = before.MetadataLog.Add(new(before.LastUpdatedMillis, baseTable.MetadataLocation));
        var surplus = log.Length - new TableSettings(after.Properties).MetadataLogCountMax;
        return after with { MetadataLog = surplus > 0 ? log[surplus..] : log };
    }

    /// <summary>
    /// The metadata files that a commit has pushed out of the log, where the table wants those deleted; they may go once the
    /// commit is known to stand. Files in other folders are not the table's own: it may have been registered from a copy.
    /// </summary>
    /// <param name="before">What the commit was built on.</param>
    /// <param name="after">What it made.</param>
    public static ImmutableArray<string> FindSurplus(Table before, Table after)
    {
        if (!new TableSettings(after.Metadata.Properties).IsMetadataDeletedAfterCommit) return [];
        var kept = after.Metadata.MetadataLog.Select(entry => StoreLocation.Plain(entry.MetadataFile)).Append(StoreLocation.Plain(after.MetadataLocation)).ToHashSet(StringComparer.Ordinal);
        return [.. before.Metadata.MetadataLog.Select(entry => entry.MetadataFile).Where(file => !kept.Contains(StoreLocation.Plain(file)) && IsOwn(file)).Distinct(StringComparer.Ordinal)];

        bool IsOwn(string file) => StoreLocation.Plain(file) == StoreLocation.Plain(FileLocation(after.Metadata, file[(file.LastIndexOf('/') + 1)..]));
    }

    /// <summary>Where a metadata file of that name lies: in the table's own folder, or where <c>write.metadata.path</c> says.</summary>
    public static string FileLocation(TableMetadata metadata, string fileName) => new TableFiles(metadata).MetadataLocation(fileName);

    /// <param name="bytes">A metadata file, plain or compressed with gzip.</param>
    /// <param name="location">The file's name, for messages.</param>
    /// <param name="known">An earlier version, of whose history only what has changed is parsed.</param>
    /// <exception cref="InvalidTableException">The content is no table metadata.</exception>
    /// <exception cref="UnsupportedTableException">The format version is not known.</exception>
    public static TableMetadata Read(byte[] bytes, string location, TableMetadata? known = null) => TableMetadataJson.Read(bytes, location, known);

    /// <summary>The content of a metadata file, in pieces.</summary>
    /// <param name="isZipped">Whether it is compressed; its name says so, by <see cref="EndingOf"/>.</param>
    public static ReadOnlySequence<byte> Write(TableMetadata metadata, bool isZipped) => isZipped ? TableMetadataJson.WriteZipped(metadata) : TableMetadataJson.Write(metadata);

    /// <summary>How the name of a metadata file ends.</summary>
    public static string EndingOf(bool isZipped) => isZipped ? ".gz.metadata.json" : ".metadata.json";

    /// <summary>Whether a table wants its metadata files compressed.</summary>
    /// <exception cref="UnsupportedTableException">It wants what is not known.</exception>
    public static bool IsZipped(TableMetadata metadata) => new TableSettings(metadata.Properties).IsMetadataZipped;
}
