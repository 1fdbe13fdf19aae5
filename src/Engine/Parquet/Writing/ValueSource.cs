using System.Runtime.InteropServices;
using Matih.Batches;

namespace Matih.Parquet.Writing;

/// <summary>Gives the values of a batch column as the column's physical type, side by side.</summary>
internal abstract class ValueSource<T> where T : unmanaged
{
    /// <summary>The values of the rows, all of which have one. The span lies in the batch or in the scratch buffer.</summary>
    public abstract ReadOnlySpan<T> Dense(Column source, RowSelection rows, PooledBuffer scratch);

    protected static Span<T> Scratch(PooledBuffer scratch, int count)
    {
        scratch.Clear();
        return MemoryMarshal.Cast<byte, T>(scratch.Reserve(checked(count * System.Runtime.CompilerServices.Unsafe.SizeOf<T>())))[..count];
    }
}

/// <summary>The layout is that of the physical type: a range of rows is not even copied.</summary>
internal sealed class SameLane<T> : ValueSource<T> where T : unmanaged
{
    public override ReadOnlySpan<T> Dense(Column source, RowSelection rows, PooledBuffer scratch)
    {
        var values = ((FixedColumn<T>)source).Values;
        if (rows.IsRange) return values.Slice(rows.Start, rows.Count);
        var dense = Scratch(scratch, rows.Count);
        var list = rows.Rows;
        for (var i = 0; i < dense.Length; i++) dense[i] = values[list[i]];
        return dense;
    }
}

internal interface IConversion<TLane, T>
{
    static abstract T Convert(TLane value);
}

/// <summary>The layout's values are converted one by one.</summary>
internal sealed class ConvertedLane<TLane, T, TConversion> : ValueSource<T>
    where TLane : unmanaged where T : unmanaged where TConversion : struct, IConversion<TLane, T>
{
    public override ReadOnlySpan<T> Dense(Column source, RowSelection rows, PooledBuffer scratch)
    {
        var values = ((FixedColumn<TLane>)source).Values;
        var dense = Scratch(scratch, rows.Count);
        if (rows.IsRange)
        {
            values = values.Slice(rows.Start, rows.Count);
            for (var i = 0; i < dense.Length; i++) dense[i] = TConversion.Convert(values[i]);
            return dense;
        }
        var list = rows.Rows;
        for (var i = 0; i < dense.Length; i++) dense[i] = TConversion.Convert(values[list[i]]);
        return dense;
    }
}

internal readonly struct IntToLong : IConversion<int, long>
{
    public static long Convert(int value) => value;
}

/// <summary>TIME: milliseconds of the batch to microseconds of the file.</summary>
internal readonly struct MillisToMicros : IConversion<int, long>
{
    public static long Convert(int value) => value * 1000L;
}

internal readonly struct FloatToDouble : IConversion<float, double>
{
    public static double Convert(float value) => value;
}

/// <summary>Unscaled values, which were checked to fit.</summary>
internal readonly struct UnscaledToInt : IConversion<Int128, int>
{
    public static int Convert(Int128 value) => (int)value;
}

internal readonly struct UnscaledToLong : IConversion<Int128, long>
{
    public static long Convert(Int128 value) => (long)value;
}
