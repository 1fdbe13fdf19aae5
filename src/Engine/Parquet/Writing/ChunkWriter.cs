using Matih.Batches;
using Matih.Parquet.Compression;
using Matih.Parquet.Encodings;
using Matih.Parquet.Format;

namespace Matih.Parquet.Writing;

/// <summary>
/// Encodes one column: rows into pages, pages into the chunk of the open row group, compressed as soon as they are full.
/// Here are definition levels, page cutting and totals; the cases know about values.
/// </summary>
internal abstract class ChunkWriter : IDisposable
{
    private readonly ParquetLeaf _leaf;
    private readonly PooledBuffer _levels;
    private readonly PooledBuffer _repetitions;
    private readonly SegmentQueue _pages;
    private readonly List<(PageType Type, Encoding Encoding, int Count)> _pageCounts = [];
    private PageCodec _codec;
    private int _pageRows;
    private int _pageNulls;
    private long _rows;
    private long _nulls;
    private long _uncompressedBytes;

    protected ChunkWriter(ParquetLeaf leaf, WriterContext context)
    {
        _leaf = leaf;
        Column = leaf.Named;
        Context = context;
        _repetitions = new PooledBuffer(context.Ledger);
        _codec = context.Codec;
        _levels = new PooledBuffer(context.Ledger);
        _pages = new SegmentQueue(context.Ledger);
    }

    /// <summary>The column; one within groups is named by its path.</summary>
    public ParquetColumn Column { get; }

    protected WriterContext Context { get; }
    protected ParquetWriterSettings Settings => Context.Settings;

    /// <summary>Bytes of the open chunk: finished pages, and what waits to be encoded at its encoded but uncompressed size.</summary>
    public long EncodedBytes => _pages.LengthBytes + OpenBytes + _pageRows / 8;

    /// <summary>Prepares for batches whose column has this type.</summary>
    /// <exception cref="ArgumentException">The type cannot be written to the column.</exception>
    public abstract void Bind(DataType type);

    /// <summary>Refuses rows that cannot be written, before any column has taken any.</summary>
    /// <exception cref="InvalidOperationException">Names the column and the row.</exception>
    public void Check(Column source, RowSelection rows, long fileRow)
    {
        if (Column.IsRequired && source.NullCount != 0) CheckNulls(source, rows, fileRow);
        if (FindRefused(source, rows, out var fault) is var at and >= 0) throw Refused(rows[at], fileRow + at, fault);
    }

    public InvalidOperationException RefusedNull(int batchRow, long fileRow) => Refused(batchRow, fileRow, "NULL in a required column; filter such rows out or make the table's column optional");

    private void CheckNulls(Column source, RowSelection rows, long fileRow)
    {
        for (var i = 0; i < rows.Count; i++)
            if (source.IsNull(rows[i])) throw RefusedNull(rows[i], fileRow + i);
    }

    public InvalidOperationException Refused(int batchRow, long fileRow, string what) =>
        new($"Column '{Column.Name}' ({Column.Type}): row {batchRow} of the batch, row {fileRow} of the file: {what}.");

    /// <summary>Where among the rows the first value is that cannot be written, and why; -1 where all can.</summary>
    public abstract int FindRefused(Column source, RowSelection rows, out string fault);

    public void Append(Column source, RowSelection rows)
    {
        while (rows.Count != 0)
        {
            var step = StepRows(source, rows, Math.Min(rows.Count, Settings.PageRowCountMax - _pageRows));
            AppendStep(source, rows.Slice(0, step));
            rows = rows.Slice(step, rows.Count - step);
            if (_pageRows >= Settings.PageRowCountMax || IsPageFull) FinishPage(isLast: false);
        }
    }

    /// <summary>How many of the rows from <paramref name="first"/> on may go into the open page; at least one.</summary>
    public int FitNested(Column source, NestedSlice slice, int first)
    {
        var present = slice.Present(first, slice.RowCount - first);
        var valueCount = present.Length == 0 ? 0 : StepRows(source, new RowSelection(present), present.Length);
        var row = first + 1;
        while (row < slice.RowCount && slice.PresentCount(first, row + 1) <= valueCount && slice.EntryCount(first, row + 1) <= Settings.PageRowCountMax - _pageRows) row++;
        return row - first;
    }

    /// <summary>Takes rows of a column within groups, with the levels that say where its values belong.</summary>
    public void AppendNested(Column source, NestedSlice slice, int first, int count)
    {
        var definitions = slice.Definitions(first, count);
        _levels.Append(definitions);
        if (_leaf.RepetitionMax != 0) _repetitions.Append(slice.Repetitions(first, count));
        var present = slice.Present(first, count);
        _pageRows += definitions.Length;
        _pageNulls += definitions.Length - present.Length;
        if (present.Length != 0) AppendValues(source, new RowSelection(present));
        if (_pageRows >= Settings.PageRowCountMax || IsPageFull) FinishPage(isLast: false);
    }

    private void AppendStep(Column source, RowSelection rows)
    {
        _pageRows += rows.Count;
        if (source.NullCount == 0)
        {
            if (_pageNulls != 0) AppendLevels(rows.Count);
            AppendValues(source, rows);
            return;
        }
        var present = Context.Rows(rows.Count);
        var validity = source.Validity;
        var count = 0;
        for (var i = 0; i < rows.Count; i++)
        {
            var row = rows[i];
            present[count] = row;
            count += validity[row];
        }
        if (count != rows.Count || _pageNulls != 0) AppendLevels(validity, rows, rows.Count - count);
        if (count != 0) AppendValues(source, count == rows.Count ? rows : new RowSelection(present[..count]));
    }

    private void AppendLevels(int presentCount)
    {
        _levels.Reserve(presentCount)[..presentCount].Fill(1);
        _levels.Advance(presentCount);
    }

    private void AppendLevels(ReadOnlySpan<byte> validity, RowSelection rows, int nulls)
    {
        if (_pageNulls == 0)
        {
            _levels.Clear();
            AppendLevels(_pageRows - rows.Count);
        }
        _pageNulls += nulls;
        var levels = _levels.Reserve(rows.Count);
        if (rows.IsRange) validity.Slice(rows.Start, rows.Count).CopyTo(levels);
        else for (var i = 0; i < rows.Count; i++) levels[i] = validity[rows[i]];
        _levels.Advance(rows.Count);
    }

    /// <summary>How many of the next <paramref name="count"/> rows go in before the page or the dictionary may be full; at least 1.</summary>
    protected abstract int StepRows(Column source, RowSelection rows, int count);

    /// <summary>Takes the values of rows that all have one.</summary>
    protected abstract void AppendValues(Column source, RowSelection rows);

    protected abstract bool IsPageFull { get; }

    /// <summary>Encoded bytes of values not yet in a finished page, dictionary included.</summary>
    protected abstract long OpenBytes { get; }

    /// <summary>Appends the page's values to <see cref="WriterContext.Page"/> and forgets them.</summary>
    protected abstract Encoding EncodePage(bool isLast);

    /// <summary>Called after a page is finished, when a dictionary that has become too large can be closed.</summary>
    protected virtual void AfterPage() { }

    private void FinishPage(bool isLast)
    {
        if (_pageRows == 0) return;
        var page = Context.Page;
        page.Clear();
        if (!_leaf.IsFlat) EncodeNestedLevels(page);
        else if (!Column.IsRequired) EncodeLevels(page);
        var encoding = EncodePage(isLast);
        WritePage(new PageHeader { Type = PageType.DataPage, ValueCount = _pageRows, Encoding = encoding }, page.Written, _pages);
        CountPage(PageType.DataPage, encoding);
        _rows += _pageRows;
        _nulls += _pageNulls;
        _pageRows = 0;
        _pageNulls = 0;
        AfterPage();
    }

    private void EncodeLevels(PooledBuffer page)
    {
        var target = page.Reserve(4 + HybridEncoder.BytesMax(_pageRows, 1));
        var length = HybridEncoder.EncodeLevels(_pageNulls == 0 ? default : _levels.Written, _pageRows, target[4..]);
        BitConverter.TryWriteBytes(target, length);
        page.Advance(4 + length);
    }

    private void EncodeNestedLevels(PooledBuffer page)
    {
        if (_leaf.RepetitionMax != 0) EncodeLevels(page, _repetitions, _leaf.RepetitionMax);
        if (_leaf.DefinitionMax != 0) EncodeLevels(page, _levels, _leaf.DefinitionMax);
        _repetitions.Clear();
        _levels.Clear();
    }

    private void EncodeLevels(PooledBuffer page, PooledBuffer levels, int max)
    {
        var wide = Context.Rows(levels.Length);
        for (var i = 0; i < wide.Length; i++) wide[i] = levels.Written[i];
        var width = BitPacking.WidthOf((uint)max);
        var target = page.Reserve(4 + HybridEncoder.BytesMax(wide.Length, width));
        var length = HybridEncoder.Encode(wide, width, target[4..]);
        BitConverter.TryWriteBytes(target, length);
        page.Advance(4 + length);
    }

    private void WritePage(PageHeader header, ReadOnlySpan<byte> page, SegmentQueue target)
    {
        // The header holds the compressed length, so it is written behind the page here and before it in the file.
        var compressed = Context.Compressed;
        compressed.Clear();
        _codec.Compress(page, compressed);
        var compressedBytes = compressed.Length;
        header.UncompressedBytes = page.Length;
        header.CompressedBytes = compressedBytes;
        header.Write(compressed);
        _uncompressedBytes += page.Length + compressed.Length - compressedBytes;
        target.Append(compressed.Written[compressedBytes..]);
        target.Append(compressed.Written[..compressedBytes]);
    }

    private void CountPage(PageType type, Encoding encoding)
    {
        for (var i = 0; i < _pageCounts.Count; i++)
        {
            if (_pageCounts[i].Type != type || _pageCounts[i].Encoding != encoding) continue;
            _pageCounts[i] = (type, encoding, _pageCounts[i].Count + 1);
            return;
        }
        _pageCounts.Add((type, encoding, 1));
    }

    /// <summary>Closes the chunk, appends it to the row group's bytes and prepares for the next row group.</summary>
    public ChunkFooter FinishChunk(SegmentQueue output)
    {
        if (_pages.LengthBytes == 0 && EncodedBytes <= Settings.UncompressedBytesMax) _codec = PageCodec.None;
        FinishPage(isLast: true);
        var start = output.LengthBytes;
        long dictionaryBytes = 0;
        if (DictionaryPage(out var dictionary, out var entryCount))
        {
            WritePage(new PageHeader { Type = PageType.DictionaryPage, ValueCount = entryCount, Encoding = Encoding.Plain }, dictionary, output);
            CountPage(PageType.DictionaryPage, Encoding.Plain);
            dictionaryBytes = output.LengthBytes - start;
        }
        _pages.MoveTo(output);
        var (min, max, isMinExact, isMaxExact) = ChunkBounds();
        var footer = new ChunkFooter
        {
            Leaf = _leaf,
            Codec = _codec.Number,
            Pages = [.. _pageCounts],
            ValueCount = _rows,
            NullCount = _nulls,
            NanCount = ChunkNanCount,
            UncompressedBytes = _uncompressedBytes,
            CompressedBytes = output.LengthBytes - start,
            DictionaryOffset = dictionaryBytes == 0 ? null : start,
            DataOffset = start + dictionaryBytes,
            Min = min,
            Max = max,
            IsMinExact = isMinExact,
            IsMaxExact = isMaxExact,
        };
        Reset();
        ResetValues();
        return footer;
    }

    private void Reset()
    {
        _rows = 0;
        _nulls = 0;
        _uncompressedBytes = 0;
        _codec = Context.Codec;
        _pageCounts.Clear();
    }

    /// <summary>The dictionary's entries in plain encoding; false where no page of the chunk refers to it.</summary>
    protected virtual bool DictionaryPage(out ReadOnlySpan<byte> plain, out int entryCount)
    {
        plain = default;
        entryCount = 0;
        return false;
    }

    /// <summary>The chunk's statistics in plain encoding, null where there are none.</summary>
    protected abstract (byte[]? Min, byte[]? Max, bool IsMinExact, bool IsMaxExact) ChunkBounds();

    /// <summary>NaNs in the chunk; null where the type has none.</summary>
    protected virtual long? ChunkNanCount => null;

    /// <summary>Forgets the chunk's values and bounds.</summary>
    protected abstract void ResetValues();

    /// <summary>Forgets what finished chunks said about the encoding that pays.</summary>
    public virtual void Forget() { }

    public virtual void Dispose()
    {
        _levels.Dispose();
        _repetitions.Dispose();
        _pages.Dispose();
    }
}
