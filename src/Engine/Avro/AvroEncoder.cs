using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Matih.Avro;

/// <summary>Writes Avro's binary encoding.</summary>
/// <remarks>Source: Apache Avro specification 1.11, "Binary Encoding". Optional values are unions of null (branch 0) and the type.</remarks>
internal readonly struct AvroEncoder(IBufferWriter<byte> target)
{
    private const int VarintBytesMax = 10;

    public void WriteLong(long value)
    {
        var rest = (ulong)(value << 1 ^ value >> 63);
        var span = target.GetSpan(VarintBytesMax);
        var length = 0;
        for (; rest >= 0x80; rest >>= 7) span[length++] = (byte)(rest | 0x80);
        span[length++] = (byte)rest;
        target.Advance(length);
    }

    public void WriteBoolean(bool value) => WriteFixed([value ? (byte)1 : (byte)0]);

    public void WriteFixed(ReadOnlySpan<byte> bytes) => target.Write(bytes);

    public void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        WriteLong(bytes.Length);
        target.Write(bytes);
    }

    public void WriteString(string text) => WriteBytes(Encoding.UTF8.GetBytes(text));

    public void WriteNull() => WriteLong(0);

    /// <summary>Opens an optional value that is present.</summary>
    public void WritePresent() => WriteLong(1);

    public void WriteOptionalLong(long? value)
    {
        WriteLong(value is null ? 0 : 1);
        if (value is { } present) WriteLong(present);
    }

    public void WriteOptionalBytes(byte[]? value)
    {
        WriteLong(value is null ? 0 : 1);
        if (value is not null) WriteBytes(value);
    }

    public void WriteFloatBits(int bits)
    {
        BinaryPrimitives.WriteInt32LittleEndian(target.GetSpan(sizeof(int)), bits);
        target.Advance(sizeof(int));
    }

    public void WriteDoubleBits(long bits)
    {
        BinaryPrimitives.WriteInt64LittleEndian(target.GetSpan(sizeof(long)), bits);
        target.Advance(sizeof(long));
    }
}
