using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

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
            Write(target, schema, value);
        }
        catch (Exception fault) when (fault is InvalidOperationException or FormatException or OverflowException or KeyNotFoundException)
        {
            throw new AvroSchemaException($"field {path}: the default {value.GetRawText()} is no {schema.Name}");
        }
        return target.WrittenSpan.ToArray();
    }

    private static void Write(ArrayBufferWriter<byte> target, AvroSchema schema, JsonElement value)
    {
        switch (schema)
        {
            case AvroSchema.Primitive primitive: Write(target, primitive.Kind, value); break;
            case AvroSchema.Enum type:
                var index = type.Symbols.IndexOf(value.GetString()!);
                WriteLong(target, index >= 0 ? index : throw new FormatException());
                break;
            case AvroSchema.Fixed type:
                var bytes = Latin(value);
                target.Write(bytes.Length == type.Size ? bytes : throw new FormatException());
                break;
            case AvroSchema.Array array:
                if (value.GetArrayLength() > 0) WriteLong(target, value.GetArrayLength());
                foreach (var item in value.EnumerateArray()) Write(target, array.Items, item);
                WriteLong(target, 0);
                break;
            case AvroSchema.Map map:
                var count = value.EnumerateObject().Count();
                if (count > 0) WriteLong(target, count);
                foreach (var member in value.EnumerateObject())
                {
                    WriteBytes(target, Encoding.UTF8.GetBytes(member.Name));
                    Write(target, map.Values, member.Value);
                }
                WriteLong(target, 0);
                break;
            case AvroSchema.Union union: WriteBranch(target, union, value); break;
            case AvroSchema.Record record:
                foreach (var field in record.Fields) Write(target, field.Type, value.TryGetProperty(field.Name, out var given) ? given : field.Default ?? throw new FormatException());
                break;
        }
    }

    private static void WriteBranch(ArrayBufferWriter<byte> target, AvroSchema.Union union, JsonElement value)
    {
        for (var i = 0; i < union.Branches.Length; i++)
        {
            var attempt = new ArrayBufferWriter<byte>();
            try
            {
                Write(attempt, union.Branches[i], value);
            }
            catch (Exception fault) when (fault is InvalidOperationException or FormatException or OverflowException or KeyNotFoundException)
            {
                continue;
            }
            WriteLong(target, i);
            target.Write(attempt.WrittenSpan);
            return;
        }
        throw new FormatException();
    }

    private static void Write(ArrayBufferWriter<byte> target, AvroSchema.PrimitiveKind kind, JsonElement value)
    {
        switch (kind)
        {
            case AvroSchema.PrimitiveKind.Null:
                if (value.ValueKind != JsonValueKind.Null) throw new FormatException();
                break;
            case AvroSchema.PrimitiveKind.Boolean: target.Write([value.GetBoolean() ? (byte)1 : (byte)0]); break;
            case AvroSchema.PrimitiveKind.Int: WriteLong(target, value.GetInt32()); break;
            case AvroSchema.PrimitiveKind.Long: WriteLong(target, value.GetInt64()); break;
            case AvroSchema.PrimitiveKind.Float:
                BinaryPrimitives.WriteSingleLittleEndian(target.GetSpan(sizeof(float)), (float)Number(value));
                target.Advance(sizeof(float));
                break;
            case AvroSchema.PrimitiveKind.Double:
                BinaryPrimitives.WriteDoubleLittleEndian(target.GetSpan(sizeof(double)), Number(value));
                target.Advance(sizeof(double));
                break;
            case AvroSchema.PrimitiveKind.Bytes: WriteBytes(target, Latin(value)); break;
            default: WriteBytes(target, Encoding.UTF8.GetBytes(value.GetString() ?? throw new FormatException())); break;
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

    private static void WriteBytes(ArrayBufferWriter<byte> target, ReadOnlySpan<byte> bytes)
    {
        WriteLong(target, bytes.Length);
        target.Write(bytes);
    }

    private static void WriteLong(ArrayBufferWriter<byte> target, long value)
    {
        var rest = (ulong)((value << 1) ^ (value >> 63));
        for (; rest >= 0x80; rest >>= 7) target.Write([(byte)(rest | 0x80)]);
        target.Write([(byte)rest]);
    }
}
