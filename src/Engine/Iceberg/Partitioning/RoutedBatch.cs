namespace Matih.Iceberg.Partitioning;

/// <summary>The rows of one batch that go to one partition.</summary>
/// <param name="key">The partition; the same object batch after batch while the router remembers it.</param>
/// <param name="rows">Their indices, ascending; empty where <paramref name="isAllRows"/>.</param>
/// <param name="isAllRows">Whether these are all rows of the batch, so that no index is needed.</param>
public readonly ref struct RoutedRows(PartitionKey key, ReadOnlySpan<int> rows, bool isAllRows)
{
    public PartitionKey Key { get; } = key;
    public ReadOnlySpan<int> Rows { get; } = rows;
    public bool IsAllRows { get; } = isAllRows;
}

/// <summary>A batch divided by partition. Its buffers belong to the router and are valid until the next <see cref="PartitionRouter.Route"/>.</summary>
public sealed class RoutedBatch
{
    private int[] _rows = [];
    private int[] _counts = [];
    private int[] _starts = [];
    private PartitionKey[] _keys = [];
    private int[] _groups = [];
    private bool _isAllRows;

    /// <summary>Number of partitions that the batch has rows of; 0 for an empty batch.</summary>
    public int Count { get; private set; }

    /// <summary>Partitions in the order of their first row.</summary>
    public RoutedRows this[int index] => _isAllRows
        ? new(_keys[0], default, true)
        : new(_keys[index], _rows.AsSpan(_starts[index], _starts[index + 1] - _starts[index]), false);

    public Enumerator GetEnumerator() => new(this);

    /// <summary>Walks the partitions of a batch.</summary>
    public ref struct Enumerator(RoutedBatch batch)
    {
        private int _index = -1;
        public readonly RoutedRows Current => batch[_index];
        public bool MoveNext() => ++_index < batch.Count;
    }

    internal void SetAll(PartitionKey key, int rowCount)
    {
        Reserve(ref _keys, 1);
        _keys[0] = key;
        _isAllRows = true;
        Count = rowCount == 0 ? 0 : 1;
    }

    /// <param name="groups">The group of each row.</param>
    /// <param name="groupCount">One more than the highest group that there can be.</param>
    internal void Set(ReadOnlySpan<int> groups, int groupCount, Func<int, PartitionKey> keyOf)
    {
        Reserve(ref _counts, groupCount);
        Reserve(ref _rows, groups.Length);
        var counts = _counts;
        Count = 0;
        foreach (var group in groups)
        {
            if (counts[group]++ != 0) continue;
            Reserve(ref _groups, Count + 1);
            _groups[Count++] = group;
        }
        _isAllRows = Count == 1;
        Reserve(ref _starts, Count + 1);
        Reserve(ref _keys, Count);
        var start = 0;
        for (var i = 0; i < Count; i++)
        {
            _keys[i] = keyOf(_groups[i]);
            _starts[i] = start;
            start += counts[_groups[i]];
            // From here on the count says where the group's next row goes.
            counts[_groups[i]] = _starts[i];
        }
        _starts[Count] = start;
        if (!_isAllRows)
        {
            var rows = _rows;
            for (var row = 0; row < groups.Length; row++) rows[counts[groups[row]]++] = row;
        }
        for (var i = 0; i < Count; i++) counts[_groups[i]] = 0;
    }

    private static void Reserve<T>(ref T[] buffer, int length)
    {
        if (buffer.Length < length) Array.Resize(ref buffer, Math.Max(length, Math.Max(16, buffer.Length * 2)));
    }
}
