using Matih.Batches;
using Matih.Parquet.Format;

namespace Matih.Parquet.Writing;

/// <summary>Encodes booleans, one bit each, least significant first: plain encoding, which every reader takes.</summary>
internal sealed class BooleanChunkWriter(ParquetLeaf leaf, WriterContext context) : ChunkWriter(leaf, context)
{
    private readonly PooledBuffer _bits = new(context.Ledger);
    private int _bitCount;
    private bool _hasTrue;
    private bool _hasFalse;

    public override void Bind(DataType type)
    {
        if (type is not DataType.Boolean) throw Bindings.Mismatch(Column, type);
    }

    public override int FindRefused(Column source, RowSelection rows, out string fault)
    {
        fault = "";
        return -1;
    }

    protected override int StepRows(Column source, RowSelection rows, int count) =>
        (int)Math.Clamp(Settings.PageBytes * 8L - _bitCount, 1, count);

    protected override bool IsPageFull => _bitCount / 8 >= Settings.PageBytes;

    protected override long OpenBytes => _bits.Length;

    protected override void AppendValues(Column source, RowSelection rows)
    {
        var values = ((FixedColumn<byte>)source).Values;
        var bytes = (_bitCount + rows.Count + 7) / 8 - _bits.Length;
        var target = _bits.Reserve(bytes);
        target[..bytes].Clear();
        _bits.Advance(bytes);
        var all = _bits.Filled;
        var trueCount = 0;
        for (var i = 0; i < rows.Count; i++)
        {
            var bit = values[rows[i]] & 1;
            trueCount += bit;
            all[_bitCount >> 3] |= (byte)(bit << (_bitCount & 7));
            _bitCount++;
        }
        _hasTrue |= trueCount != 0;
        _hasFalse |= trueCount != rows.Count;
    }

    protected override Encoding EncodePage(bool isLast)
    {
        Context.Page.Append(_bits.Written);
        _bits.Clear();
        _bitCount = 0;
        return Encoding.Plain;
    }

    protected override (byte[]? Min, byte[]? Max, bool IsMinExact, bool IsMaxExact) ChunkBounds() =>
        (Bound(!_hasFalse, _hasTrue || _hasFalse), Bound(_hasTrue, _hasTrue || _hasFalse), true, true);

    private static byte[]? Bound(bool value, bool exists) => exists ? [(byte)(value ? 1 : 0)] : null;

    protected override void ResetValues() => _hasTrue = _hasFalse = false;

    public override void Dispose()
    {
        base.Dispose();
        _bits.Dispose();
    }
}
