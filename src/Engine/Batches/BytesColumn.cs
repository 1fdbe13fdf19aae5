using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.InteropServices;

namespace Matih.Batches;

/// <summary>A column of strings (valid UTF-8) or binary values.</summary>
/// <remarks>
/// Layout: <c>Offsets</c> has Count + 1 entries; row i is <c>Data[Offsets[i]..Offsets[i + 1]]</c>. A NULL row is an empty range.
/// </remarks>
internal sealed class BytesColumn(DataType type, MemoryAccount account) : Column(type, account)
{
    private int[] _offsets = [];
    private byte[] _data = [];
    private int _dataLength;

    /// <summary>Count + 1 ascending positions in <see cref="Data"/>, the first 0.</summary>
    public ReadOnlySpan<int> Offsets => Count == 0 ? NoRows : _offsets.AsSpan(0, Count + 1);

    private static ReadOnlySpan<int> NoRows => [0];

    /// <summary>The bytes of all rows, one after the other.</summary>
    public ReadOnlySpan<byte> Data => _data.AsSpan(0, _dataLength);

    public ReadOnlySpan<byte> this[int row]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            var start = _offsets[row];
            return _data.AsSpan(start, _offsets[row + 1] - start);
        }
    }

    internal override long BufferBytes => _offsets.Length * (long)sizeof(int) + _data.Length + ValidityBytes.Length;

    internal override long UsedBytes => _dataLength + Count * (long)sizeof(int);

    private protected override long ValueImageBytes => UsedBytes;

    private protected override void WriteValues(Span<byte> target)
    {
        MemoryMarshal.AsBytes(Offsets[1..]).CopyTo(target);
        Data.CopyTo(target[(Count * sizeof(int))..]);
    }

    private protected override int AppendValues(ReadOnlySpan<byte> source, int count, ReadOnlySpan<byte> validity)
    {
        if (count == 0) return 0;
        var stored = MemoryMarshal.Cast<byte, int>(source[..(count * sizeof(int))]);
        var dataLength = stored[^1];
        BeginRows(count, dataLength, out var ends, out var data, out var dataStart);
        for (var i = 0; i < count; i++) ends[i] = stored[i] + dataStart;
        source.Slice(count * sizeof(int), dataLength).CopyTo(data);
        EndRows(count, dataLength, validity);
        return count * sizeof(int) + dataLength;
    }

    internal override void Clear()
    {
        Count = 0;
        NullCount = 0;
        _dataLength = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Append(ReadOnlySpan<byte> value)
    {
        value.CopyTo(Begin(value.Length));
        End(value.Length);
    }

    /// <summary>Appends the first bytes of a source, which may be read past them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AppendPrefix(ReadOnlySpan<byte> source, int length)
    {
        const int Block = 32;
        if (length <= Block && source.Length >= Block)
        {
            Unsafe.WriteUnaligned(ref MemoryMarshal.GetReference(Begin(Block)), Unsafe.ReadUnaligned<Vector256<byte>>(in MemoryMarshal.GetReference(source)));
        }
        else source[..length].CopyTo(Begin(length));
        End(length);
    }

    /// <summary>Room for a value of at most <paramref name="lengthMax"/> bytes, to be closed by <see cref="End"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Begin(int lengthMax)
    {
        if (_dataLength + (long)lengthMax > _data.Length) Grow(ref _data, _dataLength + (long)lengthMax);
        return _data.AsSpan(_dataLength, lengthMax);
    }

    /// <summary>Makes the first <paramref name="length"/> bytes of the span given by <see cref="Begin"/> the next row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void End(int length)
    {
        _dataLength += length;
        NoteValid();
        AppendOffset();
    }

    internal override void AppendNull()
    {
        NoteNull();
        AppendOffset();
    }

    /// <summary>
    /// Room for rows that the caller writes in bulk and closes with <see cref="EndRows"/>: their bytes one after the other
    /// into <paramref name="data"/>, and into <paramref name="ends"/> where each ends, counted from <paramref name="dataStart"/> up.
    /// </summary>
    /// <param name="data">At least <paramref name="dataLengthMax"/> bytes; all of them may be overwritten.</param>
    public void BeginRows(int count, int dataLengthMax, out Span<int> ends, out Span<byte> data, out int dataStart)
    {
        Grow(ref _offsets, Count + (long)count + 1);
        _offsets[0] = 0;
        data = Begin(dataLengthMax);
        ends = _offsets.AsSpan(Count + 1, count);
        dataStart = _dataLength;
    }

    /// <summary>Makes what was written since <see cref="BeginRows"/> rows. <paramref name="validity"/> is empty for "no NULLs", else one byte a row.</summary>
    public void EndRows(int count, int dataLength, ReadOnlySpan<byte> validity)
    {
        NoteRange(validity, count);
        _dataLength += dataLength;
        Count += count;
    }

    internal override void Truncate(int count)
    {
        ForgetFrom(count);
        _dataLength = count == 0 ? 0 : _offsets[count];
    }

    internal override void AppendRows(Column source, ReadOnlySpan<int> rows)
    {
        var from = (BytesColumn)source;
        if (from.NullCount != 0)
        {
            foreach (var row in rows)
            {
                if (from.IsNull(row)) AppendNull();
                else Append(from[row]);
            }
            return;
        }
        var offsets = from.Offsets;
        var bytes = from.Data;
        long length = 0;
        foreach (var row in rows) length += offsets[row + 1] - offsets[row];
        BeginRows(rows.Length, checked((int)length), out var ends, out var data, out var end);
        for (var i = 0; i < rows.Length; i++)
        {
            var start = offsets[rows[i]];
            var valueLength = offsets[rows[i] + 1] - start;
            // Short values are copied 16 or 32 bytes at once where both sides have as many: what is too much is overwritten by the next.
            if (valueLength <= 64 && bytes.Length - start >= 64 && data.Length >= 64)
            {
                Unsafe.WriteUnaligned(ref data[0], Unsafe.ReadUnaligned<Vector128<byte>>(in bytes[start]));
                if (valueLength > 16)
                {
                    Unsafe.WriteUnaligned(ref data[16], Unsafe.ReadUnaligned<Vector128<byte>>(in bytes[start + 16]));
                    if (valueLength > 32) Unsafe.WriteUnaligned(ref data[32], Unsafe.ReadUnaligned<Vector256<byte>>(in bytes[start + 32]));
                }
            }
            else bytes.Slice(start, valueLength).CopyTo(data);
            data = data[valueLength..];
            end += valueLength;
            ends[i] = end;
        }
        EndRows(rows.Length, (int)length, default);
    }

    internal override void AppendRange(Column source, int start, int count)
    {
        if (count == 0) return;
        var from = (BytesColumn)source;
        var dataStart = from._offsets[start];
        var dataLength = from._offsets[start + count] - dataStart;
        from._data.AsSpan(dataStart, dataLength).CopyTo(Begin(dataLength));
        Grow(ref _offsets, Count + (long)count + 1);
        _offsets[0] = 0;
        var shift = _dataLength - dataStart;
        for (var i = 1; i <= count; i++) _offsets[Count + i] = from._offsets[start + i] + shift;
        NoteRange(from.NullCount == 0 ? default : from.Validity.Slice(start, count), count);
        _dataLength += dataLength;
        Count += count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AppendOffset()
    {
        if (Count + 1 >= _offsets.Length)
        {
            Grow(ref _offsets, Count + 2);
            _offsets[0] = 0;
        }
        Count++;
        _offsets[Count] = _dataLength;
    }

    private protected override void ReleaseBuffers()
    {
        _offsets = [];
        _data = [];
        ValidityBytes = [];
        Clear();
    }
}
