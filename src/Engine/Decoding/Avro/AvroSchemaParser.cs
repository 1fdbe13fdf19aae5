using System.Collections.Immutable;
using System.Text.Json;
using Matih.Registry;

namespace Matih.Decoding.Avro;

/// <summary>Reads a schema's JSON, with the named types of the schemas that it refers to.</summary>
/// <remarks>Source: Apache Avro specification 1.12, "Schema Declaration", "Names", "Aliases".</remarks>
internal sealed class AvroSchemaParser
{
    private const int DepthMax = 64;
    private static readonly JsonDocumentOptions JsonOptions = new() { MaxDepth = 4 * DepthMax };
    private readonly Dictionary<string, AvroSchema.Named> _named = new(StringComparer.Ordinal);

    /// <exception cref="AvroSchemaException">The text is no Avro schema.</exception>
    public static AvroSchema Parse(RegisteredSchema schema)
    {
        var parser = new AvroSchemaParser();
        parser.AddReferences(schema, 0);
        return parser.Read(schema.Text);
    }

    /// <exception cref="AvroSchemaException">The text is no Avro schema.</exception>
    public static AvroSchema Parse(string text) => new AvroSchemaParser().Read(text);

    private void AddReferences(RegisteredSchema schema, int depth)
    {
        if (depth > DepthMax) throw new AvroSchemaException("schemas refer to each other more than 64 levels deep");
        foreach (var reference in schema.References)
        {
            if (_named.ContainsKey(reference.Name)) continue;
            AddReferences(reference.Schema, depth + 1);
            if (!_named.ContainsKey(reference.Name)) Read(reference.Schema.Text);
        }
    }

    private AvroSchema Read(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, JsonOptions);
            return Read(document.RootElement, "", "the schema", 0);
        }
        catch (JsonException fault)
        {
            // A primitive type may stand alone, without quotes: the registry's answer for "string".
            if (IsPrimitive(text.Trim())) return ReadName(text.Trim(), "", "the schema");
            throw new AvroSchemaException($"the schema is no JSON: {fault.Message}");
        }
    }

    private static bool IsPrimitive(string name) => name is "null" or "boolean" or "int" or "long" or "float" or "double" or "bytes" or "string";

    /// <param name="space">The namespace around.</param>
    /// <param name="where">For messages: <c>field customer.name</c>.</param>
    private AvroSchema Read(JsonElement json, string space, string where, int depth)
    {
        if (depth > DepthMax) throw new AvroSchemaException($"{where} lies more than {DepthMax} levels deep");
        return json.ValueKind switch
        {
            JsonValueKind.String => ReadName(json.GetString()!, space, where),
            JsonValueKind.Array => ReadUnion(json, space, where, depth),
            JsonValueKind.Object => ReadObject(json, space, where, depth),
            _ => throw new AvroSchemaException($"{where} has the type {json.GetRawText()}, expected a name, an object or a list"),
        };
    }

    private AvroSchema ReadName(string name, string space, string where)
    {
        if (IsPrimitive(name)) return PrimitiveOf(name, AvroMeaning.Plain, 0, 0);
        var full = FullName(name, space);
        if (_named.TryGetValue(full, out var found) || _named.TryGetValue(name, out found)) return found;
        throw new AvroSchemaException($"{where} has the type '{full}', which the schema does not define, nor do those that it refers to");
    }

    private static AvroSchema.Primitive PrimitiveOf(string name, AvroMeaning meaning, int precision, int scale) => new(KindOf(name), meaning, precision, scale);

    private static AvroSchema.PrimitiveKind KindOf(string name) => name switch
    {
        "null" => AvroSchema.PrimitiveKind.Null,
        "boolean" => AvroSchema.PrimitiveKind.Boolean,
        "int" => AvroSchema.PrimitiveKind.Int,
        "long" => AvroSchema.PrimitiveKind.Long,
        "float" => AvroSchema.PrimitiveKind.Float,
        "double" => AvroSchema.PrimitiveKind.Double,
        "bytes" => AvroSchema.PrimitiveKind.Bytes,
        _ => AvroSchema.PrimitiveKind.String,
    };

    private AvroSchema.Union ReadUnion(JsonElement json, string space, string where, int depth)
    {
        var branches = ImmutableArray.CreateBuilder<AvroSchema>();
        foreach (var item in json.EnumerateArray())
        {
            var branch = Read(item, space, where, depth + 1);
            if (branch is AvroSchema.Union) throw new AvroSchemaException($"{where} has a union directly within a union");
            branches.Add(branch);
        }
        return branches.Count == 0 ? throw new AvroSchemaException($"{where} has a union without branches") : new AvroSchema.Union(branches.ToImmutable());
    }

    private AvroSchema ReadObject(JsonElement json, string space, string where, int depth)
    {
        if (!json.TryGetProperty("type", out var type)) throw new AvroSchemaException($"{where} has an object without 'type'");
        if (type.ValueKind != JsonValueKind.String) return Read(type, space, where, depth + 1);
        var name = type.GetString()!;
        switch (name)
        {
            case "record" or "error": return ReadRecord(json, space, where, depth);
            case "enum": return ReadEnum(json, space, where);
            case "fixed": return ReadFixed(json, space, where);
            case "array": return new AvroSchema.Array(Read(Require(json, "items", where), space, where + "[*]", depth + 1));
            case "map": return new AvroSchema.Map(Read(Require(json, "values", where), space, where + "[*]", depth + 1));
        }
        if (!IsPrimitive(name)) return ReadName(name, space, where);
        var meaning = AvroLogicalTypes.Of(KindOf(name), TextOf(json, "logicalType"));
        var (precision, scale) = meaning == AvroMeaning.Decimal ? DecimalOf(json) : (0, 0);
        return PrimitiveOf(name, meaning == AvroMeaning.Decimal && precision == 0 ? AvroMeaning.Plain : meaning, precision, scale);
    }

    private AvroSchema.Record ReadRecord(JsonElement json, string space, string where, int depth)
    {
        var record = new AvroSchema.Record(NameOf(json, space, where), AliasesOf(json, space));
        Define(record, where);
        var inner = NamespaceOf(record.FullName);
        var fields = ImmutableArray.CreateBuilder<AvroField>();
        var path = depth == 0 ? "field " : where + ".";
        foreach (var item in Require(json, "fields", where).EnumerateArray())
        {
            var name = TextOf(item, "name") ?? throw new AvroSchemaException($"{where} has a field without 'name'");
            if (fields.Any(field => field.Name == name)) throw new AvroSchemaException($"{where} has the field '{name}' twice");
            var aliases = item.TryGetProperty("aliases", out var list) ? list.EnumerateArray().Select(alias => alias.GetString()!).ToImmutableArray() : [];
            var type = Read(Require(item, "type", path + name), inner, path + name, depth + 1);
            fields.Add(new AvroField(name, aliases, type, item.TryGetProperty("default", out var value) ? value.Clone() : null));
        }
        record.Fields = fields.ToImmutable();
        return record;
    }

    private AvroSchema.Enum ReadEnum(JsonElement json, string space, string where)
    {
        var symbols = Require(json, "symbols", where).EnumerateArray().Select(symbol => symbol.GetString()!).ToImmutableArray();
        var found = new AvroSchema.Enum(NameOf(json, space, where), AliasesOf(json, space), symbols, TextOf(json, "default"));
        Define(found, where);
        return found;
    }

    private AvroSchema.Fixed ReadFixed(JsonElement json, string space, string where)
    {
        var size = Require(json, "size", where).GetInt32();
        if (size < 0) throw new AvroSchemaException($"{where} has the size {size}");
        var meaning = TextOf(json, "logicalType") switch
        {
            "decimal" => AvroMeaning.Decimal,
            "duration" when size == 12 => AvroMeaning.Duration,
            "uuid" when size == 16 => AvroMeaning.Uuid,
            _ => AvroMeaning.Plain,
        };
        var (precision, scale) = meaning == AvroMeaning.Decimal ? DecimalOf(json) : (0, 0);
        if (meaning == AvroMeaning.Decimal && precision == 0) meaning = AvroMeaning.Plain;
        var found = new AvroSchema.Fixed(NameOf(json, space, where), AliasesOf(json, space), size, meaning, precision, scale);
        Define(found, where);
        return found;
    }

    /// <summary>Zeros where they contradict each other: the logical type is ignored then, as the specification says.</summary>
    private static (int Precision, int Scale) DecimalOf(JsonElement json)
    {
        var precision = json.TryGetProperty("precision", out var digits) && digits.TryGetInt32(out var number) ? number : 0;
        var scale = json.TryGetProperty("scale", out var fraction) && fraction.TryGetInt32(out number) ? number : 0;
        return precision > 0 && scale >= 0 && scale <= precision ? (precision, scale) : (0, 0);
    }

    private void Define(AvroSchema.Named type, string where)
    {
        if (!_named.TryAdd(type.FullName, type)) throw new AvroSchemaException($"{where} defines the type '{type.FullName}' a second time");
    }

    private static JsonElement Require(JsonElement json, string member, string where) =>
        json.TryGetProperty(member, out var found) ? found : throw new AvroSchemaException($"{where} lacks '{member}'");

    private static string? TextOf(JsonElement json, string member) =>
        json.TryGetProperty(member, out var found) && found.ValueKind == JsonValueKind.String ? found.GetString() : null;

    private static string NameOf(JsonElement json, string space, string where)
    {
        var name = TextOf(json, "name") ?? throw new AvroSchemaException($"{where} has a named type without 'name'");
        return FullName(name, TextOf(json, "namespace") ?? space);
    }

    private static ImmutableArray<string> AliasesOf(JsonElement json, string space) => json.TryGetProperty("aliases", out var list)
        ? [.. list.EnumerateArray().Select(alias => FullName(alias.GetString()!, TextOf(json, "namespace") ?? space))]
        : [];

    private static string FullName(string name, string space) => name.Contains('.', StringComparison.Ordinal) || space.Length == 0 ? name : $"{space}.{name}";

    private static string NamespaceOf(string fullName) => fullName.LastIndexOf('.') is > 0 and var dot ? fullName[..dot] : "";
}

/// <summary>A text is no Avro schema, or one that columns cannot hold. The message begins with the place.</summary>
internal sealed class AvroSchemaException(string message) : Exception(message);
