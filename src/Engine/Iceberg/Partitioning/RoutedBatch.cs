namespace Matih.Iceberg.Partitioning;

/// <summary>A batch's rows with their partitions.</summary>
/// <param name="groups">A number for each row: rows of equal numbers are of one partition.</param>
/// <param name="groupCount">One more than the highest number that there can be.</param>
/// <param name="epoch">As long as it stays the same, so does what the numbers mean, batch after batch.</param>
public readonly ref struct RoutedBatch(ReadOnlySpan<int> groups, int groupCount, long epoch, Func<int, PartitionKey> keyOf)
{
    public ReadOnlySpan<int> Groups { get; } = groups;
    public int GroupCount { get; } = groupCount;
    public long Epoch { get; } = epoch;

    /// <summary>The partition of a number; the same object each time within an epoch.</summary>
    public PartitionKey KeyOf(int group) => keyOf(group);
}
