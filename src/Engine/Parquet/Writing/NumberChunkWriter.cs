using System.Runtime.InteropServices;
using Matih.Batches;
using Matih.Parquet.Encodings;
using Matih.Parquet.Format;

namespace Matih.Parquet.Writing;

/// <summary>Encodes a column of numbers of one physical type.</summary>
/// <param name="sourceOf">The conversion from a batch column of a type, or null where there is none.</param>
internal sealed class NumberChunkWriter<T, TOps>(ParquetLeaf leaf, WriterContext context, TOps ops, Func<DataType, ValueSource<T>?> sourceOf)
    : ValueChunkWriter(leaf, context) where T : unmanaged where TOps : struct, INumberOps<T>
{
    private readonly NumberDictionary<T, TOps> _dictionary = new(context.Ledger);
    private readonly PooledBuffer _dictionaryPlain = new(context.Ledger);
    private ValueSource<T>? _source;
    private NumberBounds<T, TOps> _bounds;
    private long _nanCount;

    protected override double CompressedShare => 0.5;
    protected override int DictionaryCount => _dictionary.Count;
    protected override long DictionaryBytes => (long)_dictionary.Count * ops.PlainWidth;
    protected override bool IsDictionaryDegenerate => _dictionary.IsDegenerate;

    public override void Bind(DataType type) => _source = sourceOf(type) ?? throw Bindings.Mismatch(Column, type);

    public override int FindRefused(Column source, RowSelection rows, out string fault)
    {
        fault = "";
        if (Column.Type is not ParquetType.Decimal type) return -1;
        var values = ((FixedColumn<Int128>)source).Values;
        var limit = DataType.Decimal.LimitOf(type.Precision);
        for (var i = 0; i < rows.Count; i++)
        {
            var row = rows[i];
            var value = values[row];
            if ((value < limit && value > -limit) || source.IsNull(row)) continue;
            fault = $"an unscaled value of more than {Quantity.Of(type.Precision, "digit")}";
            return i;
        }
        return -1;
    }

    protected override long PlainBytes(Column source, RowSelection rows) => (long)rows.Count * ops.PlainWidth;

    protected override int FitRows(Column source, RowSelection rows, int count, long budgetBytes) => (int)Math.Min(count, budgetBytes / ops.PlainWidth);

    protected override void Index(Column source, RowSelection rows, Span<int> indices)
    {
        var values = Dense(source, rows);
        var known = _dictionary.Count;
        _dictionary.Index(values, indices);
        _bounds.Note(_dictionary.Values[known..]);
    }

    protected override void EncodePlain(Column source, RowSelection rows, PooledBuffer target)
    {
        var values = Dense(source, rows);
        _bounds.Note(values);
        WritePlain(values, target);
    }

    private ReadOnlySpan<T> Dense(Column source, RowSelection rows)
    {
        var values = _source!.Dense(source, rows, Context.Dense);
        if (TOps.HasNaN) _nanCount += TOps.CountNaN(values);
        return values;
    }

    protected override void EncodePlain(ReadOnlySpan<int> indices, PooledBuffer target)
    {
        var known = _dictionary.Values;
        Span<T> block = stackalloc T[64];
        while (!indices.IsEmpty)
        {
            var count = Math.Min(block.Length, indices.Length);
            for (var i = 0; i < count; i++) block[i] = known[indices[i]];
            WritePlain(block[..count], target);
            indices = indices[count..];
        }
    }

    private void WritePlain(ReadOnlySpan<T> values, PooledBuffer target)
    {
        var bytes = values.Length * ops.PlainWidth;
        ops.WritePlain(values, target.Reserve(bytes)[..bytes]);
        target.Advance(bytes);
    }

    protected override bool TryEncodeDelta(ReadOnlySpan<byte> plain, PooledBuffer target, out Encoding encoding)
    {
        encoding = Encoding.DeltaBinaryPacked;
        if (typeof(T) != typeof(int) && typeof(T) != typeof(long)) return false;
        var longs = new long[plain.Length / ops.PlainWidth];
        if (typeof(T) == typeof(long)) MemoryMarshal.Cast<byte, long>(plain).CopyTo(longs);
        else
        {
            var ints = MemoryMarshal.Cast<byte, int>(plain);
            for (var i = 0; i < ints.Length; i++) longs[i] = ints[i];
        }
        DeltaBinaryPacked.Encode(longs, 8 * ops.PlainWidth, target);
        return true;
    }

    protected override ReadOnlySpan<byte> DictionaryPlain
    {
        get
        {
            _dictionaryPlain.Clear();
            WritePlain(_dictionary.Values, _dictionaryPlain);
            return _dictionaryPlain.Written;
        }
    }

    protected override void ClearDictionary()
    {
        _dictionary.Clear();
        _dictionaryPlain.Dispose();
    }

    protected override long? ChunkNanCount => TOps.HasNaN ? _nanCount : null;

    protected override (byte[]? Min, byte[]? Max, bool IsMinExact, bool IsMaxExact) ChunkBounds() =>
        (PlainBound(isLower: true), PlainBound(isLower: false), true, true);

    private byte[]? PlainBound(bool isLower)
    {
        if (!_bounds.HasValue) return null;
        var plain = new byte[ops.PlainWidth];
        ops.WritePlain([TOps.AsBound(isLower ? _bounds.Min : _bounds.Max, isLower)], plain);
        return plain;
    }

    protected override void ResetValues()
    {
        base.ResetValues();
        _bounds = default;
        _nanCount = 0;
    }

    public override void Dispose()
    {
        base.Dispose();
        _dictionary.Dispose();
        _dictionaryPlain.Dispose();
    }
}
