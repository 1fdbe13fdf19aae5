using Matih.Batches;
using Matih.Parquet.Encodings;
using Matih.Parquet.Format;

namespace Matih.Parquet.Writing;

/// <summary>
/// A column whose values may go through a dictionary. A chunk starts undecided: its first page is held as indices, and
/// when that page ends it is either kept so, or turned back into plain values and the dictionary is dropped.
/// A dictionary that grows too large is closed: pages so far keep it, those that follow are plain.
/// </summary>
internal abstract class ValueChunkWriter : ChunkWriter
{
    private enum Mode { Undecided, Dictionary, Plain }

    private const int DictionaryStepBytesMin = 64 << 10;

    private readonly PooledBuffer _plain;
    private int[] _indices = [];
    private int _indexCount;
    private Mode _mode;
    private Mode _modeNext;
    private bool _isDictionaryUsed;
    private long _undecidedBytes;

    protected ValueChunkWriter(ParquetLeaf leaf, WriterContext context) : base(leaf, context)
    {
        _plain = new PooledBuffer(context.Ledger);
        _mode = _modeNext = context.Settings.DictionaryBytesMax == 0 ? Mode.Plain : Mode.Undecided;
    }

    /// <summary>What zstd is expected to leave of plain values.</summary>
    protected abstract double CompressedShare { get; }

    protected abstract int DictionaryCount { get; }

    /// <summary>Bytes of the dictionary in plain encoding.</summary>
    protected abstract long DictionaryBytes { get; }

    /// <summary>Whether the dictionary should take no more values for another reason than its size.</summary>
    protected virtual bool IsDictionaryDegenerate => false;

    /// <summary>Bytes that the rows take in plain encoding.</summary>
    protected abstract long PlainBytes(Column source, RowSelection rows);

    /// <summary>Adds the values to the dictionary where they are new, notes bounds, and gives their indices.</summary>
    protected abstract void Index(Column source, RowSelection rows, Span<int> indices);

    /// <summary>Appends the values in plain encoding and notes bounds.</summary>
    protected abstract void EncodePlain(Column source, RowSelection rows, PooledBuffer target);

    /// <summary>Appends dictionary entries in plain encoding; their bounds are noted already.</summary>
    protected abstract void EncodePlain(ReadOnlySpan<int> indices, PooledBuffer target);

    /// <summary>Appends plain-encoded values in a delta encoding, where the type has one.</summary>
    protected abstract bool TryEncodeDelta(ReadOnlySpan<byte> plain, PooledBuffer target, out Encoding encoding);

    protected abstract void ClearDictionary();

    protected sealed override long OpenBytes =>
        _plain.Length + DictionaryBytes + (long)_indexCount * BitPacking.WidthOf((uint)DictionaryCount) / 8;

    protected sealed override bool IsPageFull => _mode switch
    {
        Mode.Plain => _plain.Length >= Settings.PageBytes,
        Mode.Undecided => _undecidedBytes >= Settings.PageBytes || DictionaryBytes > Settings.DictionaryBytesMax,
        _ => IsDictionaryFull,
    };

    private bool IsDictionaryFull => DictionaryBytes > Settings.DictionaryBytesMax || IsDictionaryDegenerate;

    protected sealed override int StepRows(Column source, RowSelection rows, int count)
    {
        var budget = _mode switch
        {
            Mode.Plain => Settings.PageBytes - _plain.Length,
            Mode.Undecided => Settings.PageBytes - _undecidedBytes,
            _ => Math.Max(DictionaryStepBytesMin, Settings.DictionaryBytesMax - DictionaryBytes),
        };
        return Math.Max(1, FitRows(source, rows, count, budget));
    }

    /// <summary>How many of the next rows take no more than that many plain bytes; may be 0.</summary>
    protected abstract int FitRows(Column source, RowSelection rows, int count, long budgetBytes);

    protected sealed override void AppendValues(Column source, RowSelection rows)
    {
        if (_mode == Mode.Plain)
        {
            EncodePlain(source, rows, _plain);
            return;
        }
        Context.Ledger.Grow(ref _indices, _indexCount, _indexCount + rows.Count);
        Index(source, rows, _indices.AsSpan(_indexCount, rows.Count));
        _indexCount += rows.Count;
        if (_mode == Mode.Undecided) _undecidedBytes += PlainBytes(source, rows);
    }

    protected sealed override Encoding EncodePage(bool isLast)
    {
        if (_mode == Mode.Undecided && _indexCount != 0) Decide(isLast);
        if (_mode != Mode.Plain) return EncodeIndices();
        var page = Context.Page;
        if (!Settings.AllowDeltaEncodings || !TryEncodeDelta(_plain.Written, page, out var encoding))
        {
            page.Append(_plain.Written);
            encoding = Encoding.Plain;
        }
        _plain.Clear();
        return encoding;
    }

    private void Decide(bool isLast)
    {
        var indices = _indices.AsSpan(0, _indexCount);
        var runs = 1;
        for (var i = 1; i < indices.Length; i++)
            if (indices[i] != indices[i - 1]) runs++;
        var sample = new DictionaryChoice.Sample(_indexCount, DictionaryCount, runs, DictionaryBytes, _undecidedBytes);
        _mode = DictionaryChoice.IsWorthIt(sample, CompressedShare, Settings.DictionaryBytesMax, isLast) ? Mode.Dictionary : Mode.Plain;
        _modeNext = isLast ? Mode.Undecided : _mode;
        _undecidedBytes = 0;
        if (_mode == Mode.Dictionary) return;
        EncodePlain(indices, _plain);
        ClearDictionary();
        _indexCount = 0;
        Context.Ledger.Return(ref _indices);
    }

    private Encoding EncodeIndices()
    {
        // Width 0 would do for a single entry, but some readers stumble over it.
        var width = Math.Max(1, BitPacking.WidthOf((uint)Math.Max(0, DictionaryCount - 1)));
        var page = Context.Page;
        var target = page.Reserve(1 + HybridEncoder.BytesMax(_indexCount, width));
        target[0] = (byte)width;
        page.Advance(1 + HybridEncoder.Encode(_indices.AsSpan(0, _indexCount), width, target[1..]));
        _indexCount = 0;
        _isDictionaryUsed = true;
        return Encoding.RleDictionary;
    }

    protected sealed override void AfterPage()
    {
        if (_mode != Mode.Dictionary || !IsDictionaryFull) return;
        _mode = Mode.Plain;
        // The next row group looks again: its first page may tell another story.
        _modeNext = Mode.Undecided;
    }

    protected abstract ReadOnlySpan<byte> DictionaryPlain { get; }

    protected sealed override bool DictionaryPage(out ReadOnlySpan<byte> plain, out int entryCount)
    {
        plain = _isDictionaryUsed ? DictionaryPlain : default;
        entryCount = _isDictionaryUsed ? DictionaryCount : 0;
        return _isDictionaryUsed;
    }

    protected override void ResetValues()
    {
        ClearDictionary();
        _isDictionaryUsed = false;
        _undecidedBytes = 0;
        _mode = _modeNext;
    }

    public sealed override void Forget()
    {
        if (_mode != Mode.Undecided && Settings.DictionaryBytesMax != 0) _mode = _modeNext = Mode.Undecided;
    }

    public override void Dispose()
    {
        base.Dispose();
        _plain.Dispose();
        Context.Ledger.Return(ref _indices);
    }
}
