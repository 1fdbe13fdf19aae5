using System.Collections.Immutable;
using Matih.Batches;
using Matih.Parquet.Writing;
using Matih.Parquet.Compression;
using Matih.Parquet.Format;

namespace Matih.Parquet;

/// <summary>
/// Encodes batches into one Parquet file: a pure encoder, whose output waits in memory until the caller drains it. Rows are
/// encoded as they come and pages compressed as they fill, so that an open row group takes little more than its compressed
/// size, a page and a dictionary per column. The same rows in the same batches give the same bytes. Not thread-safe.
/// </summary>
/// <remarks>
/// Files are of format version 1 with data pages of version 1: every reader takes them. Order of use: Append, Drain where
/// <see cref="HasOutput"/>, …, <see cref="Finish"/>, Drain, Dispose. A file without rows has no row groups and is valid.
/// </remarks>
public sealed class ParquetFileWriter : IDisposable
{
    /// <summary>Rows that every column takes before the row group's size is looked at.</summary>
    private const int SliceRows = 20_000;

    private readonly ImmutableArray<ParquetColumn> _columns;
    private readonly ParquetWriterSettings _settings;
    private readonly BufferLedger _ledger;
    private readonly WriterContext _context;
    private readonly ChunkWriter[] _chunks;
    private readonly SegmentQueue _output;
    private readonly List<RowGroupFooter> _rowGroups = [];
    private RowType? _boundType;
    private int[] _boundMap = [];
    private long _rowGroupRows;
    private long _producedBytes;
    private bool _isFinished;
    private bool _isDisposed;

    /// <param name="columns">At least one; names and field ids are unique.</param>
    /// <param name="settings">Layout, compression and metadata of the file.</param>
    /// <param name="account">Charged with every buffer, undrained output included, until <see cref="Dispose"/>.</param>
    /// <exception cref="ArgumentException">No columns, or two of the same name or field id.</exception>
    public ParquetFileWriter(IReadOnlyList<ParquetColumn> columns, ParquetWriterSettings settings, MemoryAccount account)
    {
        settings.Validate();
        _columns = [.. columns];
        CheckColumns(_columns);
        _settings = settings;
        _ledger = new BufferLedger(account);
        var codec = PageCodec.Create(settings, out var warning);
        Warning = warning;
        _context = new WriterContext(settings, codec, _ledger);
        _chunks = [.. _columns.Select(column => Bindings.CreateWriter(column, _context))];
        _output = new SegmentQueue(_ledger);
        Produce(FooterWriter.Magic);
    }

    /// <summary>What differs from the settings and why, for the log; null where nothing does.</summary>
    public string? Warning { get; }

    /// <summary>Rows taken so far.</summary>
    public long RowCount { get; private set; }

    /// <summary>Bytes of memory held for the open row group.</summary>
    public long BufferedBytes => _ledger.UsedBytes - _output.HeldBytes;

    /// <summary>What the file would take, were it finished now: finished row groups, and the open one at no less than its compressed size.</summary>
    public long EstimatedFileBytes => _producedBytes + OpenBytes();

    /// <summary>Whether there are bytes to drain.</summary>
    public bool HasOutput => _output.LengthBytes != 0;

    /// <summary>Takes all rows of a batch.</summary>
    /// <param name="batch">Not kept.</param>
    /// <param name="columnMap">For each column of the file, the index of the batch's column.</param>
    /// <exception cref="ArgumentException">A batch column's type does not go into the file's column.</exception>
    /// <exception cref="InvalidOperationException">A row cannot be written: a NULL in a required column, a value of the wrong length. No row of the batch was taken.</exception>
    public void Append(ColumnBatch batch, ReadOnlySpan<int> columnMap) => Append(batch, columnMap, new RowSelection(0, batch.Count));

    /// <summary>Takes some rows of a batch, in the order given. Otherwise as the other overload.</summary>
    public void Append(ColumnBatch batch, ReadOnlySpan<int> columnMap, ReadOnlySpan<int> rows)
    {
        foreach (var row in rows)
            if ((uint)row >= (uint)batch.Count) throw new ArgumentOutOfRangeException(nameof(rows), row, $"The batch has {Quantity.Of(batch.Count, "row")}.");
        Append(batch, columnMap, new RowSelection(rows));
    }

    private void Append(ColumnBatch batch, ReadOnlySpan<int> columnMap, RowSelection rows)
    {
        ThrowIfClosed();
        Bind(batch.Type, columnMap);
        for (var i = 0; i < _chunks.Length; i++) _chunks[i].Check(batch[columnMap[i]], rows, RowCount);
        while (rows.Count != 0)
        {
            var slice = rows.Slice(0, Math.Min(rows.Count, SliceRows));
            for (var i = 0; i < _chunks.Length; i++) _chunks[i].Append(batch[columnMap[i]], slice);
            RowCount += slice.Count;
            _rowGroupRows += slice.Count;
            rows = rows.Slice(slice.Count, rows.Count - slice.Count);
            if (OpenBytes() >= _settings.RowGroupBytes) FlushRowGroup();
        }
        _context.Trim();
    }

    private void Bind(RowType type, ReadOnlySpan<int> columnMap)
    {
        if (ReferenceEquals(type, _boundType) && columnMap.SequenceEqual(_boundMap)) return;
        if (columnMap.Length != _columns.Length)
            throw new ArgumentException($"The column map has {Quantity.Of(columnMap.Length, "entry", "entries")}, the file {Quantity.Of(_columns.Length, "column")}.", nameof(columnMap));
        _boundType = null;
        for (var i = 0; i < _columns.Length; i++)
        {
            if ((uint)columnMap[i] >= (uint)type.Count)
                throw new ArgumentException($"Column '{_columns[i].Name}' is mapped to column {columnMap[i]} of a batch that has {type.Count}.", nameof(columnMap));
            _chunks[i].Bind(type[columnMap[i]].Type);
        }
        _boundType = type;
        _boundMap = columnMap.ToArray();
    }

    private long OpenBytes()
    {
        long bytes = 0;
        foreach (var chunk in _chunks) bytes += chunk.EncodedBytes;
        return bytes;
    }

    /// <summary>Ends the open row group; nothing happens where it has no rows.</summary>
    public void FlushRowGroup()
    {
        ThrowIfClosed();
        if (_rowGroupRows == 0) return;
        var start = _producedBytes;
        var footers = new ChunkFooter[_chunks.Length];
        for (var i = 0; i < _chunks.Length; i++)
        {
            footers[i] = _chunks[i].FinishChunk(_output, _producedBytes);
            _producedBytes += footers[i].CompressedBytes;
        }
        _rowGroups.Add(new RowGroupFooter(start, _rowGroupRows, footers));
        _rowGroupRows = 0;
        _context.Trim();
    }

    /// <summary>Ends the file. The rest of its bytes wait to be drained.</summary>
    public ParquetFileSummary Finish()
    {
        FlushRowGroup();
        _isFinished = true;
        var footer = _context.Page;
        footer.Clear();
        FooterWriter.Write(_columns, _rowGroups, _settings, footer);
        Produce(footer.Written);
        return new ParquetFileSummary(
            _producedBytes, RowCount, [.. _rowGroups.Select(group => group.Offset)], [.. _chunks.Select(chunk => chunk.Summarize(RowCount))]);
    }

    /// <summary>
    /// Hands finished bytes over, front to back, and frees them. Where a write fails, its bytes stay and come again first.
    /// Not to be called beside another call of this writer.
    /// </summary>
    public ValueTask DrainAsync(Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return _output.DrainAsync(write, cancellationToken);
    }

    private void Produce(ReadOnlySpan<byte> bytes)
    {
        _output.Append(bytes);
        _producedBytes += bytes.Length;
    }

    private void ThrowIfClosed()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (_isFinished) throw new InvalidOperationException("The Parquet file is finished; open another writer for more rows.");
    }

    private static void CheckColumns(ImmutableArray<ParquetColumn> columns)
    {
        if (columns.IsEmpty) throw new ArgumentException("A Parquet file needs a column.", nameof(columns));
        var names = new HashSet<string>(StringComparer.Ordinal);
        var ids = new HashSet<int>();
        foreach (var column in columns)
        {
            if (!names.Add(column.Name)) throw new ArgumentException($"Two columns are named '{column.Name}'.", nameof(columns));
            if (column.FieldId != ParquetColumn.NoFieldId && !ids.Add(column.FieldId))
                throw new ArgumentException($"Column '{column.Name}' has field id {column.FieldId}, as has another.", nameof(columns));
            if (column.Type is ParquetType.Fixed { Length: < 1 }) throw new ArgumentException($"Column '{column.Name}': {column.Type} has no bytes.", nameof(columns));
        }
    }

    /// <summary>Gives all buffers back. A file that was not finished and drained is lost.</summary>
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        foreach (var chunk in _chunks) chunk.Dispose();
        _context.Dispose();
        _output.Dispose();
    }
}
