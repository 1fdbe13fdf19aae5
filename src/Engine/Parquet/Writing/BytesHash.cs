using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Matih.Parquet.Writing;

/// <summary>A fast hash of short byte strings, by multiplication of 64-bit words. Not for keeping and not secret.</summary>
internal static class BytesHash
{
    private const ulong First = 0xA076_1D64_78BD_642F;
    private const ulong Second = 0xE703_7ED1_A0B4_28DB;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Of(ref byte start, int length)
    {
        ulong low, high;
        if (length >= 8)
        {
            if (length > 16) return OfLong(ref start, length);
            low = Unsafe.ReadUnaligned<ulong>(ref start);
            high = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, length - 8));
        }
        else if (length >= 4)
        {
            low = Unsafe.ReadUnaligned<uint>(ref start);
            high = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref start, length - 4));
        }
        else if (length != 0)
        {
            low = (ulong)start << 16 | (ulong)Unsafe.Add(ref start, length >> 1) << 8 | Unsafe.Add(ref start, length - 1);
            high = 0;
        }
        else
        {
            low = high = 0;
        }
        return Mix(low ^ First, high ^ Second ^ (ulong)length);
    }

    private static uint OfLong(ref byte start, int length)
    {
        var state = (ulong)length;
        var at = 0;
        for (; at + 16 < length; at += 16)
        {
            var left = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, at));
            var right = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, at + 8));
            state = Math.BigMul(left ^ First ^ state, right ^ Second, out var low) ^ low;
        }
        // The last 16 bytes, which may overlap those before.
        var nextToLast = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, length - 16));
        var last = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, length - 8));
        return Mix(nextToLast ^ First ^ state, last ^ Second ^ (ulong)length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Mix(ulong left, ulong right)
    {
        var high = Math.BigMul(left, right, out var low);
        var mixed = high ^ low;
        return (uint)(mixed ^ mixed >> 32);
    }

    /// <summary>Whether both hold the same bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreSame(ref byte left, ref byte right, int length)
    {
        if (length >= 8)
        {
            if (length > 16)
                return MemoryMarshal.CreateReadOnlySpan(ref left, length)
                    .SequenceEqual(MemoryMarshal.CreateReadOnlySpan(ref right, length));
            return ((Unsafe.ReadUnaligned<ulong>(ref left) ^ Unsafe.ReadUnaligned<ulong>(ref right)) |
                    (Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref left, length - 8)) ^ Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref right, length - 8)))) == 0;
        }
        if (length >= 4)
        {
            return ((Unsafe.ReadUnaligned<uint>(ref left) ^ Unsafe.ReadUnaligned<uint>(ref right)) |
                    (Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref left, length - 4)) ^ Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref right, length - 4)))) == 0;
        }
        for (var i = 0; i < length; i++)
            if (Unsafe.Add(ref left, i) != Unsafe.Add(ref right, i)) return false;
        return true;
    }
}
