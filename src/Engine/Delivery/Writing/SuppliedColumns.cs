using System.Collections.Immutable;
using Matih.Batches;
using Matih.Delivery.Tables;

namespace Matih.Delivery.Writing;

/// <summary>The rows of one lane with the columns behind them that the query does not give. Not thread-safe; a batch is valid until the next.</summary>
/// <param name="rows">The rows with those columns.</param>
internal sealed class SuppliedColumns(RowType rows, ImmutableArray<SuppliedColumn> supplied, MemoryAccount memory) : IDisposable
{
    private readonly Column[] _columns = [.. supplied.Select(column => Column.Create(column.Field.Type, memory))];

    public ColumnBatch Extend(ColumnBatch batch)
    {
        if (supplied.IsEmpty) return batch;
        for (var i = 0; i < _columns.Length; i++)
        {
            if (_columns[i].Count > batch.Count) _columns[i].Truncate(batch.Count);
            while (_columns[i].Count < batch.Count) supplied[i].Append(_columns[i]);
        }
        return new ColumnBatch(rows, [.. batch.Columns, .. _columns], batch.Count);
    }

    public void Dispose()
    {
        foreach (var column in _columns) column.Dispose();
    }
}
