using System.Runtime.CompilerServices;
using Matih.Batches;

namespace Matih.Sql.Kernels;

/// <summary>The values of an expression over a frame: a column of as many rows, or one row that stands for all.</summary>
internal readonly record struct Operand(Column Column, bool IsScalar)
{
    /// <summary>Row i is at <c>i &amp; Mask</c> of the column.</summary>
    public int Mask => IsScalar ? 0 : -1;

    public bool IsNull(int row) => Column.IsNull(row & Mask);
}

/// <summary>Reads fixed-size values; the value at a NULL row is unspecified.</summary>
internal readonly ref struct ValueReader<T>(ReadOnlySpan<T> values, int mask) where T : unmanaged
{
    private readonly ReadOnlySpan<T> _values = values;

    public bool IsScalar => mask == 0;

    /// <summary>All values where the operand is a column; the one value where it is scalar.</summary>
    public ReadOnlySpan<T> Values => _values;

    public T this[int row]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _values[row & mask];
    }
}

/// <summary>Reads strings or binary values; empty at a NULL row.</summary>
internal readonly struct BytesReader(BytesColumn column, int mask)
{
    public bool IsScalar => mask == 0;

    public ReadOnlySpan<byte> this[int row]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => column[row & mask];
    }
}

/// <summary>Reads arrays and maps; a NULL row has no elements.</summary>
internal readonly struct ListReader(ListColumn column, int mask)
{
    /// <summary>The elements of all rows.</summary>
    public Column Elements => column.Elements;

    public int StartOf(int row) => column.StartOf(row & mask);

    public int LengthOf(int row) => column.LengthOf(row & mask);
}
