using Matih.Batches;

namespace Matih.Sql.Kernels;

/// <summary>
/// A set of rows over which expressions are evaluated densely: row i of every result belongs to the frame's row i. The
/// root holds the batch's rows that are not left out; WHERE and the branches of CASE, AND and OR have frames of the rows
/// that reach them. Refilled batch after batch.
/// </summary>
internal sealed class Frame : IDisposable
{
    private readonly QueryContext _context;
    private readonly FixedColumn<int> _rows;
    private readonly FixedColumn<int> _inputRows;
    private readonly List<(Column? Column, long Version)> _gathered = [];
    private bool _isWholeInput;

    public Frame(QueryContext context, Frame? parent)
    {
        _context = context;
        Parent = parent;
        _rows = new FixedColumn<int>(new DataType.Int(), context.Account);
        _inputRows = new FixedColumn<int>(new DataType.Int(), context.Account);
    }

    public Frame? Parent { get; }

    public int Count { get; private set; }

    /// <summary>Changes with every filling: results of another version are stale.</summary>
    public long Version { get; private set; } = -1;

    /// <summary>Whether the rows are exactly the parent's.</summary>
    public bool IsWholeParent { get; private set; }

    /// <summary>The rows' positions in the parent; empty where <see cref="IsWholeParent"/>.</summary>
    public ReadOnlySpan<int> RowsInParent => _rows.Values;

    /// <summary>Starts filling: forgets the rows, which <see cref="Add"/> then gives again.</summary>
    public void Begin() => _rows.Clear();

    public void Add(int rowInParent) => _rows.Append(rowInParent);

    /// <summary>Ends filling; a root's parent is the batch.</summary>
    public void End(int parentCount)
    {
        if (_rows.Count == parentCount) FillWhole(parentCount);
        else EndRepeated();
    }

    /// <summary>Ends filling where a row of the parent may stand here several times.</summary>
    public void EndRepeated()
    {
        Version = _context.NextVersion();
        Count = _rows.Count;
        IsWholeParent = _isWholeInput = false;
        _inputRows.Clear();
        var inputRows = _inputRows.AppendUninitialized(Count);
        var rows = _rows.Values;
        if (Parent is null || Parent._isWholeInput)
        {
            rows.CopyTo(inputRows);
            return;
        }
        var parentRows = Parent._inputRows.Values;
        for (var i = 0; i < inputRows.Length; i++) inputRows[i] = parentRows[rows[i]];
    }

    /// <summary>Fills the frame with all of its parent's (or the batch's) rows.</summary>
    public void FillWhole(int parentCount)
    {
        Version = _context.NextVersion();
        Count = parentCount;
        IsWholeParent = true;
        _isWholeInput = Parent is null || Parent._isWholeInput;
        _inputRows.Clear();
        if (!_isWholeInput) _inputRows.AppendRange(Parent!._inputRows, 0, parentCount);
    }

    /// <summary>The position of a row in the batch.</summary>
    public int InputRow(int row) => _isWholeInput ? row : _inputRows.Values[row];

    /// <param name="kind">The reason without anything of the single row; null where only quoted texts and numbers in it are of the row.</param>
    public void Reject(int row, string reason, string? kind = null) => _context.Errors.Reject(InputRow(row), reason, kind ?? ReasonKind.Of(reason));

    /// <summary>A column of the batch at the frame's rows: the column itself where they are all.</summary>
    public Column Input(int index)
    {
        var column = _context.Batch![index];
        if (_isWholeInput) return column;
        while (_gathered.Count <= index) _gathered.Add((null, -1));
        var (gathered, version) = _gathered[index];
        if (gathered is not null && version == Version) return gathered;
        gathered ??= Column.Create(column.Type, _context.Account);
        gathered.Clear();
        gathered.AppendRows(column, _inputRows.Values);
        _gathered[index] = (gathered, Version);
        return gathered;
    }

    public void Dispose()
    {
        _rows.Dispose();
        _inputRows.Dispose();
        foreach (var (column, _) in _gathered) column?.Dispose();
        _gathered.Clear();
    }
}
