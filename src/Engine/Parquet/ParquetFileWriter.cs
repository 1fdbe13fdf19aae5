using System.Collections.Immutable;
using Matih.Batches;
using Matih.Parquet.Writing;

namespace Matih.Parquet;

/// <summary>
/// Encodes batches into one Parquet file: a pure encoder, whose output waits in memory until the caller drains it. The same
/// rows in the same batches give the same bytes. Not thread-safe.
/// </summary>
/// <remarks>
/// Data pages are of version 1: every reader takes them. Order of use: Append, Drain where <see cref="HasOutput"/>, …,
/// <see cref="Finish"/>, Drain, Dispose.
/// </remarks>
internal sealed class ParquetFileWriter : IDisposable
{
    /// <summary>Rows that every column takes before the row group's size is looked at.</summary>
    private const int SliceRows = 20_000;

    private readonly ParquetWriterSettings _settings;
    private readonly RowGroupEncoder _encoder;
    private readonly ParquetFileAssembly _assembly;
    private readonly BufferLedger _ledger;
    private readonly SegmentQueue _output;
    private bool _isFinished;
    private bool _isDisposed;

    /// <param name="columns">At least one; names and field ids are unique.</param>
    /// <param name="settings">Layout, compression and metadata of the file.</param>
    /// <param name="account">Charged with every buffer, undrained output included, until <see cref="Dispose"/>.</param>
    /// <exception cref="ArgumentException">No columns, or two of the same name or field id.</exception>
    public ParquetFileWriter(IReadOnlyList<ParquetColumn> columns, ParquetWriterSettings settings, MemoryAccount account)
    {
        ImmutableArray<ParquetColumn> all = [.. columns];
        _settings = settings;
        _encoder = new RowGroupEncoder(all, settings, account);
        _assembly = new ParquetFileAssembly(all, settings);
        _ledger = new BufferLedger(account);
        _output = new SegmentQueue(_ledger);
        _output.Append(ParquetFileAssembly.Magic.Span);
    }

    /// <summary>Rows taken so far.</summary>
    public long RowCount => _assembly.RowCount + _encoder.RowCount;

    /// <summary>Bytes of memory held for the open row group.</summary>
    public long BufferedBytes => _encoder.BufferedBytes;

    /// <summary>What the file would take, were it finished now: finished row groups, and the open one at no less than its compressed size.</summary>
    public long EstimatedFileBytes => _assembly.LengthBytes + _encoder.EncodedBytes;

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
        _encoder.Check(batch, columnMap, rows, RowCount);
        while (rows.Count != 0)
        {
            var slice = rows.Slice(0, Math.Min(rows.Count, SliceRows));
            _encoder.Append(batch, columnMap, slice);
            rows = rows.Slice(slice.Count, rows.Count - slice.Count);
            if (_encoder.EncodedBytes >= _settings.RowGroupBytes) FlushRowGroup();
        }
    }

    /// <summary>Ends the open row group; nothing happens where it has no rows.</summary>
    public void FlushRowGroup()
    {
        ThrowIfClosed();
        if (_encoder.RowCount == 0) return;
        using var group = _encoder.Finish();
        _assembly.Add(group);
        group.Bytes.MoveTo(_output);
    }

    /// <summary>Ends the file. The rest of its bytes wait to be drained.</summary>
    public ParquetFileSummary Finish()
    {
        FlushRowGroup();
        _isFinished = true;
        using var footer = new PooledBuffer(_ledger);
        var summary = _assembly.Finish(footer);
        _output.Append(footer.Written);
        return summary;
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

    private void ThrowIfClosed()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (_isFinished) throw new InvalidOperationException("The Parquet file is finished; open another writer for more rows.");
    }

    /// <summary>Gives all buffers back. A file that was not finished and drained is lost.</summary>
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        _encoder.Dispose();
        _output.Dispose();
    }
}
