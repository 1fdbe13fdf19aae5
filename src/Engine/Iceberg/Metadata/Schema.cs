using System.Collections.Immutable;
using Matih.Batches;

namespace Matih.Iceberg.Metadata;

/// <summary>The columns of a table at some time, each known by its field id. Immutable.</summary>
public sealed class Schema
{
    private readonly Dictionary<int, NestedField> _fieldsById = [];

    public Schema(int schemaId, ImmutableArray<NestedField> fields, ImmutableArray<int> identifierFieldIds = default)
        : this(schemaId, fields, identifierFieldIds, null) { }

    internal Schema(int schemaId, ImmutableArray<NestedField> fields, ImmutableArray<int> identifierFieldIds, byte[]? source)
    {
        SchemaId = schemaId;
        Fields = fields;
        IdentifierFieldIds = identifierFieldIds.IsDefault ? [] : identifierFieldIds;
        Source = source;
        foreach (var field in fields) Index(field);
    }

    public int SchemaId { get; }

    public ImmutableArray<NestedField> Fields { get; }

    /// <summary>The columns that identify a row, ascending as written; often none.</summary>
    public ImmutableArray<int> IdentifierFieldIds { get; }

    /// <summary>The highest id of any field, nested ones included; 0 without fields.</summary>
    public int HighestFieldId { get; private set; }

    /// <summary>The JSON that it was read from, so that it is written back with all that this build does not know.</summary>
    internal byte[]? Source { get; }

    /// <summary>The field of that id, however deep, or null.</summary>
    public NestedField? FindField(int id) => _fieldsById.GetValueOrDefault(id);

    /// <summary>The top-level column of that exact name, or null.</summary>
    public NestedField? FindColumn(string name)
    {
        foreach (var field in Fields)
            if (field.Name == name) return field;
        return null;
    }

    /// <summary>A schema for a new table: field ids count from 1, those of columns before those of nested fields; what is NOT NULL is required.</summary>
    /// <exception cref="NotSupportedException">A column's type has no table type.</exception>
    public static Schema FromRow(RowType row) => FromRow(row, []);

    /// <summary>The same with columns that identify a row, which have to be NOT NULL (Iceberg spec, "Identifier Field IDs").</summary>
    /// <exception cref="NotSupportedException">A column's type has no table type.</exception>
    public static Schema FromRow(RowType row, IEnumerable<string> key)
    {
        var last = 0;
        return new Schema(0, TypeMapping.ToFields(row, () => ++last), [.. key.Select(column => row.IndexOf(column) + 1).Order()]);
    }

    /// <summary>Whether both describe the same columns, schema ids aside.</summary>
    public bool IsSameAs(Schema other) =>
        Fields.AsSpan().SequenceEqual(other.Fields.AsSpan()) && IdentifierFieldIds.AsSpan().SequenceEqual(other.IdentifierFieldIds.AsSpan());

    internal Schema WithId(int schemaId) => schemaId == SchemaId ? this : new(schemaId, Fields, IdentifierFieldIds, Source is null ? null : SchemaJson.WithId(Source, schemaId));

    private void Index(NestedField field)
    {
        _fieldsById[field.Id] = field;
        HighestFieldId = Math.Max(HighestFieldId, field.Id);
        Index(field.Type);
    }

    private void Index(IcebergType type)
    {
        switch (type)
        {
            case IcebergType.Struct nested:
                foreach (var field in nested.Fields) Index(field);
                break;
            case IcebergType.List list:
                Index(new NestedField(list.ElementId, "element", list.IsElementRequired, list.Element));
                break;
            case IcebergType.Map map:
                Index(new NestedField(map.KeyId, "key", true, map.Key));
                Index(new NestedField(map.ValueId, "value", map.IsValueRequired, map.Value));
                break;
        }
    }
}
