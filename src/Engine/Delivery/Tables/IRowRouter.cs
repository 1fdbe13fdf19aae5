using Matih.Batches;

namespace Matih.Delivery.Tables;

/// <summary>Divides batches by table partition. Not thread-safe.</summary>
internal interface IRowRouter
{
    /// <summary>The number of each row's partition. They belong to the router, and are valid until the next call.</summary>
    RoutedRows Route(ColumnBatch rows);

    /// <summary>The partition of a number of the last batch.</summary>
    TablePartition PartitionOf(int number);
}

/// <summary>A batch's rows with the numbers of their partitions.</summary>
/// <param name="numbers">A number for each row: rows of equal numbers are of one partition.</param>
/// <param name="count">One more than the highest number that there can be.</param>
/// <param name="epoch">As long as it stays the same, so does what the numbers mean, batch after batch.</param>
internal readonly ref struct RoutedRows(ReadOnlySpan<int> numbers, int count, long epoch)
{
    public ReadOnlySpan<int> Numbers { get; } = numbers;

    public int Count { get; } = count;

    public long Epoch { get; } = epoch;
}

/// <summary>Turns the table's order of rows into bytes: of two rows the one with the smaller bytes comes first. Not thread-safe.</summary>
internal interface ISortKeys
{
    /// <summary>Appends the key of each row of the batch.</summary>
    void Encode(ColumnBatch batch, BytesColumn keys);
}
