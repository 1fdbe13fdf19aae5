using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Matih.Batches;

namespace Matih.Decoding.Avro;

/// <summary>
/// Reads Avro's binary encoding. The first fault is kept and ends the data, so that all later reads give zeros: a record is
/// judged once, at its end, and a broken one costs no exception.
/// </summary>
/// <remarks>Source: Apache Avro specification 1.12, "Binary Encoding".</remarks>
/// <param name="checksTexts">Whether strings are to be checked as they are read.</param>
internal ref struct AvroReader(ReadOnlySpan<byte> data, bool checksTexts = false)
{
    private readonly ReadOnlySpan<byte> _data = data;
    private int _at;

    public readonly bool ChecksTexts => checksTexts;

    /// <summary>What is wrong; null while nothing is.</summary>
    public string? Fault { get; private set; }

    /// <summary>The same without anything of the single record.</summary>
    public string? FaultKind { get; private set; }

    public readonly bool HasFailed => Fault is not null;

    public readonly int Position => _at;

    public readonly int Remaining => _data.Length - _at;

    /// <summary>Goes back to a position, to read a value a second time.</summary>
    public void Return(int position)
    {
        if (!HasFailed) _at = position;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Fail(string fault, string? kind = null)
    {
        if (Fault is not null) return;
        (Fault, FaultKind) = (fault, kind ?? fault);
        _at = _data.Length;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FailAtEnd() => Fail("the value ends within a field");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long ReadLong()
    {
        if (_at < _data.Length && _data[_at] < 0x80)
        {
            var small = (uint)_data[_at++];
            return (int)(small >> 1) ^ -(int)(small & 1);
        }
        return ReadLongVarint();
    }

    private long ReadLongVarint()
    {
        ulong value = 0;
        var rest = _data[_at..];
        for (var i = 0; i < 10; i++)
        {
            if (i == rest.Length)
            {
                FailAtEnd();
                return 0;
            }
            var next = rest[i];
            value |= (ulong)(next & 0x7F) << (7 * i);
            if (next >= 0x80) continue;
            if (i == 9 && next > 1) break;
            _at += i + 1;
            return (long)(value >> 1) ^ -(long)(value & 1);
        }
        Fail("a number has more than 64 bits");
        return 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int ReadInt()
    {
        var value = ReadLong();
        if (value != (int)value) Fail("an int has more than 32 bits");
        return (int)value;
    }

    public bool ReadBoolean()
    {
        if (_at >= _data.Length)
        {
            FailAtEnd();
            return false;
        }
        var value = _data[_at++];
        if (value > 1) Fail("a boolean is neither 0 nor 1");
        return value == 1;
    }

    public float ReadFloat() => Remaining < sizeof(float) ? (float)FailedNumber() : BinaryPrimitives.ReadSingleLittleEndian(ReadFixed(sizeof(float)));

    public double ReadDouble() => Remaining < sizeof(double) ? FailedNumber() : BinaryPrimitives.ReadDoubleLittleEndian(ReadFixed(sizeof(double)));

    private double FailedNumber()
    {
        FailAtEnd();
        return 0;
    }

    /// <summary>Bytes with their length before them: bytes and string.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> ReadBytes()
    {
        var length = ReadLong();
        if ((ulong)length <= (ulong)(_data.Length - _at)) return ReadFixed((int)length);
        FailLength(length);
        return default;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FailLength(long length)
    {
        if (length < 0) Fail("a length is negative");
        else FailAtEnd();
    }

    /// <summary>Appends bytes with their length before them. Short ones are copied 16 or 32 at once where the data has as many.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ReadBytesTo(BytesColumn column)
    {
        var length = ReadLong();
        if ((ulong)length > (ulong)(_data.Length - _at))
        {
            FailLength(length);
            return;
        }
        column.AppendPrefix(_data[_at..], (int)length);
        _at += (int)length;
    }

    /// <summary>So many bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> ReadFixed(int length)
    {
        if (length > _data.Length - _at)
        {
            FailAtEnd();
            return default;
        }
        var bytes = _data.Slice(_at, length);
        _at += length;
        return bytes;
    }

    /// <summary>The item count of an array's or a map's next block; 0 ends it.</summary>
    /// <param name="lengthBytes">The block's length where the writer gave it, else -1.</param>
    public long ReadBlock(out long lengthBytes)
    {
        lengthBytes = -1;
        var count = ReadLong();
        if (count >= 0) return count;
        if (count == long.MinValue)
        {
            Fail("a block has more items than 64 bits count");
            return 0;
        }
        lengthBytes = ReadLong();
        if (lengthBytes < 0) FailLength(lengthBytes);
        return HasFailed ? 0 : -count;
    }

    /// <summary>Passes over bytes.</summary>
    public void Skip(long length)
    {
        if ((ulong)length > (ulong)(_data.Length - _at)) FailLength(length);
        else _at += (int)length;
    }
}
