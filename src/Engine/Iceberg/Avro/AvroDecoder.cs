using System.Buffers.Binary;

namespace Matih.Iceberg.Avro;

/// <summary>Reads Avro's binary encoding front to back. Every read checks the bounds.</summary>
/// <remarks>Source: Apache Avro specification 1.11, "Binary Encoding".</remarks>
internal ref struct AvroDecoder(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    /// <exception cref="InvalidDataException">The bytes end within a value, or a value contradicts its type.</exception>
    public long ReadLong()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var item = Take(1)[0];
            value |= (ulong)(item & 0x7F) << shift;
            if (item < 0x80) return (long)(value >> 1) ^ -(long)(value & 1);
        }
        throw new InvalidDataException("a variable-length number is longer than ten bytes");
    }

    public int ReadInt()
    {
        var value = ReadLong();
        return value is >= int.MinValue and <= int.MaxValue ? (int)value : throw new InvalidDataException($"{value} is no 32-bit number");
    }

    public bool ReadBoolean() => Take(1)[0] != 0;

    public float ReadFloat() => BinaryPrimitives.ReadSingleLittleEndian(Take(sizeof(float)));

    public double ReadDouble() => BinaryPrimitives.ReadDoubleLittleEndian(Take(sizeof(double)));

    public ReadOnlySpan<byte> ReadBytes() => Take(ReadLong());

    public ReadOnlySpan<byte> Take(long length)
    {
        if (length < 0 || length > _rest.Length) throw new InvalidDataException($"{Quantity.Of(length, "byte")} announced, {Quantity.Count(_rest.Length)} left");
        var taken = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return taken;
    }

    /// <summary>The number of items in the next block of an array or map; 0 ends it.</summary>
    public long ReadBlockCount()
    {
        var count = ReadLong();
        if (count >= 0) return count;
        _ = ReadLong();
        return -count;
    }

    /// <summary>The schema of the value that follows: itself, or the branch of a union that the value names.</summary>
    public AvroSchema Resolve(AvroSchema schema)
    {
        if (schema is not AvroSchema.Union union) return schema;
        var branch = ReadLong();
        return branch >= 0 && branch < union.Branches.Count
            ? union.Branches[(int)branch]
            : throw new InvalidDataException($"branch {branch} of a union of {union.Branches.Count}");
    }

    public void Skip(AvroSchema schema)
    {
        switch (Resolve(schema))
        {
            case AvroSchema.Primitive(var kind):
                SkipPrimitive(kind);
                break;
            case AvroSchema.Fixed(var size):
                Take(size);
                break;
            case AvroSchema.Record(var fields):
                foreach (var field in fields) Skip(field.Schema);
                break;
            case AvroSchema.Array(var items):
                for (var count = ReadBlockCount(); count > 0; count = ReadBlockCount())
                    for (; count > 0; count--) Skip(items);
                break;
            case AvroSchema.Map(var values):
                for (var count = ReadBlockCount(); count > 0; count = ReadBlockCount())
                {
                    for (; count > 0; count--)
                    {
                        ReadBytes();
                        Skip(values);
                    }
                }
                break;
        }
    }

    private void SkipPrimitive(AvroPrimitive kind)
    {
        switch (kind)
        {
            case AvroPrimitive.Null: break;
            case AvroPrimitive.Boolean: Take(1); break;
            case AvroPrimitive.Int or AvroPrimitive.Long: ReadLong(); break;
            case AvroPrimitive.Float: Take(sizeof(float)); break;
            case AvroPrimitive.Double: Take(sizeof(double)); break;
            default: ReadBytes(); break;
        }
    }

    /// <summary>A whole number, whatever integer type it was written as; null for NULL.</summary>
    public long? ReadOptionalLong(AvroSchema schema) => Resolve(schema) switch
    {
        AvroSchema.Primitive(AvroPrimitive.Null) => null,
        AvroSchema.Primitive(AvroPrimitive.Int or AvroPrimitive.Long) => ReadLong(),
        AvroSchema.Primitive(AvroPrimitive.Boolean) => ReadBoolean() ? 1 : 0,
        var other => throw new InvalidDataException($"a number is expected, found {other}"),
    };

    /// <summary>A copy of bytes, fixed or string; null for NULL.</summary>
    public byte[]? ReadOptionalBytes(AvroSchema schema) => Resolve(schema) switch
    {
        AvroSchema.Primitive(AvroPrimitive.Null) => null,
        AvroSchema.Primitive(AvroPrimitive.Bytes or AvroPrimitive.String) => ReadBytes().ToArray(),
        AvroSchema.Fixed(var size) => Take(size).ToArray(),
        var other => throw new InvalidDataException($"bytes are expected, found {other}"),
    };
}
