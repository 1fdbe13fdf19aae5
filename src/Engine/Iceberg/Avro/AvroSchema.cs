using System.Text.Json;

namespace Matih.Iceberg.Avro;

/// <summary>The kinds of value that the Avro encoding knows without looking into them.</summary>
internal enum AvroPrimitive { Null, Boolean, Int, Long, Float, Double, Bytes, String }

/// <summary>A field of an Avro record; Iceberg's field id says which one it is, where the writer put it down.</summary>
internal sealed record AvroField(string Name, int? FieldId, AvroSchema Schema);

/// <summary>The schema that an Avro file was written with, as far as reading needs it.</summary>
/// <remarks>Source: Apache Avro specification 1.11, "Schema Declaration".</remarks>
internal abstract record AvroSchema
{
    private AvroSchema() { }

    public sealed record Primitive(AvroPrimitive Kind) : AvroSchema;
    public sealed record Record(IReadOnlyList<AvroField> Fields) : AvroSchema;
    public sealed record Array(AvroSchema Items) : AvroSchema;
    public sealed record Map(AvroSchema Values) : AvroSchema;
    public sealed record Union(IReadOnlyList<AvroSchema> Branches) : AvroSchema;
    public sealed record Fixed(int Size) : AvroSchema;

    /// <exception cref="FormatException">The text is no Avro schema.</exception>
    public static AvroSchema Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return Parse(document.RootElement, new Dictionary<string, AvroSchema>(StringComparer.Ordinal));
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new FormatException($"the Avro schema cannot be read: {exception.Message}", exception);
        }
    }

    private static AvroSchema Parse(JsonElement json, Dictionary<string, AvroSchema> named) => json.ValueKind switch
    {
        JsonValueKind.String => ParseName(json.GetString()!, named),
        JsonValueKind.Array => new Union([.. json.EnumerateArray().Select(branch => Parse(branch, named))]),
        _ => ParseObject(json, named),
    };

    private static AvroSchema ParseObject(JsonElement json, Dictionary<string, AvroSchema> named)
    {
        var type = json.GetProperty("type");
        if (type.ValueKind != JsonValueKind.String) return Parse(type, named);
        switch (type.GetString())
        {
            case "record":
                var fields = new List<AvroField>();
                var record = Name(json, new Record(fields), named);
                foreach (var field in json.GetProperty("fields").EnumerateArray())
                {
                    int? id = field.TryGetProperty("field-id", out var value) ? value.GetInt32() : null;
                    fields.Add(new AvroField(field.GetProperty("name").GetString()!, id, Parse(field.GetProperty("type"), named)));
                }
                return record;
            case "array":
                return new Array(Parse(json.GetProperty("items"), named));
            case "map":
                return new Map(Parse(json.GetProperty("values"), named));
            case "fixed":
                return Name(json, new Fixed(json.GetProperty("size").GetInt32()), named);
            case "enum":
                return Name(json, new Primitive(AvroPrimitive.Int), named);
            default:
                return ParseName(type.GetString()!, named);
        }
    }

    private static AvroSchema Name(JsonElement json, AvroSchema schema, Dictionary<string, AvroSchema> named)
    {
        var name = json.GetProperty("name").GetString()!;
        named[name] = schema;
        if (json.TryGetProperty("namespace", out var space)) named[$"{space.GetString()}.{name}"] = schema;
        return schema;
    }

    private static AvroSchema ParseName(string name, Dictionary<string, AvroSchema> named) => name switch
    {
        "null" => new Primitive(AvroPrimitive.Null),
        "boolean" => new Primitive(AvroPrimitive.Boolean),
        "int" => new Primitive(AvroPrimitive.Int),
        "long" => new Primitive(AvroPrimitive.Long),
        "float" => new Primitive(AvroPrimitive.Float),
        "double" => new Primitive(AvroPrimitive.Double),
        "bytes" => new Primitive(AvroPrimitive.Bytes),
        "string" => new Primitive(AvroPrimitive.String),
        _ => named.TryGetValue(name, out var schema) ? schema : throw new FormatException($"the Avro schema names '{name}' without defining it"),
    };
}
