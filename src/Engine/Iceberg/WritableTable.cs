using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;

namespace Matih.Iceberg;

/// <summary>Whether this build may append to a table; everything that speaks against it has a reason and a way out.</summary>
internal static class WritableTable
{
    /// <exception cref="UnsupportedTableException">It may not; the message says why.</exception>
    public static void Check(Table table)
    {
        if (Fault(table.Metadata, table.Traits) is { } fault) throw new UnsupportedTableException($"The table {table.Identifier} cannot be written: {fault}");
    }

    private static string? Fault(TableMetadata metadata, CatalogTraits traits)
    {
        if (metadata.TableUuid.Length == 0)
            return "it has no table-uuid, by which a table is told from another of the same name, as tables of format version 1 from old writers. Let another engine change a property of it, or raise it to version 2.";
        if (metadata.DefaultSpec.Fields.FirstOrDefault(field => field.Transform is Transform.Unknown) is { } unknown)
            return $"its partition field '{unknown.Name}' uses the transform '{unknown.Transform}', which is not known. Use a newer build, or change the table's partitioning.";
        if (metadata.DefaultSpec.Fields.FirstOrDefault(field => PartitionSpec.IsUnreadable(field.Transform, metadata.CurrentSchema.FindField(field.SourceId)?.Type)) is { } broken)
            return $"its partition field '{broken.Name}' holds values of a fixed type, which engines write and read in different ways. Change the table's partitioning.";
        return TablePropertyRules.FaultOfTable(metadata, traits.NamesMetadata);
    }
}
