using Matih.Iceberg.Metadata;

namespace Matih.Iceberg.Partitioning;

/// <summary>
/// One value of a partition: NULL, a number (integers, dates, times, decimals as unscaled value, booleans as 0 or 1, floats
/// and doubles as their bits) or bytes (strings as UTF-8). The partition field's result type says which.
/// </summary>
public readonly struct PartitionValue : IEquatable<PartitionValue>
{
    private readonly byte[]? _bytes;
    private readonly bool _isPresent;

    private PartitionValue(Int128 number, byte[]? bytes)
    {
        Number = number;
        _bytes = bytes;
        _isPresent = true;
    }

    public static PartitionValue Null => default;
    public static PartitionValue Of(Int128 number) => new(number, null);
    public static PartitionValue OfFloat(float value) => new(BitConverter.SingleToInt32Bits(value), null);
    public static PartitionValue OfDouble(double value) => new(BitConverter.DoubleToInt64Bits(value), null);
    public static PartitionValue Of(ReadOnlySpan<byte> bytes) => new(0, bytes.ToArray());

    public bool IsNull => !_isPresent;

    /// <summary>The number; 0 where the value is NULL or bytes.</summary>
    public Int128 Number { get; }

    /// <summary>Whether the value is bytes, of which there may be none.</summary>
    internal bool IsBytes => _bytes is not null;

    /// <summary>The bytes; empty where the value is NULL or a number.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    internal bool IsNaN(IcebergType type) => !IsNull && type switch
    {
        IcebergType.Float => float.IsNaN(BitConverter.Int32BitsToSingle((int)Number)),
        IcebergType.Double => double.IsNaN(BitConverter.Int64BitsToDouble((long)Number)),
        _ => false,
    };

    /// <summary>Order of two values of the type, neither NULL nor NaN; -0.0 comes before 0.0.</summary>
    internal static int Compare(IcebergType type, PartitionValue left, PartitionValue right) => type switch
    {
        IcebergType.Float => Total((int)left.Number).CompareTo(Total((int)right.Number)),
        IcebergType.Double => Total((long)left.Number).CompareTo(Total((long)right.Number)),
        IcebergType.String or IcebergType.Binary or IcebergType.Fixed or IcebergType.Uuid => left.Bytes.SequenceCompareTo(right.Bytes),
        _ => left.Number.CompareTo(right.Number),
    };

    private static int Total(int bits) => bits < 0 ? bits ^ int.MaxValue : bits;

    private static long Total(long bits) => bits < 0 ? bits ^ long.MaxValue : bits;

    public bool Equals(PartitionValue other) => _isPresent == other._isPresent && Number == other.Number && Bytes.SequenceEqual(other.Bytes);

    public override bool Equals(object? obj) => obj is PartitionValue other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(_isPresent);
        hash.Add(Number);
        hash.AddBytes(Bytes);
        return hash.ToHashCode();
    }

    public static bool operator ==(PartitionValue left, PartitionValue right) => left.Equals(right);

    public static bool operator !=(PartitionValue left, PartitionValue right) => !left.Equals(right);
}
