using System.Buffers.Binary;

namespace Matih.Parquet.Writing;

/// <summary>
/// Bounds of UUIDs that hold for either way of comparing them: byte by byte, unsigned, as RFC 9562 and Parquet have it, and
/// by two signed halves, as Iceberg's Java implementation does (apache/iceberg issue 14216; seen with 1.11).
/// </summary>
/// <remarks>
/// Where all first halves have the same sign, both ways order those alike. Values that share the first half of a bound may
/// be ordered differently by their second, so the bound's first half is moved by one where that could matter. Time-ordered
/// UUIDs (version 7) keep useful bounds; random ones, which no bound helps, mostly get none.
/// </remarks>
internal static class UuidBounds
{
    public static (byte[]? Lower, byte[]? Upper) Of(byte[]? min, byte[]? max)
    {
        if (min is null || max is null || IsHigh(min[0]) != IsHigh(max[0])) return (null, null);
        // No value of the smallest first half has a second half that is smaller in unsigned order. Is the bound's high,
        // so are all theirs, and both orders agree. For the upper bound it is the other way round.
        return (IsHigh(min[8]) ? min : Moved(min, -1), IsHigh(max[8]) ? Moved(max, 1) : max);
    }

    private static bool IsHigh(byte value) => value >= 0x80;

    private static byte[]? Moved(byte[] bound, int by)
    {
        var half = unchecked(BinaryPrimitives.ReadUInt64BigEndian(bound) + (ulong)by);
        var moved = new byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(moved, half);
        return IsHigh(moved[0]) == IsHigh(bound[0]) ? moved : null;
    }
}
