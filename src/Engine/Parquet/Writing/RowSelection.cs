using System.Runtime.CompilerServices;

namespace Matih.Parquet.Writing;

/// <summary>Rows of a batch: a range, or a list of row numbers.</summary>
internal readonly ref struct RowSelection
{
    private readonly ReadOnlySpan<int> _rows;

    public RowSelection(int start, int count) => (Start, Count, IsRange) = (start, count, true);

    public RowSelection(ReadOnlySpan<int> rows)
    {
        _rows = rows;
        Count = rows.Length;
    }

    public bool IsRange { get; }

    /// <summary>The first row of a range.</summary>
    public int Start { get; }

    public int Count { get; }

    /// <summary>The rows of a list.</summary>
    public ReadOnlySpan<int> Rows => _rows;

    public int this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => IsRange ? Start + index : _rows[index];
    }

    public RowSelection Slice(int start, int count) => IsRange ? new RowSelection(Start + start, count) : new RowSelection(_rows.Slice(start, count));
}

/// <summary>Lets the loops over values be compiled once for ranges and once for lists.</summary>
internal interface IRows
{
    int this[int index] { get; }
}

internal readonly struct RangeRows(int start) : IRows
{
    public int this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => start + index;
    }
}

internal readonly ref struct ListRows(ReadOnlySpan<int> rows) : IRows
{
    private readonly ReadOnlySpan<int> _rows = rows;

    public int this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _rows[index];
    }
}
