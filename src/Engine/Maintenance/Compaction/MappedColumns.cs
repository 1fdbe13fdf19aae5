using System.Collections.Immutable;
using Matih.Iceberg.Metadata;
using Matih.Parquet;

namespace Matih.Maintenance.Compaction;

/// <summary>Gives the columns of a file without field ids the ids that the table's name mapping says. What it does not name has none.</summary>
/// <remarks>Source: Apache Iceberg table spec, "Column Projection".</remarks>
internal static class MappedColumns
{
    public static bool HaveIds(ImmutableArray<ParquetColumn> columns) => columns.Any(HasId);

    private static bool HasId(ParquetColumn column) => column.FieldId != ParquetColumn.NoFieldId || PartsOf(column.Type).Any(HasId);

    public static ImmutableArray<ParquetColumn> Of(ImmutableArray<ParquetColumn> columns, ImmutableArray<NameMapping.Field> fields) => [.. columns.Select(column => Of(column, column.Name, fields))];

    /// <param name="name">As mappings call it: a file may call a list's element <c>array</c>.</param>
    private static ParquetColumn Of(ParquetColumn column, string name, ImmutableArray<NameMapping.Field> fields)
    {
        var field = NameMapping.FindIn(fields, name);
        ImmutableArray<NameMapping.Field> nested = field?.Fields ?? [];
        return column with
        {
            FieldId = field?.Id ?? ParquetColumn.NoFieldId,
            Type = column.Type switch
            {
                ParquetType.List(var element) => new ParquetType.List(Of(element, "element", nested)),
                ParquetType.Map(var key, var value) => new ParquetType.Map(Of(key, "key", nested), Of(value, "value", nested)),
                ParquetType.Struct(var parts) => new ParquetType.Struct(Of(parts, nested)),
                var type => type,
            },
        };
    }

    private static ImmutableArray<ParquetColumn> PartsOf(ParquetType type) => type switch
    {
        ParquetType.List(var element) => [element],
        ParquetType.Map(var key, var value) => [key, value],
        ParquetType.Struct(var parts) => parts,
        _ => [],
    };
}
