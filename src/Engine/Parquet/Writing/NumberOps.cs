using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Matih.Parquet.Writing;

/// <summary>What encoding a number type needs to know of it. Implemented by structs, so that loops are compiled per type.</summary>
/// <remarks>Sameness is that of bits: NaNs and zeros of either sign are kept as they are.</remarks>
internal interface INumberOps<T> where T : unmanaged
{
    /// <summary>Bytes of a value in plain encoding.</summary>
    int PlainWidth { get; }

    /// <summary>Writes values in plain encoding; the target has exactly their bytes.</summary>
    void WritePlain(ReadOnlySpan<T> values, Span<byte> target);

    static abstract uint Hash(T value);
    static abstract bool IsSame(T left, T right);
    static abstract bool IsLess(T left, T right);

    /// <summary>NaNs among the values.</summary>
    static abstract int CountNaN(ReadOnlySpan<T> values);

    static abstract bool HasNaN { get; }

    /// <summary>The value as bounds show it: a zero of either sign becomes -0.0 as lower and +0.0 as upper bound.</summary>
    static abstract T AsBound(T value, bool isLower);
}

internal static class NumberHash
{
    private const ulong Multiplier = 0x9E37_79B9_7F4A_7C15;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Of(ulong bits)
    {
        var high = Math.BigMul(bits ^ 0xD6E8_FEB8_6659_FD93, Multiplier, out var low);
        return (uint)(high ^ low ^ low >> 32);
    }
}

internal readonly struct IntOps : INumberOps<int>
{
    public int PlainWidth => 4;
    public void WritePlain(ReadOnlySpan<int> values, Span<byte> target) => MemoryMarshal.AsBytes(values).CopyTo(target);
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Hash(int value) => NumberHash.Of((uint)value);
    public static bool IsSame(int left, int right) => left == right;
    public static bool IsLess(int left, int right) => left < right;
    public static int CountNaN(ReadOnlySpan<int> values) => 0;
    public static bool HasNaN => false;
    public static int AsBound(int value, bool isLower) => value;
}

internal readonly struct LongOps : INumberOps<long>
{
    public int PlainWidth => 8;
    public void WritePlain(ReadOnlySpan<long> values, Span<byte> target) => MemoryMarshal.AsBytes(values).CopyTo(target);
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Hash(long value) => NumberHash.Of((ulong)value);
    public static bool IsSame(long left, long right) => left == right;
    public static bool IsLess(long left, long right) => left < right;
    public static int CountNaN(ReadOnlySpan<long> values) => 0;
    public static bool HasNaN => false;
    public static long AsBound(long value, bool isLower) => value;
}

internal readonly struct FloatOps : INumberOps<float>
{
    public int PlainWidth => 4;
    public void WritePlain(ReadOnlySpan<float> values, Span<byte> target) => MemoryMarshal.AsBytes(values).CopyTo(target);
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Hash(float value) => NumberHash.Of(BitConverter.SingleToUInt32Bits(value));
    public static bool IsSame(float left, float right) => BitConverter.SingleToUInt32Bits(left) == BitConverter.SingleToUInt32Bits(right);
    public static bool IsLess(float left, float right) => left < right;
    public static int CountNaN(ReadOnlySpan<float> values) => NaNs.Count(values);
    public static bool HasNaN => true;
    public static float AsBound(float value, bool isLower) => value != 0 ? value : isLower ? -0f : 0f;
}

internal readonly struct DoubleOps : INumberOps<double>
{
    public int PlainWidth => 8;
    public void WritePlain(ReadOnlySpan<double> values, Span<byte> target) => MemoryMarshal.AsBytes(values).CopyTo(target);
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Hash(double value) => NumberHash.Of(BitConverter.DoubleToUInt64Bits(value));
    public static bool IsSame(double left, double right) => BitConverter.DoubleToUInt64Bits(left) == BitConverter.DoubleToUInt64Bits(right);
    public static bool IsLess(double left, double right) => left < right;
    public static int CountNaN(ReadOnlySpan<double> values) => NaNs.Count(values);
    public static bool HasNaN => true;
    public static double AsBound(double value, bool isLower) => value != 0 ? value : isLower ? -0d : 0d;
}

/// <summary>Decimals of more than 18 digits: <paramref name="width"/> big-endian bytes.</summary>
internal readonly struct WideDecimalOps(int width) : INumberOps<Int128>
{
    public int PlainWidth => width;

    public void WritePlain(ReadOnlySpan<Int128> values, Span<byte> target)
    {
        Span<byte> bytes = stackalloc byte[16];
        foreach (var value in values)
        {
            BinaryPrimitives.WriteInt128BigEndian(bytes, value);
            bytes[(16 - width)..].CopyTo(target);
            target = target[width..];
        }
    }

    public static uint Hash(Int128 value) => NumberHash.Of((ulong)value ^ BitOperations.RotateLeft((ulong)(value >> 64), 31));
    public static bool IsSame(Int128 left, Int128 right) => left == right;
    public static bool IsLess(Int128 left, Int128 right) => left < right;
    public static int CountNaN(ReadOnlySpan<Int128> values) => 0;
    public static bool HasNaN => false;
    public static Int128 AsBound(Int128 value, bool isLower) => value;
}

internal static class NaNs
{
    public static int Count<T>(ReadOnlySpan<T> values) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var count = 0;
        var at = 0;
        if (Vector.IsHardwareAccelerated)
        {
            // A NaN differs from itself. Almost always a whole page has none, so a vector only says whether to look closer.
            for (; at + Vector<T>.Count <= values.Length; at += Vector<T>.Count)
            {
                var vector = new Vector<T>(values[at..]);
                if (!Vector.EqualsAll(vector, vector)) count += CountEach(values.Slice(at, Vector<T>.Count));
            }
        }
        return count + CountEach(values[at..]);
    }

    private static int CountEach<T>(ReadOnlySpan<T> values) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var count = 0;
        foreach (var value in values)
            if (T.IsNaN(value)) count++;
        return count;
    }
}
