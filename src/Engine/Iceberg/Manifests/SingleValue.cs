using System.Buffers.Binary;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;

namespace Matih.Iceberg.Manifests;

/// <summary>Single values as bytes, the form of column bounds and partition summaries.</summary>
/// <remarks>Source: Apache Iceberg table spec, Appendix D, "Binary single-value serialization".</remarks>
internal static class SingleValue
{
    public const int DecimalBytesMax = 16;

    public static byte[] Write(IcebergType type, PartitionValue value)
    {
        switch (type)
        {
            case IcebergType.Boolean:
                return [(byte)value.Number];
            case IcebergType.Int or IcebergType.Date or IcebergType.Float:
                var four = new byte[sizeof(int)];
                BinaryPrimitives.WriteInt32LittleEndian(four, (int)value.Number);
                return four;
            case IcebergType.Long or IcebergType.Time or IcebergType.Timestamp or IcebergType.TimestampTz or IcebergType.Double:
                var eight = new byte[sizeof(long)];
                BinaryPrimitives.WriteInt64LittleEndian(eight, (long)value.Number);
                return eight;
            case IcebergType.Decimal:
                Span<byte> bytes = stackalloc byte[DecimalBytesMax];
                return bytes[..WriteDecimal(value.Number, bytes)].ToArray();
            case IcebergType.String or IcebergType.Binary or IcebergType.Fixed or IcebergType.Uuid:
                return value.Bytes.ToArray();
            default:
                throw new NotSupportedException($"A value of type {type} has no single-value form.");
        }
    }

    /// <summary>Writes the shortest big-endian two's complement and returns its length, 1 to 16.</summary>
    public static int WriteDecimal(Int128 unscaled, Span<byte> target)
    {
        Span<byte> whole = stackalloc byte[DecimalBytesMax];
        BinaryPrimitives.WriteInt128BigEndian(whole, unscaled);
        var sign = unscaled < 0 ? (byte)0xFF : (byte)0;
        var start = 0;
        while (start < DecimalBytesMax - 1 && whole[start] == sign && (whole[start + 1] & 0x80) == (sign & 0x80)) start++;
        whole[start..].CopyTo(target);
        return DecimalBytesMax - start;
    }

    /// <summary>Reads a big-endian two's complement of 1 to 16 bytes.</summary>
    public static Int128 ReadDecimal(ReadOnlySpan<byte> bytes)
    {
        Int128 value = bytes.Length > 0 && (bytes[0] & 0x80) != 0 ? -1 : 0;
        foreach (var item in bytes) value = value << 8 | item;
        return value;
    }

    /// <summary>Bytes that a fixed needs for any decimal of the precision.</summary>
    public static int DecimalFixedBytes(int precision)
    {
        Int128 limit = 1;
        for (var i = 0; i < precision; i++) limit *= 10;
        var length = 1;
        while (length < DecimalBytesMax && limit > (Int128.One << (8 * length - 1))) length++;
        return length;
    }
}
