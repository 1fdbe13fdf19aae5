namespace Matih.Batches;

/// <summary>Why a source record cannot become a row.</summary>
/// <param name="Row">Index of the record in its <see cref="RawBatch"/>.</param>
/// <param name="Reason">What failed, on which field, expected against found; without the record's content beyond a short excerpt.</param>
/// <param name="Kind">The same without anything of the single record, so that records with one fault have one kind.</param>
public readonly record struct RowError(int Row, string Reason, string Kind);

/// <summary>
/// The fate of the rows of one batch on their way from raw record to output row: rejected with a reason, dropped
/// (a tombstone, a row that no WHERE keeps is not listed here), or excluded by the caller beforehand. Cleared and reused.
/// </summary>
public sealed class RowErrors
{
    private readonly List<RowError> _errors = [];
    private byte[] _left = [];
    private int _count;

    public IReadOnlyList<RowError> Errors => _errors;

    /// <summary>Number of rows that yield nothing although no error speaks of them: see <see cref="Drop"/>.</summary>
    public int DroppedCount { get; private set; }

    /// <summary>Whether any row is left out, for whatever reason.</summary>
    public bool IsAnyLeftOut => _errors.Count != 0 || DroppedCount != 0 || ExcludedCount != 0;

    /// <summary>Number of rows that the caller excluded.</summary>
    public int ExcludedCount { get; private set; }

    /// <summary>Forgets everything and prepares for a batch of that many rows.</summary>
    public void Clear(int rowCount)
    {
        _errors.Clear();
        DroppedCount = 0;
        ExcludedCount = 0;
        _count = rowCount;
        if (_left.Length < rowCount) _left = new byte[Math.Max(rowCount, _left.Length * 2)];
        else _left.AsSpan(0, rowCount).Clear();
    }

    /// <summary>Rejects a row; only the first reason for a row is kept.</summary>
    /// <param name="kind">What other records with the same fault have in common; null where the reason is that.</param>
    public void Reject(int row, string reason, string? kind = null)
    {
        if (_left[row] != 0) return;
        _left[row] = 1;
        _errors.Add(new RowError(row, reason, kind ?? reason));
    }

    /// <summary>Puts the errors into the order of the rows; a step of the way rejects rows as it meets them.</summary>
    public void Sort() => _errors.Sort(static (left, right) => left.Row.CompareTo(right.Row));

    /// <summary>Leaves a row out by declared rule, without error (a tombstone in a JSON topic); it counts as filtered.</summary>
    public void Drop(int row)
    {
        if (_left[row] != 0) return;
        _left[row] = 1;
        DroppedCount++;
    }

    /// <summary>Leaves a row out because the caller does not want it processed at all.</summary>
    public void Exclude(int row)
    {
        if (_left[row] != 0) return;
        _left[row] = 1;
        ExcludedCount++;
    }

    public bool IsLeftOut(int row) => _left[row] != 0;

    /// <summary>One byte a row, 1 = left out.</summary>
    public ReadOnlySpan<byte> LeftOut => _left.AsSpan(0, _count);
}
