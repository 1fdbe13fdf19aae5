namespace Matih.Parquet.Writing;

/// <summary>
/// Rows of a leaf within groups, as Parquet stores them: an entry for each value, NULL, or empty list, with its levels, and the
/// places of the values in the leaf's batch column. Reused slice after slice.
/// </summary>
internal sealed class NestedSlice(BufferLedger ledger) : IDisposable
{
    private readonly PooledBuffer _definitions = new(ledger);
    private readonly PooledBuffer _repetitions = new(ledger);
    private int[] _present = [];
    private int _presentCount;
    private readonly int[] _entryStarts = new int[RowsMax + 1];
    private readonly int[] _presentStarts = new int[RowsMax + 1];

    /// <summary>Rows of one slice at most.</summary>
    public const int RowsMax = 256;

    public int RowCount { get; private set; }

    /// <summary>Entries so far.</summary>
    public int Length => _definitions.Length;

    public void Clear()
    {
        _definitions.Clear();
        _repetitions.Clear();
        _presentCount = 0;
        RowCount = 0;
    }

    public void EndRow()
    {
        RowCount++;
        _entryStarts[RowCount] = _definitions.Length;
        _presentStarts[RowCount] = _presentCount;
    }

    public void AddMissing(int repetition, int definition)
    {
        _repetitions.Reserve(1)[0] = (byte)repetition;
        _repetitions.Advance(1);
        _definitions.Reserve(1)[0] = (byte)definition;
        _definitions.Advance(1);
    }

    /// <param name="place">The value's place in the leaf's column.</param>
    public void AddValue(int repetition, int definition, int place)
    {
        AddMissing(repetition, definition);
        ledger.Grow(ref _present, _presentCount, _presentCount + 1);
        _present[_presentCount++] = place;
    }

    public ReadOnlySpan<byte> Definitions(int firstRow, int count) => _definitions.Written[_entryStarts[firstRow].._entryStarts[firstRow + count]];

    public ReadOnlySpan<byte> Repetitions(int firstRow, int count) => _repetitions.Written[_entryStarts[firstRow].._entryStarts[firstRow + count]];

    public ReadOnlySpan<int> Present(int firstRow, int count) => _present.AsSpan(_presentStarts[firstRow], PresentCount(firstRow, firstRow + count));

    public int EntryCount(int firstRow, int endRow) => _entryStarts[endRow] - _entryStarts[firstRow];

    public int PresentCount(int firstRow, int endRow) => _presentStarts[endRow] - _presentStarts[firstRow];

    public void Dispose()
    {
        _definitions.Dispose();
        _repetitions.Dispose();
        ledger.Return(ref _present);
    }
}
