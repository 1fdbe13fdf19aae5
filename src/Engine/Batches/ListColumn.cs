using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Matih.Batches;

/// <summary>A column of ARRAY or MAP values: ranges of one column of elements.</summary>
/// <remarks>
/// Layout: <see cref="Offsets"/> has Count + 1 entries; the elements of row i are those of <see cref="Elements"/> from
/// <c>Offsets[i]</c> up to <c>Offsets[i + 1]</c>. A NULL row is an empty range. The elements of a MAP are rows of a key, which
/// is never NULL, and a value; no key stands twice in one row.
/// </remarks>
internal sealed class ListColumn : Column
{
    private int[] _offsets = [];

    public ListColumn(DataType type, MemoryAccount account) : base(type, account) => Elements = Create(type.ElementType(), account);

    /// <summary>The elements of all rows, one after the other.</summary>
    public Column Elements { get; }

    /// <summary>Count + 1 ascending positions in <see cref="Elements"/>, the first 0.</summary>
    public ReadOnlySpan<int> Offsets => Count == 0 ? NoRows : _offsets.AsSpan(0, Count + 1);

    private static ReadOnlySpan<int> NoRows => [0];

    /// <summary>Where the row's first element is, in <see cref="Elements"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int StartOf(int row) => _offsets[row];

    /// <summary>The number of the row's elements; 0 where the row is NULL.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int LengthOf(int row) => _offsets[row + 1] - _offsets[row];

    /// <summary>Makes the elements that were appended since the last row the next row.</summary>
    public void EndRow()
    {
        NoteValid();
        AppendOffset();
    }

    /// <summary>Appends a row without elements.</summary>
    public void AppendEmpty()
    {
        NoteValid();
        AppendEnd(Count == 0 ? 0 : _offsets[Count]);
    }

    /// <summary>Makes one more element, which stands in <see cref="Elements"/> or will, one of the last row.</summary>
    public void Extend() => _offsets[Count]++;

    /// <summary>Appends rows that take elements which stand in <see cref="Elements"/> already, or will.</summary>
    /// <param name="lengths">The number of elements of each row; 0 where the row is NULL.</param>
    /// <param name="validity">Empty for "no NULLs", else one byte a row.</param>
    public void AppendLengths(ReadOnlySpan<int> lengths, ReadOnlySpan<byte> validity)
    {
        Grow(ref _offsets, Count + (long)lengths.Length + 1);
        var end = Count == 0 ? 0 : _offsets[Count];
        _offsets[0] = 0;
        NoteRange(validity, lengths.Length);
        foreach (var length in lengths) _offsets[++Count] = end += length;
    }

    internal override void AppendNull()
    {
        NoteNull();
        AppendOffset();
    }

    internal override void Clear()
    {
        Count = 0;
        NullCount = 0;
        Elements.Clear();
    }

    internal override void Truncate(int count)
    {
        Elements.Truncate(count == 0 ? 0 : _offsets[count]);
        ForgetFrom(count);
    }

    internal override void AppendRows(Column source, ReadOnlySpan<int> rows)
    {
        var from = (ListColumn)source;
        foreach (var row in rows)
        {
            if (from.IsNull(row)) AppendNull();
            else
            {
                Elements.AppendRange(from.Elements, from.StartOf(row), from.LengthOf(row));
                EndRow();
            }
        }
    }

    internal override void AppendRange(Column source, int start, int count)
    {
        if (count == 0) return;
        var from = (ListColumn)source;
        var first = from.StartOf(start);
        Elements.AppendRange(from.Elements, first, from._offsets[start + count] - first);
        AppendOffsets(from._offsets.AsSpan(start, count + 1), from.NullCount == 0 ? default : from.Validity.Slice(start, count));
    }

    /// <summary>Appends rows as long as those of another list, whose elements stand in <see cref="Elements"/> already.</summary>
    public void AppendRows(ListColumn source) => AppendOffsets(source.Offsets, source.Validity);

    /// <summary>Appends rows by ascending positions, the first of which is where the first row starts.</summary>
    private void AppendOffsets(ReadOnlySpan<int> positions, ReadOnlySpan<byte> validity)
    {
        var count = positions.Length - 1;
        Grow(ref _offsets, Count + (long)count + 1);
        var shift = (Count == 0 ? 0 : _offsets[Count]) - positions[0];
        _offsets[0] = 0;
        NoteRange(validity, count);
        for (var i = 1; i <= count; i++) _offsets[Count + i] = positions[i] + shift;
        Count += count;
    }

    private void AppendOffset() => AppendEnd(Elements.Count);

    private void AppendEnd(int end)
    {
        if (Count + 1 >= _offsets.Length)
        {
            Grow(ref _offsets, Count + 2);
            _offsets[0] = 0;
        }
        _offsets[++Count] = end;
    }

    internal override long BufferBytes => _offsets.Length * (long)sizeof(int) + ValidityBytes.Length + Elements.BufferBytes;

    internal override long UsedBytes => Count * (long)sizeof(int) + Elements.UsedBytes;

    private protected override long ValueImageBytes => (Count + 1) * (long)sizeof(int) + Elements.ImageBytes;

    private protected override void WriteValues(Span<byte> target)
    {
        MemoryMarshal.AsBytes(Offsets).CopyTo(target);
        Elements.WriteImage(target[((Count + 1) * sizeof(int))..]);
    }

    private protected override int AppendValues(ReadOnlySpan<byte> source, int count, ReadOnlySpan<byte> validity)
    {
        var offsetBytes = (count + 1) * sizeof(int);
        var imageBytes = Elements.AppendImage(source[offsetBytes..]);
        AppendOffsets(MemoryMarshal.Cast<byte, int>(source[..offsetBytes]), validity);
        return offsetBytes + imageBytes;
    }

    private protected override void ReleaseBuffers()
    {
        Elements.Release();
        _offsets = [];
        ValidityBytes = [];
        Count = 0;
        NullCount = 0;
    }
}
