using Matih.Batches;
using Matih.Parquet;

namespace Matih.Delivery.Writing;

/// <summary>What columns rows have while they wait to be written.</summary>
/// <param name="rows">The rows as they come in.</param>
/// <param name="isSorted">Whether each row has a sort key, in a column behind the others.</param>
internal sealed class RowLayout(RowType rows, bool isSorted)
{
    public RowType Type { get; } = isSorted ? new RowType(rows.Fields.Add(new Field("", DataType.Bytes))) : rows;

    public bool IsSorted { get; } = isSorted;

    public Column[] CreateColumns(MemoryAccount account) => [.. Type.Fields.Select(field => Column.Create(field.Type, account))];
}

/// <summary>
/// Rows that lie together by table partition: stretch after stretch of one partition, the partitions' ordinals ascending, and
/// within a stretch in the order of the sort keys where there are any. Not thread-safe while rows are added.
/// </summary>
internal sealed class RowBlock(RowLayout layout, MemoryAccount account) : IDisposable
{
    private readonly FixedColumn<int> _ordinals = new(new DataType.Int(), account);
    private readonly FixedColumn<int> _starts = new(new DataType.Int(), account);
    private readonly Column[] _columns = layout.CreateColumns(account);

    public int Count => _columns[0].Count;

    /// <summary>The rows, sort keys in a last column; valid until the next change.</summary>
    public ColumnBatch Rows => new(layout.Type, _columns, Count);

    public ReadOnlySpan<Column> Columns => _columns;

    public int StretchCount => _ordinals.Count;

    public int Ordinal(int stretch) => _ordinals.Values[stretch];

    public int Start(int stretch) => _starts.Values[stretch];

    public int End(int stretch) => stretch + 1 == StretchCount ? Count : _starts.Values[stretch + 1];

    /// <summary>The first stretch of an ordinal that is not smaller.</summary>
    public int FindStretch(int ordinal)
    {
        var index = _ordinals.Values.BinarySearch(ordinal);
        return index < 0 ? ~index : index;
    }

    public ReadOnlySpan<byte> SortKey(int row) => ((BytesColumn)_columns[^1])[row];

    /// <summary>Bytes that the rows take.</summary>
    public long UsedBytes
    {
        get
        {
            var bytes = _ordinals.UsedBytes + _starts.UsedBytes;
            foreach (var column in _columns) bytes += column.UsedBytes;
            return bytes;
        }
    }

    /// <summary>Bytes of memory that the block holds.</summary>
    public long BufferBytes
    {
        get
        {
            var bytes = _ordinals.BufferBytes + _starts.BufferBytes;
            foreach (var column in _columns) bytes += column.BufferBytes;
            return bytes;
        }
    }

    /// <summary>The rows that follow are of that ordinal, which is not smaller than those before.</summary>
    public void BeginStretch(int ordinal)
    {
        if (StretchCount != 0 && _ordinals.Values[^1] == ordinal) return;
        _ordinals.Append(ordinal);
        _starts.Append(Count);
    }

    public void AppendRange(RowBlock source, int start, int count)
    {
        for (var i = 0; i < _columns.Length; i++) _columns[i].AppendRange(source._columns[i], start, count);
    }

    /// <summary>Appends rows of columns in an order that puts equal ordinals side by side, ascending.</summary>
    public void AppendOrdered(ReadOnlySpan<Column> source, ReadOnlySpan<int> ordinals, ReadOnlySpan<int> order)
    {
        var last = -1;
        for (var i = 0; i < order.Length; i++)
        {
            var ordinal = ordinals[order[i]];
            if (ordinal == last) continue;
            last = ordinal;
            _ordinals.Append(ordinal);
            _starts.Append(Count + i);
        }
        for (var i = 0; i < _columns.Length; i++) _columns[i].AppendRows(source[i], order);
    }

    /// <summary>Appends the block's image to the target.</summary>
    public void WriteImage(PooledBuffer target)
    {
        Write(_ordinals, target);
        Write(_starts, target);
        foreach (var column in _columns) Write(column, target);

        static void Write(Column column, PooledBuffer target)
        {
            var bytes = column.ImageBytes;
            column.WriteImage(target.Reserve(bytes)[..bytes]);
            target.Advance(bytes);
        }
    }

    /// <summary>Becomes what the image shows.</summary>
    public void ReadImage(ReadOnlySpan<byte> source)
    {
        Clear();
        source = source[_ordinals.AppendImage(source)..];
        source = source[_starts.AppendImage(source)..];
        foreach (var column in _columns) source = source[column.AppendImage(source)..];
    }

    public void Clear()
    {
        _ordinals.Clear();
        _starts.Clear();
        foreach (var column in _columns) column.Clear();
    }

    public void Dispose()
    {
        _ordinals.Dispose();
        _starts.Dispose();
        foreach (var column in _columns) column.Dispose();
    }
}
