using Matih.Batches;

namespace Matih.Maintenance.Compaction;

/// <summary>
/// Fills in the ids and ages that rows of a file have, so that they keep them in a new file. Not thread-safe; a batch is valid
/// until the next.
/// </summary>
/// <remarks>Source: Apache Iceberg table spec, "Row lineage assignment".</remarks>
internal sealed class RowLineage(MemoryAccount memory) : IDisposable
{
    private readonly FixedColumn<long> _ids = new(new DataType.BigInt(), memory);
    private readonly FixedColumn<long> _updates = new(new DataType.BigInt(), memory);

    /// <param name="batch">Rows of the file whose last two columns are <c>_row_id</c> and <c>_last_updated_sequence_number</c>, as the file has them.</param>
    /// <param name="firstRow">The position in the file of the batch's first row.</param>
    public ColumnBatch Fill(ColumnBatch batch, CompactableFile file, long firstRow)
    {
        Fill(_ids, (FixedColumn<long>)batch.Columns[^2], file.FirstRowId + firstRow, step: 1);
        Fill(_updates, (FixedColumn<long>)batch.Columns[^1], file.FirstRowId is null ? null : file.SequenceNumber, step: 0);
        return new ColumnBatch(batch.Type, [.. batch.Columns[..^2], _ids, _updates], batch.Count);
    }

    /// <param name="first">The value of the first row that has none; null in a file that no snapshot has given ids, whose rows have none.</param>
    private static void Fill(FixedColumn<long> target, FixedColumn<long> stored, long? first, int step)
    {
        target.Clear();
        for (var row = 0; row < stored.Count; row++)
        {
            if (first is not { } value) target.AppendNull();
            else target.Append(stored.IsNull(row) ? value + step * row : stored.Values[row]);
        }
    }

    public void Dispose()
    {
        _ids.Dispose();
        _updates.Dispose();
    }
}
