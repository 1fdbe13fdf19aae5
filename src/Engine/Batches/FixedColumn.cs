using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Matih.Batches;

/// <summary>A column of values of one size. <typeparamref name="T"/> is the layout's type: see <see cref="Layout"/>.</summary>
internal sealed class FixedColumn<T>(DataType type, MemoryAccount account) : Column(type, account) where T : unmanaged
{
    private T[] _values = [];

    /// <summary><see cref="Column.Count"/> values; those at NULL rows are unspecified.</summary>
    public ReadOnlySpan<T> Values => _values.AsSpan(0, Count);

    internal override long BufferBytes => _values.Length * (long)Unsafe.SizeOf<T>() + ValidityBytes.Length;

    internal override long UsedBytes => Count * (long)Unsafe.SizeOf<T>();

    private protected override long ValueImageBytes => UsedBytes;

    private protected override void WriteValues(Span<byte> target) => MemoryMarshal.AsBytes(Values).CopyTo(target);

    private protected override int AppendValues(ReadOnlySpan<byte> source, int count, ReadOnlySpan<byte> validity)
    {
        var bytes = count * Unsafe.SizeOf<T>();
        source[..bytes].CopyTo(MemoryMarshal.AsBytes(AppendUninitialized(count, validity)));
        return bytes;
    }

    internal override void Clear()
    {
        Count = 0;
        NullCount = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Append(T value)
    {
        if (Count == _values.Length) Grow(ref _values, Count + 1);
        _values[Count] = value;
        NoteValid();
        Count++;
    }

    internal override void AppendNull()
    {
        if (Count == _values.Length) Grow(ref _values, Count + 1);
        _values[Count] = default;
        NoteNull();
        Count++;
    }

    internal override void Truncate(int count) => ForgetFrom(count);

    /// <summary>
    /// Appends <paramref name="count"/> rows whose values the caller writes through the returned span (its contents are
    /// unspecified). <paramref name="validity"/> is empty for "no NULLs", else one byte a row.
    /// </summary>
    public Span<T> AppendUninitialized(int count, ReadOnlySpan<byte> validity = default)
    {
        Grow(ref _values, Count + (long)count);
        NoteRange(validity, count);
        var span = _values.AsSpan(Count, count);
        Count += count;
        return span;
    }

    internal override void AppendRows(Column source, ReadOnlySpan<int> rows)
    {
        var from = (FixedColumn<T>)source;
        if (from.NullCount != 0)
        {
            foreach (var row in rows)
            {
                if (from.IsNull(row)) AppendNull();
                else Append(from._values[row]);
            }
            return;
        }
        var values = from._values;
        var target = AppendUninitialized(rows.Length);
        for (var i = 0; i < rows.Length; i++) target[i] = values[rows[i]];
    }

    internal override void AppendRange(Column source, int start, int count)
    {
        var from = (FixedColumn<T>)source;
        var validity = from.NullCount == 0 ? default : from.Validity.Slice(start, count);
        from.Values.Slice(start, count).CopyTo(AppendUninitialized(count, validity));
    }

    private protected override void ReleaseBuffers()
    {
        _values = [];
        ValidityBytes = [];
        Clear();
    }
}
