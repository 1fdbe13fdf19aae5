using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Matih.Iceberg.Metadata;

/// <summary>Schemas, partition specs and sort orders as JSON.</summary>
/// <remarks>Source: Apache Iceberg table spec, Appendix C.</remarks>
internal static class SchemaJson
{
    /// <summary>A struct takes three levels of JSON, so that the platform's limit of 64 ends at 19 structs. Java's readers take 1,000 (Jackson 2.15, StreamReadConstraints).</summary>
    private const int JsonDepthMax = 1000;

    public static JsonDocumentOptions DocumentOptions { get; } = new() { MaxDepth = JsonDepthMax };

    public static JsonReaderOptions ReaderOptions { get; } = new() { MaxDepth = JsonDepthMax };

    public static Schema ReadSchema(JsonElement json) => new(
        json.TryGetProperty("schema-id", out var id) ? id.GetInt32() : 0,
        ReadFields(json.GetProperty("fields")),
        json.TryGetProperty("identifier-field-ids", out var ids) ? [.. ids.EnumerateArray().Select(item => item.GetInt32())] : [],
        Raw(json));

    public static byte[] Raw(JsonElement json) => JsonMarshal.GetRawUtf8Value(json).ToArray();

    private static ImmutableArray<NestedField> ReadFields(JsonElement json) => [.. json.EnumerateArray().Select(ReadField)];

    private static NestedField ReadField(JsonElement json) => new(
        json.GetProperty("id").GetInt32(),
        json.GetProperty("name").GetString()!,
        json.GetProperty("required").GetBoolean(),
        ReadType(json.GetProperty("type")),
        json.TryGetProperty("doc", out var doc) ? doc.GetString() : null)
    {
        InitialDefault = ReadDefault(json, "initial-default"),
        WriteDefault = ReadDefault(json, "write-default"),
    };

    private static string? ReadDefault(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetRawText() : null;

    public static IcebergType ReadType(JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.String) return ReadPrimitive(json.GetString()!);
        return json.GetProperty("type").GetString() switch
        {
            "struct" => new IcebergType.Struct(ReadFields(json.GetProperty("fields"))),
            "list" => new IcebergType.List(
                json.GetProperty("element-id").GetInt32(), ReadType(json.GetProperty("element")), json.GetProperty("element-required").GetBoolean()),
            "map" => new IcebergType.Map(
                json.GetProperty("key-id").GetInt32(),
                ReadType(json.GetProperty("key")),
                json.GetProperty("value-id").GetInt32(),
                ReadType(json.GetProperty("value")),
                json.GetProperty("value-required").GetBoolean()),
            var other => new IcebergType.Other(other ?? "null"),
        };
    }

    public static IcebergType ReadPrimitive(string name) => name switch
    {
        "boolean" => new IcebergType.Boolean(),
        "int" => new IcebergType.Int(),
        "long" => new IcebergType.Long(),
        "float" => new IcebergType.Float(),
        "double" => new IcebergType.Double(),
        "date" => new IcebergType.Date(),
        "time" => new IcebergType.Time(),
        "timestamp" => new IcebergType.Timestamp(),
        "timestamptz" => new IcebergType.TimestampTz(),
        "timestamp_ns" => new IcebergType.TimestampNs(),
        "timestamptz_ns" => new IcebergType.TimestampTzNs(),
        "string" => new IcebergType.String(),
        "uuid" => new IcebergType.Uuid(),
        "binary" => new IcebergType.Binary(),
        _ when Arguments(name, "fixed[", ']') is [var length] => new IcebergType.Fixed(length),
        _ when Arguments(name, "decimal(", ')') is [var precision, var scale] => new IcebergType.Decimal(precision, scale),
        _ => new IcebergType.Other(name),
    };

    /// <summary>The integers between an opening text and the closing character, or null where the text has another form.</summary>
    internal static int[]? Arguments(string text, string opening, char closing)
    {
        if (!text.StartsWith(opening, StringComparison.Ordinal) || text[^1] != closing) return null;
        var parts = text[opening.Length..^1].Split(',');
        var numbers = new int[parts.Length];
        for (var i = 0; i < parts.Length; i++)
            if (!int.TryParse(parts[i].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i])) return null;
        return numbers;
    }

    public static void WriteSchema(Utf8JsonWriter writer, Schema schema)
    {
        if (schema.Source is not null)
        {
            writer.WriteRawValue(schema.Source, skipInputValidation: true);
            return;
        }
        writer.WriteStartObject();
        writer.WriteString("type", "struct");
        writer.WriteNumber("schema-id", schema.SchemaId);
        if (schema.IdentifierFieldIds.Length > 0)
        {
            writer.WriteStartArray("identifier-field-ids");
            foreach (var id in schema.IdentifierFieldIds) writer.WriteNumberValue(id);
            writer.WriteEndArray();
        }
        WriteFields(writer, schema.Fields);
        writer.WriteEndObject();
    }

    /// <summary>A schema's JSON under another id, with all that this build does not know.</summary>
    public static byte[] WithId(byte[] schema, int schemaId)
    {
        using var document = JsonDocument.Parse(schema, DocumentOptions);
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, SnapshotJson.Options))
        {
            writer.WriteStartObject();
            writer.WriteNumber("schema-id", schemaId);
            foreach (var member in document.RootElement.EnumerateObject())
                if (!member.NameEquals("schema-id")) member.WriteTo(writer);
            writer.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteFields(Utf8JsonWriter writer, ImmutableArray<NestedField> fields)
    {
        writer.WriteStartArray("fields");
        foreach (var field in fields)
        {
            writer.WriteStartObject();
            writer.WriteNumber("id", field.Id);
            writer.WriteString("name", field.Name);
            writer.WriteBoolean("required", field.IsRequired);
            writer.WritePropertyName("type");
            WriteType(writer, field.Type);
            if (field.Doc is not null) writer.WriteString("doc", field.Doc);
            WriteDefault(writer, "initial-default", field.InitialDefault);
            WriteDefault(writer, "write-default", field.WriteDefault);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    private static void WriteDefault(Utf8JsonWriter writer, string name, string? value)
    {
        if (value is null) return;
        writer.WritePropertyName(name);
        writer.WriteRawValue(value);
    }

    public static void WriteType(Utf8JsonWriter writer, IcebergType type)
    {
        switch (type)
        {
            case IcebergType.Struct nested:
                writer.WriteStartObject();
                writer.WriteString("type", "struct");
                WriteFields(writer, nested.Fields);
                writer.WriteEndObject();
                break;
            case IcebergType.List list:
                writer.WriteStartObject();
                writer.WriteString("type", "list");
                writer.WriteNumber("element-id", list.ElementId);
                writer.WritePropertyName("element");
                WriteType(writer, list.Element);
                writer.WriteBoolean("element-required", list.IsElementRequired);
                writer.WriteEndObject();
                break;
            case IcebergType.Map map:
                writer.WriteStartObject();
                writer.WriteString("type", "map");
                writer.WriteNumber("key-id", map.KeyId);
                writer.WritePropertyName("key");
                WriteType(writer, map.Key);
                writer.WriteNumber("value-id", map.ValueId);
                writer.WritePropertyName("value");
                WriteType(writer, map.Value);
                writer.WriteBoolean("value-required", map.IsValueRequired);
                writer.WriteEndObject();
                break;
            default:
                writer.WriteStringValue(type.Name);
                break;
        }
    }

    public static PartitionSpec ReadSpec(JsonElement json) => new(
        json.GetProperty("spec-id").GetInt32(), ReadPartitionFields(json.GetProperty("fields")), Raw(json));

    /// <remarks>Version 1 tables may lack field ids; they count from 1000 in the order of the fields.</remarks>
    public static ImmutableArray<PartitionField> ReadPartitionFields(JsonElement json) => [.. json.EnumerateArray().Select((field, index) =>
        new PartitionField(
            SourceId(field),
            field.TryGetProperty("field-id", out var id) ? id.GetInt32() : PartitionSpec.FirstFieldId + index,
            field.GetProperty("name").GetString()!,
            Transform.Parse(field.GetProperty("transform").GetString()!)))];

    /// <summary>The source column; -1 for a transform of several columns (version 3), which is then an unknown one.</summary>
    private static int SourceId(JsonElement field) => field.TryGetProperty("source-id", out var id) ? id.GetInt32() : -1;

    public static void WriteSpec(Utf8JsonWriter writer, PartitionSpec spec)
    {
        if (spec.Source is not null)
        {
            writer.WriteRawValue(spec.Source, skipInputValidation: true);
            return;
        }
        writer.WriteStartObject();
        writer.WriteNumber("spec-id", spec.SpecId);
        writer.WritePropertyName("fields");
        WritePartitionFields(writer, spec);
        writer.WriteEndObject();
    }

    public static void WritePartitionFields(Utf8JsonWriter writer, PartitionSpec spec)
    {
        writer.WriteStartArray();
        foreach (var field in spec.Fields)
        {
            writer.WriteStartObject();
            writer.WriteString("name", field.Name);
            writer.WriteString("transform", field.Transform.ToString());
            writer.WriteNumber("source-id", field.SourceId);
            writer.WriteNumber("field-id", field.FieldId);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    public static SortOrder ReadSortOrder(JsonElement json) => new(
        json.GetProperty("order-id").GetInt32(), [.. json.GetProperty("fields").EnumerateArray().Select(ReadSortField)], Raw(json));

    private static SortField ReadSortField(JsonElement json)
    {
        var isDescending = json.GetProperty("direction").GetString() == "desc";
        var nullsFirst = json.TryGetProperty("null-order", out var order) ? order.GetString() == "nulls-first" : !isDescending;
        return new SortField(SourceId(json), Transform.Parse(json.GetProperty("transform").GetString()!), isDescending, nullsFirst);
    }

    public static void WriteSortOrder(Utf8JsonWriter writer, SortOrder order) => writer.WriteRawValue(order.Source, skipInputValidation: true);
}
