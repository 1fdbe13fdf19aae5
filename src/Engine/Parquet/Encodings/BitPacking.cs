using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Matih.Parquet.Encodings;

/// <summary>Values side by side at a fixed bit width, least significant bit first.</summary>
/// <remarks>Source: parquet-format, Encodings.md, "Run Length Encoding / Bit-Packing Hybrid".</remarks>
internal static class BitPacking
{
    /// <summary>Bytes past the packed values that <see cref="Pack"/> may overwrite.</summary>
    public const int SlackBytes = 16;

    /// <summary>Bits that hold every value up to <paramref name="max"/>; 0 for 0.</summary>
    public static int WidthOf(uint max) => 32 - BitOperations.LeadingZeroCount(max);

    public static int WidthOf(ulong max) => 64 - BitOperations.LeadingZeroCount(max);

    /// <summary>Packs a multiple of 8 non-negative values of at most <paramref name="width"/> bits (1 to 32) into width bytes per 8.</summary>
    /// <returns>Bytes written; up to <see cref="SlackBytes"/> more are overwritten.</returns>
    public static int Pack(ReadOnlySpan<int> values, int width, Span<byte> target)
    {
        var groups = values.Length / 8;
        if (target.Length < groups * width + SlackBytes) throw new ArgumentException("The target is too short.", nameof(target));
        ref var to = ref MemoryMarshal.GetReference(target);
        ref var from = ref MemoryMarshal.GetReference(values);
        if (width < 16) PackNarrow(ref from, groups, width, ref to);
        else PackWide(ref from, groups, width, ref to);
        return groups * width;
    }

    private static void PackNarrow(ref int from, int groups, int width, ref byte to)
    {
        var half = 4 * width;
        for (var group = 0; group < groups; group++)
        {
            var low = Quad(ref from, width);
            var high = Quad(ref Unsafe.Add(ref from, 4), width);
            Unsafe.WriteUnaligned(ref to, low | high << half);
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref to, 8), high >> (64 - half));
            from = ref Unsafe.Add(ref from, 8);
            to = ref Unsafe.Add(ref to, width);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Quad(ref int from, int width)
    {
        var first = (uint)from | (ulong)(uint)Unsafe.Add(ref from, 1) << width;
        var second = (uint)Unsafe.Add(ref from, 2) | (ulong)(uint)Unsafe.Add(ref from, 3) << width;
        return first | second << (2 * width);
    }

    private static void PackWide(ref int from, int groups, int width, ref byte to)
    {
        for (var group = 0; group < groups; group++)
        {
            ulong pending = 0;
            var bits = 0;
            ref var at = ref to;
            for (var i = 0; i < 8; i++)
            {
                pending |= (ulong)(uint)Unsafe.Add(ref from, i) << bits;
                bits += width;
                if (bits < 32) continue;
                Unsafe.WriteUnaligned(ref at, (uint)pending);
                at = ref Unsafe.Add(ref at, 4);
                pending >>= 32;
                bits -= 32;
            }
            Unsafe.WriteUnaligned(ref at, (uint)pending);
            from = ref Unsafe.Add(ref from, 8);
            to = ref Unsafe.Add(ref to, width);
        }
    }

    /// <summary>Packs values of any width up to 64; the target is zeroed by the caller. For delta miniblocks.</summary>
    public static void PackLong(ReadOnlySpan<ulong> values, int width, Span<byte> target)
    {
        long bit = 0;
        foreach (var value in values)
        {
            var rest = value;
            var left = width;
            while (left > 0)
            {
                var shift = (int)(bit & 7);
                target[(int)(bit >> 3)] |= (byte)(rest << shift);
                var taken = Math.Min(8 - shift, left);
                rest >>= taken;
                left -= taken;
                bit += taken;
            }
        }
    }

    /// <summary>The value of that width (0 to 64) at a bit position; bits past the end read as 0.</summary>
    public static ulong Unpack(ReadOnlySpan<byte> packed, long bit, int width)
    {
        if (width == 0) return 0;
        var index = (int)(bit >> 3);
        var shift = (int)(bit & 7);
        var mask = width == 64 ? ulong.MaxValue : (1UL << width) - 1;
        if (index + 9 <= packed.Length)
        {
            var low = MemoryMarshal.Read<ulong>(packed[index..]) >> shift;
            var high = shift == 0 ? 0 : (ulong)packed[index + 8] << (64 - shift);
            return (low | high) & mask;
        }
        ulong value = 0;
        var have = -shift;
        for (; index < packed.Length && have < width; index++, have += 8)
            value |= have < 0 ? (ulong)packed[index] >> -have : (ulong)packed[index] << have;
        return value & mask;
    }
}
