using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace Matih.Iceberg.Metadata;

/// <summary>Which field a column of a data file without field ids is, by its name: a file of Hive's, say, that was added to a table as it was.</summary>
/// <param name="Fields">Of the columns.</param>
/// <remarks>Source: Apache Iceberg table spec, "Column Projection" and "Name Mapping Serialization".</remarks>
internal sealed record NameMapping(ImmutableArray<NameMapping.Field> Fields)
{
    public const string Property = "schema.name-mapping.default";

    /// <param name="Id">Null where the names stand for no field.</param>
    /// <param name="Names">All names that a file may give it.</param>
    /// <param name="Fields">Of what is nested in it: a list's <c>element</c>, a map's <c>key</c> and <c>value</c>, a struct's fields.</param>
    public sealed record Field(int? Id, ImmutableArray<string> Names, ImmutableArray<Field> Fields);

    /// <summary>The table's mapping; null where it has none.</summary>
    /// <exception cref="InvalidTableException">The property is no mapping.</exception>
    public static NameMapping? Find(TableMetadata metadata)
    {
        if (!metadata.Properties.TryGetValue(Property, out var text)) return null;
        try
        {
            using var document = JsonDocument.Parse(text, SchemaJson.DocumentOptions);
            return new NameMapping(Read(document.RootElement));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidTableException($"The table property {Property} is no name mapping: {e.Message} Correct or remove it in the table.", e);
        }
    }

    private static ImmutableArray<Field> Read(JsonElement fields) => [.. fields.EnumerateArray().Select(field => new Field(
        field.TryGetProperty("field-id", out var id) ? id.GetInt32() : null,
        field.TryGetProperty("names", out var names) ? [.. names.EnumerateArray().Select(name => name.GetString()!)] : [],
        field.TryGetProperty("fields", out var nested) && nested.ValueKind == JsonValueKind.Array ? Read(nested) : []))];

    /// <summary>The field that a name stands for among these; null where it stands for none.</summary>
    public static Field? FindIn(ImmutableArray<Field> fields, string name) => fields.FirstOrDefault(field => field.Names.Contains(name));

    /// <summary>The mapping after columns were added: each under its own name, which stands for no other field any more.</summary>
    /// <remarks>As Iceberg's reference implementation keeps the property when it changes a schema (<c>MappingUtil.update</c>).</remarks>
    public NameMapping With(Schema schema) => new(With(Fields, schema.Fields));

    private static ImmutableArray<Field> With(ImmutableArray<Field> known, ImmutableArray<NestedField> columns)
    {
        var added = columns.Where(column => known.All(field => field.Id != column.Id)).ToList();
        var taken = added.Select(column => column.Name).ToHashSet(StringComparer.Ordinal);
        var kept = known.Select(field => columns.FirstOrDefault(column => column.Id == field.Id) is { } column
            ? field with { Names = field.Names.RemoveAll(taken.Contains), Fields = Nested(field.Fields, column.Type) }
            : field with { Names = field.Names.RemoveAll(taken.Contains) });
        return [.. kept, .. added.Select(column => new Field(column.Id, [column.Name], Nested([], column.Type)))];
    }

    private static ImmutableArray<Field> Nested(ImmutableArray<Field> known, IcebergType type) => type switch
    {
        IcebergType.Struct nested => With(known, nested.Fields),
        IcebergType.List list => With(known, [new NestedField(list.ElementId, "element", list.IsElementRequired, list.Element)]),
        IcebergType.Map map => With(known, [new NestedField(map.KeyId, "key", true, map.Key), new NestedField(map.ValueId, "value", map.IsValueRequired, map.Value)]),
        _ => known,
    };

    /// <summary>The property's text.</summary>
    public string Write()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, SnapshotJson.Options)) Write(writer, Fields);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter writer, ImmutableArray<Field> fields)
    {
        writer.WriteStartArray();
        foreach (var field in fields)
        {
            writer.WriteStartObject();
            if (field.Id is { } id) writer.WriteNumber("field-id", id);
            writer.WriteStartArray("names");
            foreach (var name in field.Names) writer.WriteStringValue(name);
            writer.WriteEndArray();
            if (!field.Fields.IsEmpty)
            {
                writer.WritePropertyName("fields");
                Write(writer, field.Fields);
            }
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }
}
