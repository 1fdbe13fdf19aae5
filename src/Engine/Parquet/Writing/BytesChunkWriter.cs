using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Matih.Batches;
using Matih.Parquet.Encodings;
using Matih.Parquet.Format;

namespace Matih.Parquet.Writing;

/// <summary>Encodes strings, binary values, and byte strings of one length (uuid, fixed).</summary>
internal sealed class BytesChunkWriter : ValueChunkWriter
{
    /// <summary>A page holds at least one value, and its length is an i32 that compression may still add to.</summary>
    private const int ValueBytesMax = 512 << 20;

    private readonly BytesDictionary _dictionary;
    private readonly BytesBounds _bounds = new();
    private readonly int _prefixBytes;

    public BytesChunkWriter(ParquetLeaf leaf, WriterContext context) : base(leaf, context)
    {
        _prefixBytes = leaf.Column.Type.TypeLength == 0 ? 4 : 0;
        _dictionary = new BytesDictionary(context.Ledger, _prefixBytes);
    }

    protected override double CompressedShare => 0.4;
    protected override int DictionaryCount => _dictionary.Count;
    protected override long DictionaryBytes => _dictionary.Plain.Length;
    protected override bool IsDictionaryDegenerate => _dictionary.IsDegenerate;
    protected override ReadOnlySpan<byte> DictionaryPlain => _dictionary.Plain;

    public override void Bind(DataType type)
    {
        if (!Bindings.IsBytes(Column.Type, type)) throw Bindings.Mismatch(Column, type);
    }

    public override int FindRefused(Column source, RowSelection rows, out string fault)
    {
        fault = "";
        var offsets = ((BytesColumn)source).Offsets;
        var fixedLength = Column.Type.TypeLength;
        if (fixedLength == 0 && offsets[^1] <= ValueBytesMax) return -1;
        for (var i = 0; i < rows.Count; i++)
        {
            var row = rows[i];
            var length = offsets[row + 1] - offsets[row];
            if (fixedLength == 0 ? length <= ValueBytesMax : length == fixedLength || source.IsNull(row)) continue;
            var expected = fixedLength == 0 ? $"at most {ValueBytesMax}" : $"exactly {fixedLength}";
            fault = $"a value of {Quantity.Of(length, "byte")}, expected {expected}";
            return i;
        }
        return -1;
    }

    protected override long PlainBytes(Column source, RowSelection rows)
    {
        var offsets = ((BytesColumn)source).Offsets;
        long bytes = 0;
        if (rows.IsRange) bytes = offsets[rows.Start + rows.Count] - offsets[rows.Start];
        else foreach (var row in rows.Rows) bytes += offsets[row + 1] - offsets[row];
        return bytes + (long)rows.Count * _prefixBytes;
    }

    protected override int FitRows(Column source, RowSelection rows, int count, long budgetBytes)
    {
        var offsets = ((BytesColumn)source).Offsets;
        if (offsets[^1] + (long)count * _prefixBytes <= budgetBytes) return count;
        long bytes = 0;
        for (var i = 0; i < count; i++)
        {
            var row = rows[i];
            bytes += offsets[row + 1] - offsets[row] + _prefixBytes;
            if (bytes > budgetBytes) return i;
        }
        return count;
    }

    protected override void Index(Column source, RowSelection rows, Span<int> indices)
    {
        var known = _dictionary.Count;
        if (rows.IsRange) _dictionary.Index((BytesColumn)source, new RangeRows(rows.Start), indices);
        else _dictionary.Index((BytesColumn)source, new ListRows(rows.Rows), indices);
        for (; known < _dictionary.Count; known++) _bounds.Note(_dictionary[known]);
    }

    protected override void EncodePlain(Column source, RowSelection rows, PooledBuffer target)
    {
        var bytes = (int)PlainBytes(source, rows);
        var room = target.Reserve(bytes);
        if (rows.IsRange) WritePlain((BytesColumn)source, new RangeRows(rows.Start), rows.Count, room);
        else WritePlain((BytesColumn)source, new ListRows(rows.Rows), rows.Count, room);
        target.Advance(bytes);
    }

    private void WritePlain<TRows>(BytesColumn source, TRows rows, int count, Span<byte> target) where TRows : struct, IRows, allows ref struct
    {
        var data = source.Data;
        var offsets = source.Offsets;
        var prefixBytes = _prefixBytes;
        for (var i = 0; i < count; i++)
        {
            var row = rows[i];
            var start = offsets[row];
            var length = offsets[row + 1] - start;
            var value = data.Slice(start, length);
            _bounds.Note(value);
            if (prefixBytes != 0) BinaryPrimitives.WriteInt32LittleEndian(target, length);
            // Short values are copied as 16 bytes at once where source and target have as many: what is too much is
            // overwritten by the next value.
            if (length <= 16 && data.Length - start >= 16 && target.Length - prefixBytes >= 16)
                Unsafe.WriteUnaligned(ref target[prefixBytes], Unsafe.ReadUnaligned<UInt128>(in data[start]));
            else value.CopyTo(target[prefixBytes..]);
            target = target[(prefixBytes + length)..];
        }
    }

    protected override void EncodePlain(ReadOnlySpan<int> indices, PooledBuffer target)
    {
        foreach (var index in indices) target.Append(_dictionary.PlainEntry(index));
    }

    protected override bool TryEncodeDelta(ReadOnlySpan<byte> plain, PooledBuffer target, out Encoding encoding)
    {
        encoding = Encoding.DeltaLengthByteArray;
        if (_prefixBytes == 0) return false;
        var lengths = new List<long>();
        for (var at = 0; at < plain.Length; at += 4 + (int)lengths[^1]) lengths.Add(BinaryPrimitives.ReadInt32LittleEndian(plain[at..]));
        DeltaBinaryPacked.Encode(CollectionsMarshal.AsSpan(lengths), 32, target);
        var start = 0;
        foreach (var length in lengths)
        {
            target.Append(plain.Slice(start + 4, (int)length));
            start += 4 + (int)length;
        }
        return true;
    }

    protected override void ClearDictionary() => _dictionary.Clear();

    protected override (byte[]? Min, byte[]? Max, bool IsMinExact, bool IsMaxExact) ChunkBounds() =>
        (_bounds.Min, _bounds.Max, _bounds.IsMinExact, _bounds.IsMaxExact);

    protected override void ResetValues()
    {
        base.ResetValues();
        _bounds.Clear();
    }

    public override void Dispose()
    {
        base.Dispose();
        _dictionary.Dispose();
    }
}
