using System.Buffers.Binary;

namespace Matih.Iceberg.Metadata;

/// <summary>Decimals as bytes: their unscaled value in big-endian two's complement.</summary>
/// <remarks>Source: Apache Iceberg table spec, Appendix A (Avro) and Appendix D, "Binary single-value serialization".</remarks>
internal static class DecimalBytes
{
    public const int CountMax = 16;

    /// <summary>Writes the shortest big-endian two's complement and returns its length, 1 to 16.</summary>
    public static int Write(Int128 unscaled, Span<byte> target)
    {
        Span<byte> whole = stackalloc byte[CountMax];
        BinaryPrimitives.WriteInt128BigEndian(whole, unscaled);
        var sign = unscaled < 0 ? (byte)0xFF : (byte)0;
        var start = 0;
        while (start < CountMax - 1 && whole[start] == sign && (whole[start + 1] & 0x80) == (sign & 0x80)) start++;
        whole[start..].CopyTo(target);
        return CountMax - start;
    }

    /// <summary>Reads a big-endian two's complement of 1 to 16 bytes.</summary>
    public static Int128 Read(ReadOnlySpan<byte> bytes)
    {
        Int128 value = bytes.Length > 0 && (bytes[0] & 0x80) != 0 ? -1 : 0;
        foreach (var item in bytes) value = value << 8 | item;
        return value;
    }

    /// <summary>Bytes that a fixed needs for any decimal of the precision.</summary>
    public static int FixedCount(int precision)
    {
        Int128 limit = 1;
        for (var i = 0; i < precision; i++) limit *= 10;
        var length = 1;
        while (length < CountMax && limit > (Int128.One << (8 * length - 1))) length++;
        return length;
    }
}
