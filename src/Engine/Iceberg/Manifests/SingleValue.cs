using System.Buffers.Binary;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;

namespace Matih.Iceberg.Manifests;

/// <summary>Single values as bytes, the form of column bounds and partition summaries.</summary>
/// <remarks>Source: Apache Iceberg table spec, Appendix D, "Binary single-value serialization".</remarks>
internal static class SingleValue
{
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
            case IcebergType.Long or IcebergType.Time or IcebergType.Timestamp or IcebergType.TimestampTz or IcebergType.TimestampNs or IcebergType.TimestampTzNs or IcebergType.Double:
                var eight = new byte[sizeof(long)];
                BinaryPrimitives.WriteInt64LittleEndian(eight, (long)value.Number);
                return eight;
            case IcebergType.Decimal:
                Span<byte> bytes = stackalloc byte[DecimalBytes.CountMax];
                return bytes[..DecimalBytes.Write(value.Number, bytes)].ToArray();
            case IcebergType.String or IcebergType.Binary or IcebergType.Fixed or IcebergType.Uuid:
                return value.Bytes.ToArray();
            default:
                throw new NotSupportedException($"A value of type {type} has no single-value form.");
        }
    }
}
