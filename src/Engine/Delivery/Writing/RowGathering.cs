using Matih.Batches;
using Matih.Delivery.Tables;
using Matih.Storage;

namespace Matih.Delivery.Writing;

/// <summary>
/// Rows of one lane that wait to be written with those of other lanes: put into blocks, each of them clustered by table
/// partition when it is full, and moved to scratch space when they take more memory than they may. Not thread-safe.
/// </summary>
/// <param name="keyOf">The order within a partition; null where rows need none.</param>
internal sealed class RowGathering(RowLayout layout, ISortKeys? keyOf, GatheringLimits limits, MemoryAccount account, IScratchSpace scratch) : IDisposable
{
    private readonly Column[] _columns = layout.CreateColumns(account);
    private readonly FixedColumn<int> _ordinals = new(new DataType.Int(), account);
    private readonly BytesColumn _keys = new(DataType.Bytes, account);
    private readonly List<MemoryRun> _blocks = [];
    private readonly List<RowRun> _spilled = [];
    private int[] _counts = [];
    private int[] _order = [];

    /// <summary>Bytes of memory that clustered rows hold.</summary>
    private long _blockBytes;

    /// <summary>Takes rows of a batch, which are ascending, with the ordinal of each one's table partition.</summary>
    public void Append(ColumnBatch batch, ReadOnlySpan<int> rows, ReadOnlySpan<int> ordinals)
    {
        if (keyOf is not null)
        {
            _keys.Clear();
            keyOf.Encode(batch, _keys);
        }
        var rowBytes = batch.Columns.Length == 0 ? 1 : BytesOf(batch.Columns) / batch.Count + 1;
        var sliceRows = (int)Math.Clamp(limits.BlockBytes / rowBytes, 1, limits.BlockRows);
        while (!rows.IsEmpty)
        {
            var count = Math.Min(rows.Length, Math.Min(sliceRows, limits.BlockRows - _ordinals.Count));
            for (var i = 0; i < _columns.Length; i++) Append(_columns[i], i < batch.Columns.Length ? batch[i] : _keys, rows[..count]);
            ordinals[..count].CopyTo(_ordinals.AppendUninitialized(count));
            rows = rows[count..];
            ordinals = ordinals[count..];
            if (_ordinals.Count >= limits.BlockRows || UsedBytes >= limits.BlockBytes) Cluster();
        }
        if (_blockBytes >= limits.MemoryBytes) Spill();
    }

    /// <summary>Mostly the rows are neighbours, and are copied as ranges.</summary>
    private static void Append(Column target, Column source, ReadOnlySpan<int> rows)
    {
        var runs = 1;
        for (var i = 1; i < rows.Length; i++)
            if (rows[i] != rows[i - 1] + 1) runs++;
        if (runs * 8 > rows.Length)
        {
            target.AppendRows(source, rows);
            return;
        }
        for (var at = 0; at < rows.Length;)
        {
            var end = at + 1;
            while (end < rows.Length && rows[end] == rows[end - 1] + 1) end++;
            target.AppendRange(source, rows[at], end - at);
            at = end;
        }
    }

    private long UsedBytes => BytesOf(_columns);

    private static long BytesOf(ReadOnlySpan<Column> columns)
    {
        long bytes = 0;
        foreach (var column in columns) bytes += column.UsedBytes;
        return bytes;
    }

    private void Cluster()
    {
        if (_ordinals.Count == 0) return;
        var ordinals = _ordinals.Values;
        var order = SortRows(ordinals);
        var block = new RowBlock(layout, account);
        block.AppendOrdered(_columns, ordinals, order);
        _blocks.Add(new MemoryRun(block));
        _blockBytes += block.BufferBytes;
        foreach (var column in _columns) column.Clear();
        _ordinals.Clear();
    }

    /// <summary>The rows by ordinal, then by sort key, then as they came.</summary>
    private ReadOnlySpan<int> SortRows(ReadOnlySpan<int> ordinals)
    {
        var ordinalMax = 0;
        foreach (var ordinal in ordinals) ordinalMax = Math.Max(ordinalMax, ordinal);
        if (_counts.Length < ordinalMax + 1) _counts = new int[Math.Max(ordinalMax + 1, _counts.Length * 2)];
        if (_order.Length < ordinals.Length) _order = new int[Math.Max(ordinals.Length, limits.BlockRows)];
        var counts = _counts.AsSpan(0, ordinalMax + 1);
        var order = _order.AsSpan(0, ordinals.Length);
        counts.Clear();
        foreach (var ordinal in ordinals) counts[ordinal]++;
        var start = 0;
        foreach (ref var count in counts) (count, start) = (start, start + count);
        for (var row = 0; row < ordinals.Length; row++) order[counts[ordinals[row]]++] = row;
        if (keyOf is null) return order;
        var keys = (BytesColumn)_columns[^1];
        start = 0;
        foreach (var end in counts)
        {
            if (end - start > 1) order[start..end].Sort((left, right) => keys[left].SequenceCompareTo(keys[right]) is not 0 and var compared ? compared : left.CompareTo(right));
            start = end;
        }
        return order;
    }

    /// <summary>Makes memory free, where that is worth a write.</summary>
    public void Relieve()
    {
        if (_blockBytes + UsedBytes < limits.SpillBytesMin) return;
        Cluster();
        Spill();
    }

    /// <summary>Moves the blocks to scratch space as one run; many runs become one, so that few are read side by side.</summary>
    private void Spill()
    {
        using (var merge = new RowMerge(_blocks, layout.IsSorted)) _spilled.Add(SpilledRun.Write(merge, layout, account, scratch, limits.PageBytes));
        foreach (var block in _blocks) block.Dispose();
        _blocks.Clear();
        _blockBytes = 0;
        if (_spilled.Count < limits.RunsMax) return;
        SpilledRun merged;
        using (var merge = new RowMerge(_spilled, layout.IsSorted)) merged = SpilledRun.Write(merge, layout, account, scratch, limits.PageBytes);
        foreach (var run in _spilled) run.Dispose();
        _spilled.Clear();
        _spilled.Add(merged);
    }

    /// <summary>Hands all rows over, those that came first in front; the caller disposes the runs. Nothing is left.</summary>
    public List<RowRun> Take()
    {
        Cluster();
        List<RowRun> runs = [.. _spilled, .. _blocks];
        _spilled.Clear();
        _blocks.Clear();
        _blockBytes = 0;
        return runs;
    }

    public void Dispose()
    {
        foreach (var run in _spilled) run.Dispose();
        foreach (var block in _blocks) block.Dispose();
        foreach (var column in _columns) column.Dispose();
        _ordinals.Dispose();
        _keys.Dispose();
    }
}

/// <summary>How much of a lane's rows waits where.</summary>
/// <param name="MemoryBytes">Clustered rows that wait in memory; beyond, they go to scratch space.</param>
internal sealed record GatheringLimits(long MemoryBytes)
{
    /// <summary>Rows of a block: as many as stay in a processor's cache while they are clustered.</summary>
    public int BlockRows { get; init; } = 32 << 10;

    public long BlockBytes { get; init; } = Math.Clamp(MemoryBytes / 4, 4 << 10, 4 << 20);

    /// <summary>What is worth a run of its own where memory is scarce.</summary>
    public long SpillBytesMin { get; init; } = MemoryBytes / 8;

    /// <summary>Bytes of a page of a run: one page of each run is in memory while runs are merged.</summary>
    public int PageBytes { get; init; } = (int)Math.Clamp(MemoryBytes / 256, 4 << 10, 256 << 10);

    /// <summary>Runs of a lane in scratch space.</summary>
    public int RunsMax { get; init; } = 32;
}
