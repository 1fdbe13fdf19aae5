namespace Matih.Batches;

/// <summary>
/// Columns of equal length with their row type. A view: the columns belong to the component that produced the batch, and
/// stay valid until its next call. Whoever needs the values longer copies them.
/// </summary>
public sealed class ColumnBatch
{
    private readonly Column[] _columns;

    public ColumnBatch(RowType type, Column[] columns, int count)
    {
        if (type.Count != columns.Length) throw new ArgumentException($"{Quantity.Of(type.Count, "field")} but {Quantity.Of(columns.Length, "column")}.", nameof(columns));
        Type = type;
        _columns = columns;
        Count = count;
    }

    public RowType Type { get; }

    /// <summary>Number of rows; every column has as many.</summary>
    public int Count { get; }

    public ReadOnlySpan<Column> Columns => _columns;

    public Column this[int index] => _columns[index];
}
