using System.Collections.Immutable;
using Matih.Batches;
using Matih.Iceberg.Metadata;

namespace Matih.Iceberg.Partitioning;

/// <summary>Where rows have a field of a table that a partition spec or sort order names: a column, or a field within rows of one.</summary>
/// <param name="Path">The column's place, then that of each field on the way. Empty where the rows lack the field: it is NULL in all of them.</param>
/// <param name="Type">The field's type in the rows; that of the table where they lack it.</param>
/// <remarks>Source: Apache Iceberg table spec, "Partitioning": the source column may be nested in a struct, not in a list or map.</remarks>
internal sealed record ColumnPlace(ImmutableArray<int> Path, DataType? Type)
{
    public bool IsThere => !Path.IsEmpty;

    /// <summary>Null where the table has no such field, or has it within a list or map.</summary>
    public static ColumnPlace? Find(Schema schema, int fieldId, RowType rows)
    {
        if (NamesOf(schema.Fields, fieldId) is not { } names) return null;
        var path = ImmutableArray.CreateBuilder<int>();
        DataType? type = null;
        foreach (var name in names)
        {
            var fields = type is null ? rows : type is DataType.Row(var nested) ? nested : null;
            if (fields?.IndexOf(name) is not (>= 0 and var at)) return new ColumnPlace([], null);
            path.Add(at);
            type = fields[at].Type;
        }
        return new ColumnPlace(path.ToImmutable(), type);
    }

    private static ImmutableArray<string>? NamesOf(ImmutableArray<NestedField> fields, int fieldId)
    {
        foreach (var field in fields)
        {
            if (field.Id == fieldId) return [field.Name];
            if (field.Type is IcebergType.Struct nested && NamesOf(nested.Fields, fieldId) is { } within) return within.Insert(0, field.Name);
        }
        return null;
    }

    /// <summary>The field's column in a batch of these rows. In a NULL row its fields are NULL, too.</summary>
    public Column In(ColumnBatch batch)
    {
        var column = batch[Path[0]];
        foreach (var at in Path.AsSpan()[1..]) column = ((RowColumn)column).Fields[at];
        return column;
    }
}
