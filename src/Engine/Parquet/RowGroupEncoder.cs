using System.Collections.Immutable;
using Matih.Batches;
using Matih.Parquet.Compression;
using Matih.Parquet.Format;
using Matih.Parquet.Writing;

namespace Matih.Parquet;

/// <summary>
/// Encodes batches into one row group after the other, each complete in itself, so that it can go into any file of the same
/// columns. Rows are encoded as they come and pages compressed as they fill: an open row group takes little more than its
/// compressed size, a page and a dictionary per column. Not thread-safe.
/// </summary>
internal sealed class RowGroupEncoder : IDisposable
{
    private readonly ImmutableArray<ParquetColumn> _columns;
    private readonly MemoryAccount _account;
    private readonly BufferLedger _ledger;
    private readonly WriterContext _context;
    private readonly LeafWriter[] _leaves;
    private RowType? _boundType;
    private int[] _boundMap = [];

    /// <param name="columns">At least one; names and field ids are unique.</param>
    /// <param name="account">Charged with every buffer until <see cref="Dispose"/>, and with a row group until that is disposed.</param>
    /// <exception cref="ArgumentException">No columns, or two of the same name or field id.</exception>
    public RowGroupEncoder(ImmutableArray<ParquetColumn> columns, ParquetWriterSettings settings, MemoryAccount account)
    {
        settings.Validate();
        CheckColumns(columns);
        _columns = columns;
        _account = account;
        _ledger = new BufferLedger(account);
        _context = new WriterContext(settings, PageCodec.Create(settings), _ledger);
        _leaves = [.. ParquetLeaf.Of(columns).Select(leaf => new LeafWriter(leaf, _context))];
    }

    /// <summary>Rows of the open row group.</summary>
    public long RowCount { get; private set; }

    /// <summary>Bytes of memory held for the open row group.</summary>
    public long BufferedBytes => _ledger.UsedBytes;

    /// <summary>What the open row group takes, at no less than its compressed size.</summary>
    public long EncodedBytes
    {
        get
        {
            long bytes = 0;
            foreach (var leaf in _leaves) bytes += leaf.Chunk.EncodedBytes;
            return bytes;
        }
    }

    /// <summary>Refuses rows that cannot be written, before any column has taken any.</summary>
    /// <param name="columnMap">For each column of the file, the index of the batch's column.</param>
    /// <param name="fileRow">The number of the first of these rows in the file, for messages.</param>
    /// <exception cref="ArgumentException">A batch column's type does not go into the file's column.</exception>
    /// <exception cref="InvalidOperationException">A row cannot be written: a NULL in a required column, a value of the wrong length.</exception>
    public void Check(ColumnBatch batch, ReadOnlySpan<int> columnMap, RowSelection rows, long fileRow)
    {
        Bind(batch.Type, columnMap);
        foreach (var leaf in _leaves) leaf.Check(batch[columnMap[leaf.Root]], rows, fileRow);
    }

    /// <summary>Takes rows that <see cref="Check"/> has let through.</summary>
    public void Append(ColumnBatch batch, ReadOnlySpan<int> columnMap, RowSelection rows)
    {
        Bind(batch.Type, columnMap);
        foreach (var leaf in _leaves) leaf.Append(batch[columnMap[leaf.Root]], rows);
        RowCount += rows.Count;
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
        }
        foreach (var leaf in _leaves) leaf.Bind(type[columnMap[leaf.Root]].Type);
        _boundType = type;
        _boundMap = columnMap.ToArray();
    }

    /// <summary>Ends the open row group, which has rows, and begins the next one. The caller disposes what it gets.</summary>
    public EncodedRowGroup Finish()
    {
        if (RowCount == 0) throw new InvalidOperationException("The row group has no rows.");
        var bytes = new SegmentQueue(new BufferLedger(_account));
        var chunks = new ChunkFooter[_leaves.Length];
        for (var i = 0; i < _leaves.Length; i++) chunks[i] = _leaves[i].Chunk.FinishChunk(bytes);
        _context.Trim();
        var group = new EncodedRowGroup(bytes, RowCount, chunks);
        RowCount = 0;
        return group;
    }

    /// <summary>The next row group's rows have nothing to do with the last one's: no choice of encoding is taken over.</summary>
    public void Forget()
    {
        foreach (var leaf in _leaves) leaf.Chunk.Forget();
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
            if (column.Type.IsGroup) CheckGroup(column, ids);
            if (column.Type is ParquetType.Fixed { Length: < 1 }) throw new ArgumentException($"Column '{column.Name}': {column.Type} has no bytes.", nameof(columns));
        }
    }

    private static void CheckGroup(ParquetColumn group, HashSet<int> ids)
    {
        ImmutableArray<ParquetColumn> parts = group.Type switch
        {
            ParquetType.Struct type => type.Fields,
            ParquetType.List type => [type.Element],
            ParquetType.Map type => [type.Key, type.Value],
            _ => [],
        };
        if (parts.IsEmpty && group.Type.IsGroup) throw new ArgumentException($"Column '{group.Name}': a group without columns cannot be stored.");
        if (parts.DistinctBy(part => part.Name, StringComparer.Ordinal).Count() != parts.Length) throw new ArgumentException($"Column '{group.Name}': two fields have one name.");
        foreach (var part in parts)
        {
            if (part.FieldId != ParquetColumn.NoFieldId && !ids.Add(part.FieldId)) throw new ArgumentException($"Field '{group.Name}.{part.Name}' has field id {part.FieldId}, as has another.");
            if (part.Type.IsGroup) CheckGroup(part, ids);
        }
    }

    public void Dispose()
    {
        foreach (var leaf in _leaves) leaf.Dispose();
        _context.Dispose();
    }
}
