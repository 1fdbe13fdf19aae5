using System.Buffers;
using System.Text;
using System.Text.Json;
using Matih.Avro;

namespace Matih.Decoding.Avro;

/// <summary>A field's default as the writer of the reader's schema would have written it.</summary>
/// <remarks>Source: Apache Avro specification 1.12, "Complex Types", the table of defaults; a union's default may be of any branch.</remarks>
internal static class AvroDefaults
{
    /// <exception cref="AvroSchemaException">The default is no value of the type.</exception>
    public static byte[] Encode(AvroSchema schema, JsonElement value, string path)
    {
        var target = new ArrayBufferWriter<byte>();
        try
        {
            Write(new AvroEncoder(target), schema, value);
        }
        catch (Exception fault) when (IsOfValue(fault))
        {
            throw new AvroSchemaException($"field {path}: the default {value.GetRawText()} is no {schema.Name}");
        }
        return target.WrittenSpan.ToArray();
    }

    /// <summary>What reading JSON as another kind of value throws.</summary>
    private static bool IsOfValue(Exception fault) => fault is InvalidOperationException or FormatException or OverflowException or KeyNotFoundException;

    private static void Write(AvroEncoder target, AvroSchema schema, JsonElement value)
    {
        switch (schema)
        {
            case AvroSchema.Primitive primitive: Write(target, primitive.Kind, value); break;
            case AvroSchema.Enum type:
                var index = type.Symbols.IndexOf(value.GetString()!);
                target.WriteLong(index >= 0 ? index : throw new FormatException());
                break;
            case AvroSchema.Fixed type:
                var bytes = Latin(value);
                target.WriteFixed(bytes.Length == type.Size ? bytes : throw new FormatException());
                break;
            case AvroSchema.Array array:
                if (value.GetArrayLength() > 0) target.WriteLong(value.GetArrayLength());
                foreach (var item in value.EnumerateArray()) Write(target, array.Items, item);
                target.WriteLong(0);
                break;
            case AvroSchema.Map map:
                var count = value.EnumerateObject().Count();
                if (count > 0) target.WriteLong(count);
                foreach (var member in value.EnumerateObject())
                {
                    target.WriteString(member.Name);
                    Write(target, map.Values, member.Value);
                }
                target.WriteLong(0);
                break;
            case AvroSchema.Union union: WriteBranch(target, union, value); break;
            case AvroSchema.Record record:
                foreach (var field in record.Fields) Write(target, field.Type, value.TryGetProperty(field.Name, out var given) ? given : field.Default ?? throw new FormatException());
                break;
        }
    }

    private static void WriteBranch(AvroEncoder target, AvroSchema.Union union, JsonElement value)
    {
        for (var i = 0; i < union.Branches.Length; i++)
        {
            var attempt = new ArrayBufferWriter<byte>();
            try
            {
                Write(new AvroEncoder(attempt), union.Branches[i], value);
            }
            catch (Exception fault) when (IsOfValue(fault))
            {
                continue;
            }
            target.WriteLong(i);
            target.WriteFixed(attempt.WrittenSpan);
            return;
        }
        throw new FormatException();
    }

    private static void Write(AvroEncoder target, AvroSchema.PrimitiveKind kind, JsonElement value)
    {
        switch (kind)
        {
            case AvroSchema.PrimitiveKind.Null:
                if (value.ValueKind != JsonValueKind.Null) throw new FormatException();
                break;
            case AvroSchema.PrimitiveKind.Boolean: target.WriteBoolean(value.GetBoolean()); break;
            case AvroSchema.PrimitiveKind.Int: target.WriteLong(value.GetInt32()); break;
            case AvroSchema.PrimitiveKind.Long: target.WriteLong(value.GetInt64()); break;
            case AvroSchema.PrimitiveKind.Float: target.WriteFloatBits(BitConverter.SingleToInt32Bits((float)Number(value))); break;
            case AvroSchema.PrimitiveKind.Double: target.WriteDoubleBits(BitConverter.DoubleToInt64Bits(Number(value))); break;
            case AvroSchema.PrimitiveKind.Bytes: target.WriteBytes(Latin(value)); break;
            default: target.WriteString(value.GetString() ?? throw new FormatException()); break;
        }
    }

    /// <summary>JSON has no NaN and infinities: writers put them as strings.</summary>
    private static double Number(JsonElement value) => value.ValueKind != JsonValueKind.String ? value.GetDouble() : value.GetString() switch
    {
        "NaN" => double.NaN,
        "Infinity" => double.PositiveInfinity,
        "-Infinity" => double.NegativeInfinity,
        _ => throw new FormatException(),
    };

    /// <summary>A byte for each of the characters up to U+00FF.</summary>
    private static byte[] Latin(JsonElement value)
    {
        var text = value.GetString() ?? throw new FormatException();
        return text.All(character => character <= 0xFF) ? Encoding.Latin1.GetBytes(text) : throw new FormatException();
    }
}
