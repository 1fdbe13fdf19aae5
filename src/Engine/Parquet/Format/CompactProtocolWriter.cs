namespace Matih.Parquet.Format;

/// <summary>The element types of Thrift's compact protocol.</summary>
/// <remarks>Source: Apache Thrift, "Thrift Compact protocol encoding".</remarks>
internal static class CompactType
{
    public const byte True = 1;
    public const byte False = 2;
    public const byte Byte = 3;
    public const byte I16 = 4;
    public const byte I32 = 5;
    public const byte I64 = 6;
    public const byte Double = 7;
    public const byte Binary = 8;
    public const byte List = 9;
    public const byte Set = 10;
    public const byte Map = 11;
    public const byte Struct = 12;
    public const byte Uuid = 13;
}

/// <summary>Writes Thrift structs in the compact protocol. Fields of a struct are written in ascending order of id.</summary>
/// <remarks>
/// A field header is one byte, <c>id delta &lt;&lt; 4 | type</c>, or the type and a zigzag varint id where the delta is not
/// 1 to 15. Integers are zigzag varints.
/// </remarks>
internal ref struct CompactProtocolWriter(PooledBuffer buffer)
{
    private const int VarintBytesMax = 10;

    private readonly PooledBuffer _buffer = buffer;
    private int _lastField;

    public void WriteBool(int field, bool value) => WriteHeader(field, value ? CompactType.True : CompactType.False);

    public void WriteByte(int field, sbyte value)
    {
        WriteHeader(field, CompactType.Byte);
        _buffer.AppendByte((byte)value);
    }

    public void WriteI16(int field, short value)
    {
        WriteHeader(field, CompactType.I16);
        WriteElement(value);
    }

    public void WriteI32(int field, int value)
    {
        WriteHeader(field, CompactType.I32);
        WriteElement(value);
    }

    public void WriteI64(int field, long value)
    {
        WriteHeader(field, CompactType.I64);
        WriteElement(value);
    }

    public void WriteBinary(int field, ReadOnlySpan<byte> value)
    {
        WriteHeader(field, CompactType.Binary);
        WriteElement(value);
    }

    public void WriteString(int field, string value)
    {
        WriteHeader(field, CompactType.Binary);
        WriteElement(value);
    }

    /// <summary>Opens a struct field; the result goes to <see cref="EndStruct"/>.</summary>
    public int BeginStruct(int field)
    {
        WriteHeader(field, CompactType.Struct);
        return BeginElement();
    }

    public void WriteEmptyStruct(int field) => EndStruct(BeginStruct(field));

    public void BeginList(int field, byte elementType, int count)
    {
        WriteHeader(field, CompactType.List);
        if (count < 15)
        {
            _buffer.AppendByte((byte)(count << 4 | elementType));
            return;
        }
        _buffer.AppendByte((byte)(0xF0 | elementType));
        WriteVarint((uint)count);
    }

    /// <summary>Opens a struct that is a list element; the result goes to <see cref="EndStruct"/>.</summary>
    public int BeginElement()
    {
        var saved = _lastField;
        _lastField = 0;
        return saved;
    }

    public void EndStruct(int saved)
    {
        _buffer.AppendByte(0);
        _lastField = saved;
    }

    /// <summary>Ends the outermost struct.</summary>
    public readonly void Stop() => _buffer.AppendByte(0);

    /// <summary>An i16, i32 or i64 list element.</summary>
    public readonly void WriteElement(long value) => WriteVarint((ulong)(value << 1 ^ value >> 63));

    public readonly void WriteElement(ReadOnlySpan<byte> value)
    {
        WriteVarint((uint)value.Length);
        _buffer.Append(value);
    }

    public readonly void WriteElement(string value)
    {
        var length = System.Text.Encoding.UTF8.GetByteCount(value);
        WriteVarint((uint)length);
        _buffer.Advance(System.Text.Encoding.UTF8.GetBytes(value, _buffer.Reserve(length)));
    }

    private void WriteHeader(int field, byte type)
    {
        var delta = field - _lastField;
        _lastField = field;
        if (delta is >= 1 and <= 15)
        {
            _buffer.AppendByte((byte)(delta << 4 | type));
            return;
        }
        _buffer.AppendByte(type);
        WriteElement(field);
    }

    private readonly void WriteVarint(ulong value)
    {
        var target = _buffer.Reserve(VarintBytesMax);
        var length = 0;
        while (value >= 0x80)
        {
            target[length++] = (byte)(value | 0x80);
            value >>= 7;
        }
        target[length++] = (byte)value;
        _buffer.Advance(length);
    }
}
