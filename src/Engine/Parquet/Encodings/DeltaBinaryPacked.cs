using System.Runtime.CompilerServices;

namespace Matih.Parquet.Encodings;

/// <summary>Integers as bit-packed differences, in blocks of 128 with 4 miniblocks each (as Java and Arrow write them).</summary>
/// <remarks>
/// Source: parquet-format, Encodings.md, "Delta Encoding (DELTA_BINARY_PACKED = 5)". All arithmetic wraps around, for INT32
/// at 32 bits: the miniblocks of INT32 data must not need more than 32 bits.
/// </remarks>
internal static class DeltaBinaryPacked
{
    private const int BlockValues = 128;
    private const int MiniblockCount = 4;
    private const int MiniblockValues = BlockValues / MiniblockCount;

    /// <summary>Appends all values to the buffer.</summary>
    /// <param name="bits">32 or 64: the physical type's width.</param>
    public static void Encode(ReadOnlySpan<long> values, int bits, PooledBuffer target)
    {
        WriteVarint(target, BlockValues);
        WriteVarint(target, MiniblockCount);
        WriteVarint(target, (ulong)values.Length);
        WriteZigzag(target, values.IsEmpty ? 0 : values[0]);
        Span<ulong> deltas = stackalloc ulong[BlockValues];
        for (var at = 1; at < values.Length; at += BlockValues)
        {
            var count = Math.Min(BlockValues, values.Length - at);
            var min = Differences(values, at, count, bits, deltas);
            WriteZigzag(target, min);
            for (var i = 0; i < count; i++) deltas[i] = Wrap(deltas[i] - (ulong)min, bits);
            deltas[count..].Clear();
            WriteMiniblocks(deltas, (count + MiniblockValues - 1) / MiniblockValues, target);
        }
    }

    private static long Differences(ReadOnlySpan<long> values, int at, int count, int bits, Span<ulong> deltas)
    {
        var min = long.MaxValue;
        for (var i = 0; i < count; i++)
        {
            var delta = bits == 32 ? (int)(values[at + i] - values[at + i - 1]) : values[at + i] - values[at + i - 1];
            deltas[i] = (ulong)delta;
            min = Math.Min(min, delta);
        }
        return min;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Wrap(ulong delta, int bits) => bits == 32 ? (uint)delta : delta;

    private static void WriteMiniblocks(ReadOnlySpan<ulong> deltas, int used, PooledBuffer target)
    {
        Span<byte> widths = stackalloc byte[MiniblockCount];
        widths.Clear();
        for (var i = 0; i < used; i++)
        {
            ulong all = 0;
            foreach (var delta in deltas.Slice(i * MiniblockValues, MiniblockValues)) all |= delta;
            widths[i] = (byte)BitPacking.WidthOf(all);
        }
        target.Append(widths);
        for (var i = 0; i < used; i++)
        {
            var bytes = MiniblockValues / 8 * widths[i];
            var room = target.Reserve(bytes)[..bytes];
            room.Clear();
            BitPacking.PackLong(deltas.Slice(i * MiniblockValues, MiniblockValues), widths[i], room);
            target.Advance(bytes);
        }
    }

    /// <summary>Fills <paramref name="target"/>; the data must hold exactly as many values.</summary>
    /// <returns>Bytes consumed.</returns>
    public static int Decode(ReadOnlySpan<byte> encoded, int bits, Span<long> target)
    {
        var at = 0;
        var block = ReadVarint(encoded, ref at);
        var miniblocks = ReadVarint(encoded, ref at);
        var total = ReadVarint(encoded, ref at);
        var value = ReadZigzag(encoded, ref at);
        if (block is 0 or > 1 << 20 || block % 128 != 0 || miniblocks == 0 || miniblocks > block || block % miniblocks != 0 || block / miniblocks % 32 != 0)
            throw new InvalidDataException($"Delta blocks of {Quantity.Of((long)block, "value")} in {Quantity.Of((long)miniblocks, "miniblock")} are not allowed.");
        if (total != (ulong)target.Length) throw new InvalidDataException($"Delta data holds {Quantity.Of((long)total, "value")}, expected {Quantity.Count(target.Length)}.");
        if (target.IsEmpty) return at;
        target[0] = value;
        var filled = 1;
        while (filled < target.Length) filled += DecodeBlock(encoded, ref at, (int)block, (int)miniblocks, bits, target, filled);
        return at;
    }

    private static int DecodeBlock(ReadOnlySpan<byte> encoded, ref int at, int block, int miniblocks, int bits, Span<long> target, int filled)
    {
        var min = ReadZigzag(encoded, ref at);
        if (encoded.Length - at < miniblocks) ThrowEnd();
        var widths = encoded.Slice(at, miniblocks);
        at += miniblocks;
        var start = filled;
        var per = block / miniblocks;
        var value = target[filled - 1];
        for (var mini = 0; mini < miniblocks && filled < target.Length; mini++)
        {
            int width = widths[mini];
            if (width > bits) throw new InvalidDataException($"A delta miniblock has {width} bits; the type has {bits}.");
            var bytes = per / 8 * width;
            if (encoded.Length - at < bytes) ThrowEnd();
            var packed = encoded.Slice(at, bytes);
            at += bytes;
            var count = Math.Min(per, target.Length - filled);
            for (var i = 0; i < count; i++)
            {
                value += min + (long)BitPacking.Unpack(packed, (long)i * width, width);
                if (bits == 32) value = (int)value;
                target[filled++] = value;
            }
        }
        return filled - start;
    }

    private static void WriteZigzag(PooledBuffer target, long value) => WriteVarint(target, (ulong)(value << 1 ^ value >> 63));

    private static void WriteVarint(PooledBuffer target, ulong value)
    {
        while (value >= 0x80)
        {
            target.AppendByte((byte)(value | 0x80));
            value >>= 7;
        }
        target.AppendByte((byte)value);
    }

    private static long ReadZigzag(ReadOnlySpan<byte> encoded, ref int at)
    {
        var raw = ReadVarint(encoded, ref at);
        return (long)(raw >> 1) ^ -(long)(raw & 1);
    }

    private static ulong ReadVarint(ReadOnlySpan<byte> encoded, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (at >= encoded.Length) ThrowEnd();
            var next = encoded[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }
        throw new InvalidDataException("A delta varint is longer than ten bytes.");
    }

    private static void ThrowEnd() => throw new InvalidDataException("Delta data ends before the page's values do.");
}
