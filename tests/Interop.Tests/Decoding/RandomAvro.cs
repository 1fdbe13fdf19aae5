using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Avro;
using Avro.Generic;

namespace Matih.Interop.Tests.Decoding;

/// <summary>Random schemas, schemas that read what others wrote, and values of them for Apache Avro's writer.</summary>
internal sealed class RandomAvro(Random random)
{
    private static readonly DateTime Epoch = DateTime.UnixEpoch;
    private static readonly string[] Primitives = ["boolean", "int", "long", "float", "double", "bytes", "string"];
    private static readonly (string Type, string Logical)[] Logicals =
        [("int", "date"), ("int", "time-millis"), ("long", "time-micros"), ("long", "timestamp-millis"), ("long", "timestamp-micros"), ("string", "uuid")];
    private int _names;

    public JsonObject Record(int depth)
    {
        var fields = new JsonArray();
        for (var i = random.Next(1, 6); i > 0; i--) fields.Add((JsonNode)new JsonObject { ["name"] = NewName("f"), ["type"] = Type(depth) });
        return new JsonObject { ["type"] = "record", ["name"] = NewName("R"), ["namespace"] = "test.random", ["fields"] = fields };
    }

    private string NewName(string stem) => $"{stem}{_names++}";

    private JsonNode Type(int depth)
    {
        switch (random.Next(depth > 0 ? 11 : 7))
        {
            case 0 or 1 or 2: return Primitives[random.Next(Primitives.Length)];
            case 3:
                var (type, logical) = Logicals[random.Next(Logicals.Length)];
                return new JsonObject { ["type"] = type, ["logicalType"] = logical };
            case 4:
                var precision = random.Next(1, 29);
                return new JsonObject { ["type"] = "bytes", ["logicalType"] = "decimal", ["precision"] = precision, ["scale"] = random.Next(precision + 1) };
            case 5: return new JsonObject { ["type"] = "enum", ["name"] = NewName("E"), ["symbols"] = new JsonArray("RED", "GREEN", "BLUE") };
            case 6: return new JsonObject { ["type"] = "fixed", ["name"] = NewName("F"), ["size"] = random.Next(1, 9) };
            case 7: return new JsonObject { ["type"] = "array", ["items"] = Type(depth - 1) };
            case 8: return new JsonObject { ["type"] = "map", ["values"] = Type(depth - 1) };
            case 9: return Record(depth - 1);
            default:
                // A union holds no unions; null may stand anywhere.
                JsonNode inner;
                do inner = Type(depth - 1);
                while (inner is JsonArray);
                return random.Next(3) switch { 0 => new JsonArray("null", inner), 1 => new JsonArray(inner, "null"), _ => new JsonArray("null", "string", "long", "boolean") };
        }
    }

    /// <summary>A reader's schema: fields dropped, added with defaults, in another order, and wider. No aliases: version 1.12.2 of the library reads such fields twice.</summary>
    public JsonObject Evolve(JsonObject writer)
    {
        var record = (JsonObject)writer.DeepClone();
        var fields = record["fields"]!.AsArray().Select(field => field!.DeepClone().AsObject()).ToList();
        for (var i = fields.Count - 1; i >= 0; i--)
        {
            var field = fields[i];
            switch (random.Next(6))
            {
                case 0 when fields.Count > 1: fields.RemoveAt(i); break;
                case 1 or 2: field["type"] = Widen(field["type"]!); break;
                case 3 when field["type"] is not JsonArray: field["type"] = new JsonArray("null", field["type"]!.DeepClone()); break;
            }
        }
        if (random.Next(2) == 0) fields.Add(Added());
        record["fields"] = new JsonArray([.. fields.OrderBy(_ => random.Next())]);
        return record;
    }

    private JsonNode Widen(JsonNode type) => type is not JsonValue ? type.DeepClone() : (string)type! switch
    {
        "int" => random.Next(3) switch { 0 => "long", 1 => "float", _ => "double" },
        "long" => random.Next(2) == 0 ? "float" : "double",
        "float" => "double",
        _ => type.DeepClone(),
    };

    private JsonObject Added()
    {
        var (type, value) = random.Next(6) switch
        {
            0 => ((JsonNode)"int", (JsonNode?)random.Next(-100, 100)),
            1 => ("string", "a default é"),
            2 => (new JsonArray("null", "long"), null),
            3 => (new JsonObject { ["type"] = "array", ["items"] = "long" }, new JsonArray(1, 2, 3_000_000_000)),
            // No double: version 1.12.2 of the library writes its default as a float.
            4 => ("boolean", true),
            _ => (new JsonObject { ["type"] = "map", ["values"] = "string" }, new JsonObject { ["k"] = "v" }),
        };
        return new JsonObject { ["name"] = NewName("added"), ["type"] = type, ["default"] = value };
    }

    /// <summary>A value as Apache Avro's generic writer takes it.</summary>
    public object? Value(Schema schema)
    {
        switch (schema)
        {
            case LogicalSchema logical: return Logical(logical);
            case RecordSchema type:
                var record = new GenericRecord(type);
                foreach (var field in type.Fields) record.Add(field.Name, Value(field.Schema));
                return record;
            case EnumSchema type: return new GenericEnum(type, type.Symbols[random.Next(type.Count)]);
            case FixedSchema type: return new GenericFixed(type, Bytes(type.Size));
            case ArraySchema type: return Enumerable.Range(0, random.Next(4)).Select(_ => Value(type.ItemSchema)).ToArray();
            case MapSchema type: return Enumerable.Range(0, random.Next(4)).ToDictionary(i => $"k{i}", _ => Value(type.ValueSchema)!);
            case UnionSchema type: return Value(type.Schemas[random.Next(type.Count)]);
        }
        return schema.Tag switch
        {
            Schema.Type.Null => null,
            Schema.Type.Boolean => random.Next(2) == 0,
            Schema.Type.Int => random.Next(4) == 0 ? random.Next(2) == 0 ? int.MinValue : int.MaxValue : random.Next(-100, 100),
            Schema.Type.Long => random.Next(4) == 0 ? random.Next(2) == 0 ? long.MinValue : long.MaxValue : random.NextInt64(-1_000_000_000_000, 1_000_000_000_000),
            Schema.Type.Float => random.NextSingle() * 1000 - 500,
            Schema.Type.Double => random.NextDouble() * 1000 - 500,
            Schema.Type.Bytes => Bytes(random.Next(5)),
            _ => random.Next(4) == 0 ? "" : $"text {random.Next(1000)} é漢🚀",
        };
    }

    private byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    private object Logical(LogicalSchema schema) => schema.LogicalTypeName switch
    {
        "date" => Epoch.AddDays(random.Next(-700_000, 2_900_000)),
        "time-millis" => TimeSpan.FromMilliseconds(random.Next(86_400_000)),
        "time-micros" => TimeSpan.FromTicks(random.NextInt64(86_400_000_000) * 10),
        "timestamp-millis" => Epoch.AddMilliseconds(random.NextInt64(-60_000_000_000_000, 200_000_000_000_000)),
        "timestamp-micros" => Epoch.AddTicks(random.NextInt64(-60_000_000_000_000_000, 200_000_000_000_000_000) * 10),
        "uuid" => Guid.Parse(new Guid(Bytes(16)).ToString()),
        "decimal" => Decimal(schema),
        _ => throw new NotSupportedException(schema.LogicalTypeName),
    };

    private AvroDecimal Decimal(LogicalSchema schema)
    {
        var digits = int.Parse(schema.GetProperty("precision"), CultureInfo.InvariantCulture);
        var scale = int.Parse(schema.GetProperty("scale") ?? "0", CultureInfo.InvariantCulture);
        var value = BigInteger.Parse(string.Concat(Enumerable.Range(0, digits).Select(_ => (char)('0' + random.Next(10)))), CultureInfo.InvariantCulture);
        return new AvroDecimal(random.Next(2) == 0 ? value : -value, scale);
    }

    /// <summary>What Apache Avro read, in the words of <see cref="AvroDecoderTests"/>.</summary>
    public static string Print(Schema schema, object? value) => (schema, value) switch
    {
        (_, null) => "NULL",
        (UnionSchema union, _) => Print(union.Schemas.First(branch => Holds(branch, value)), value),
        (LogicalSchema logical, _) => PrintLogical(logical, value),
        (RecordSchema type, GenericRecord record) => "(" + string.Join(", ", type.Fields.Select(field => Print(field.Schema, record[field.Name]))) + ")",
        (_, GenericEnum symbol) => symbol.Value,
        (_, GenericFixed bytes) => "0x" + Convert.ToHexString(bytes.Value),
        (ArraySchema type, Array items) => "[" + string.Join(", ", items.Cast<object?>().Select(item => Print(type.ItemSchema, item))) + "]",
        (MapSchema type, IDictionary<string, object> map) => "[" + string.Join(", ", map.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => $"({entry.Key}, {Print(type.ValueSchema, entry.Value)})")) + "]",
        (_, bool truth) => truth ? "true" : "false",
        (_, byte[] bytes) => "0x" + Convert.ToHexString(bytes),
        (_, IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture),
        _ => (string)value,
    };

    private static bool Holds(Schema branch, object value) => (branch, value) switch
    {
        (LogicalSchema { LogicalTypeName: "decimal" }, AvroDecimal) or (LogicalSchema { LogicalTypeName: "uuid" }, Guid) => true,
        (LogicalSchema { LogicalTypeName: "time-millis" or "time-micros" }, TimeSpan) or (LogicalSchema { LogicalTypeName: "date" or "timestamp-millis" or "timestamp-micros" }, DateTime) => true,
        (LogicalSchema, _) => false,
        (RecordSchema type, GenericRecord record) => record.Schema.Name == type.Name,
        (_, GenericRecord) => false,
        (EnumSchema, GenericEnum) or (FixedSchema, GenericFixed) or (MapSchema, IDictionary<string, object>) => true,
        (ArraySchema, Array) => value is not byte[],
        _ => branch.Tag switch
        {
            Schema.Type.Boolean => value is bool,
            Schema.Type.Int => value is int,
            Schema.Type.Long => value is long,
            Schema.Type.Float => value is float,
            Schema.Type.Double => value is double,
            Schema.Type.Bytes => value is byte[],
            Schema.Type.String => value is string,
            _ => false,
        },
    };

    private static string PrintLogical(LogicalSchema schema, object value) => value switch
    {
        DateTime day when schema.LogicalTypeName == "date" => $"{(day - Epoch).Days}",
        DateTime moment => $"{(moment.ToUniversalTime() - Epoch).Ticks / 10}",
        TimeSpan time => $"{time.Ticks / TimeSpan.TicksPerMillisecond}",
        AvroDecimal number => $"{number.UnscaledValue}",
        _ => $"{value}",
    };
}
