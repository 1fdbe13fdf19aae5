using System.Collections.Immutable;
using Matih.Batches;
using Matih.Parquet;
using Matih.Storage;

namespace Matih.Delivery.Tables;

/// <summary>
/// Which column of the query goes into which column of the table, and how data files of the table are named and described.
/// Made at opening; where somebody changes the table's schema or partitioning later, the flow is opened again. Thread-safe.
/// </summary>
/// <param name="columns">The table's columns that the files hold; others of the table read as NULL.</param>
/// <param name="columnMap">For each of the columns the position of the query's column; beyond those, of the supplied one.</param>
/// <param name="supplied">Columns behind the query's, which all rows have the same value of.</param>
internal abstract class TableBinding(ImmutableArray<ParquetColumn> columns, ImmutableArray<int> columnMap, ImmutableArray<SuppliedColumn> supplied)
{
    public ImmutableArray<ParquetColumn> Columns { get; } = columns;

    public ImmutableArray<int> ColumnMap { get; } = columnMap;

    public ImmutableArray<SuppliedColumn> Supplied { get; } = supplied;

    /// <summary>The query's rows with the supplied columns.</summary>
    public RowType Extend(RowType rows) => Supplied.IsEmpty ? rows : new([.. rows.Fields, .. Supplied.Select(column => column.Field)]);

    /// <summary>The columns of a file written through this binding, as they are read back.</summary>
    public RowType StoredRows => new([.. Columns.Select(column => new Field(column.Name, column.Type.ReadAs))]);

    /// <summary>The binding for rows that were read back from such a file.</summary>
    public abstract TableBinding OfStoredRows();

    /// <summary>What files are written for, as one text: only files of the same shape can be committed together.</summary>
    public abstract string Shape { get; }

    /// <summary>Whether files that are written through this binding are what the table, as it stands, asks for.</summary>
    public bool Fits(ITableVersion table) => FindChange(table) is null;

    /// <summary>
    /// What somebody has changed in the table since, so that files must be written again: a column that was dropped and added
    /// again is another column, and what was written under the old one would read as NULL. Null where nothing has changed.
    /// </summary>
    public abstract string? FindChange(ITableVersion table);

    /// <exception cref="UnsupportedTableException">A partition cannot be computed for these rows.</exception>
    public abstract IRowRouter CreateRouter(RowType rows);

    /// <summary>The order of rows within a file; null where they need none.</summary>
    public abstract ISortKeys? CreateSortKeys(RowType rows);

    /// <summary>Where the next data file of a table partition will be: a name that nobody has used.</summary>
    public abstract string NewLocation(TablePartition partition, IIdSource ids);

    /// <param name="isSorted">Whether the file's rows are in the order of <see cref="CreateSortKeys"/>.</param>
    public abstract WrittenFile Describe(string location, TablePartition partition, ParquetFileSummary summary, bool isSorted);
}
