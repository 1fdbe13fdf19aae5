namespace Matih.Hosting.Serverless;

/// <summary>
/// Reads the fields of one protobuf message, in the order in which they stand ("Encoding" in the Protocol Buffers
/// documentation). After <see cref="TryReadField"/> the field has to be read or skipped.
/// </summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private const int Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5;

    private readonly ReadOnlySpan<byte> _message = message;
    private int _at;
    private int _wireType;

    /// <exception cref="FormatException">The message is damaged.</exception>
    public bool TryReadField(out int number)
    {
        number = 0;
        if (_at == _message.Length) return false;
        var tag = ReadRaw();
        number = (int)(tag >> 3);
        _wireType = (int)(tag & 7);
        return true;
    }

    public ulong ReadVarint()
    {
        Require(Varint);
        return ReadRaw();
    }

    public ReadOnlySpan<byte> ReadBytes()
    {
        var (from, length) = ReadRange();
        return _message.Slice(from, length);
    }

    /// <summary>Where the bytes lie in the message.</summary>
    public (int From, int Length) ReadRange()
    {
        Require(Bytes);
        var length = ReadRaw();
        if (length > (ulong)(_message.Length - _at)) throw Damaged();
        var from = _at;
        _at += (int)length;
        return (from, (int)length);
    }

    public void Skip()
    {
        switch (_wireType)
        {
            case Varint: ReadRaw(); break;
            case Fixed64: Advance(sizeof(ulong)); break;
            case Bytes: ReadRange(); break;
            case Fixed32: Advance(sizeof(uint)); break;
            default: throw Damaged();
        }
    }

    private ulong ReadRaw()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (_at == _message.Length) throw Damaged();
            var next = _message[_at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }
        throw Damaged();
    }

    private void Advance(int count)
    {
        if (count > _message.Length - _at) throw Damaged();
        _at += count;
    }

    private readonly void Require(int wireType)
    {
        if (_wireType != wireType) throw Damaged();
    }

    private static FormatException Damaged() => new("A message of the Kafka trigger is damaged: it is no protobuf of the Kafka extension's record.");
}
