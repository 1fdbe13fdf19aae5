namespace Matih.Parquet.Format;

/// <summary>Reads Thrift structs in the compact protocol. Damaged input gives <see cref="InvalidDataException"/>, never an endless loop.</summary>
internal ref struct CompactProtocolReader(ReadOnlySpan<byte> bytes)
{
    private const int DepthMax = 32;

    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _position;
    private int _lastField;
    private bool _boolValue;

    /// <summary>Bytes consumed so far.</summary>
    public readonly int Position => _position;

    /// <summary>The next field of the current struct; false at its end.</summary>
    public bool ReadField(out int field, out byte type)
    {
        var header = ReadByte();
        type = (byte)(header & 0x0F);
        field = 0;
        if (type == 0) return false;
        if (type > CompactType.Uuid) throw new InvalidDataException($"Thrift field type {type} is unknown.");
        var delta = header >> 4;
        field = delta != 0 ? _lastField + delta : checked((int)Math.Clamp(ReadI64(), short.MinValue, short.MaxValue));
        _lastField = field;
        if (type <= CompactType.False) _boolValue = type == CompactType.True;
        return true;
    }

    /// <summary>Enters a struct (a field's value or a list element); the result goes to <see cref="Leave"/>.</summary>
    public int Enter()
    {
        var saved = _lastField;
        _lastField = 0;
        return saved;
    }

    public void Leave(int saved) => _lastField = saved;

    /// <summary>The value of the boolean field just read: it lies in the field's header.</summary>
    public readonly bool ReadBool() => _boolValue;

    public byte ReadByte()
    {
        if ((uint)_position >= (uint)_bytes.Length) ThrowEnd();
        return _bytes[_position++];
    }

    public int ReadI32()
    {
        var value = ReadI64();
        if (value is < int.MinValue or > int.MaxValue) throw new InvalidDataException($"Thrift i32 has the value {value}.");
        return (int)value;
    }

    public long ReadI64()
    {
        var raw = ReadVarint();
        return (long)(raw >> 1) ^ -(long)(raw & 1);
    }

    public ReadOnlySpan<byte> ReadBinary()
    {
        var length = ReadVarint();
        if (length > (ulong)(_bytes.Length - _position)) ThrowEnd();
        var span = _bytes.Slice(_position, (int)length);
        _position += (int)length;
        return span;
    }

    public string ReadString() => System.Text.Encoding.UTF8.GetString(ReadBinary());

    /// <summary>A list's element type and length; every element takes a byte or more, so a length past the input is refused.</summary>
    public int ReadList(byte expectedElementType)
    {
        var (type, count) = ReadListHeader();
        if (count != 0 && type != expectedElementType)
            throw new InvalidDataException($"Thrift list has elements of type {type}, expected {expectedElementType}.");
        return count;
    }

    /// <summary>Passes over a value of the type.</summary>
    public void Skip(byte type) => Skip(type, 0);

    /// <summary>Checks that the field just read has the type that the format gives it.</summary>
    public static void Expect(byte type, byte expected, string field)
    {
        if (type != expected) throw new InvalidDataException($"Thrift field {field} has type {type}, expected {expected}.");
    }

    private void Skip(byte type, int depth)
    {
        if (depth > DepthMax) throw new InvalidDataException($"Thrift data is nested deeper than {DepthMax}.");
        switch (type)
        {
            case CompactType.True or CompactType.False:
                break;
            case CompactType.Byte:
                ReadByte();
                break;
            case CompactType.I16 or CompactType.I32 or CompactType.I64:
                ReadVarint();
                break;
            case CompactType.Double:
                SkipBytes(8);
                break;
            case CompactType.Uuid:
                SkipBytes(16);
                break;
            case CompactType.Binary:
                ReadBinary();
                break;
            case CompactType.List or CompactType.Set:
                SkipList(depth);
                break;
            case CompactType.Map:
                SkipMap(depth);
                break;
            case CompactType.Struct:
                SkipStruct(depth);
                break;
            default:
                throw new InvalidDataException($"Thrift type {type} is unknown.");
        }
    }

    private void SkipStruct(int depth)
    {
        var saved = Enter();
        while (ReadField(out _, out var type)) Skip(type, depth + 1);
        Leave(saved);
    }

    private void SkipList(int depth)
    {
        var (type, count) = ReadListHeader();
        for (var i = 0; i < count; i++) SkipElement(type, depth + 1);
    }

    private void SkipMap(int depth)
    {
        var count = ReadVarint();
        if (count == 0) return;
        var types = ReadByte();
        for (ulong i = 0; i < count; i++)
        {
            SkipElement((byte)(types >> 4), depth + 1);
            SkipElement((byte)(types & 0x0F), depth + 1);
        }
    }

    /// <summary>Booleans take a byte as elements, none as fields.</summary>
    private void SkipElement(byte type, int depth)
    {
        if (type <= CompactType.False) ReadByte();
        else Skip(type, depth);
    }

    private void SkipBytes(int count)
    {
        if (_bytes.Length - _position < count) ThrowEnd();
        _position += count;
    }

    private (byte Type, int Count) ReadListHeader()
    {
        var header = ReadByte();
        var count = (ulong)(header >> 4);
        if (count == 15) count = ReadVarint();
        if (count > (ulong)(_bytes.Length - _position)) ThrowEnd();
        return ((byte)(header & 0x0F), (int)count);
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            var next = ReadByte();
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }
        throw new InvalidDataException("Thrift varint is longer than ten bytes.");
    }

    private static void ThrowEnd() => throw new InvalidDataException("Thrift data ends in the middle of a value.");
}
