namespace Matih.Iceberg.Partitioning;

/// <summary>A batch's rows with their partitions.</summary>
/// <param name="groups">A number for each row: rows of equal numbers are of one partition, <see cref="PartitionRouter.KeyOf"/>.</param>
/// <param name="groupCount">One more than the highest number that there can be.</param>
/// <param name="epoch">As long as it stays the same, so does what the numbers mean, batch after batch.</param>
internal readonly ref struct RoutedBatch(ReadOnlySpan<int> groups, int groupCount, long epoch)
{
    public ReadOnlySpan<int> Groups { get; } = groups;
    public int GroupCount { get; } = groupCount;
    public long Epoch { get; } = epoch;
}
