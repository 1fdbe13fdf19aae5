using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Kafka;

namespace Matih.Delivery.Lanes;

/// <summary>A range of one partition that is read by itself.</summary>
/// <param name="At">Where to begin, with what is known of the partition there.</param>
/// <param name="EndOffset">Where to stop, excluded.</param>
internal readonly record struct BoundedRange(PartitionLedger At, long EndOffset);

/// <summary>
/// Reads ranges of several partitions, with the same lanes as everything else: one range in the caller's own time, several
/// side by side.
/// </summary>
internal sealed class BoundedReading(FlowLanes lanes, EngineEnvironment environment)
{
    private long _assignment;

    /// <summary>What the ranges hold, one checkpoint for each; less of them where the time was over first, or a record was bad.</summary>
    /// <param name="source">Not used for anything else meanwhile.</param>
    /// <param name="ranges">Of different partitions.</param>
    /// <param name="timeMax">How long to read at most; null reads to the end.</param>
    public async ValueTask<ImmutableArray<LaneCheckpoint>> ReadAsync(
        IRecordReader source, IReadOnlyCollection<BoundedRange> ranges, TimeSpan? timeMax, CancellationToken cancellationToken)
    {
        var byPartition = ranges.ToDictionary(range => range.At.Partition);
        var assignment = ++_assignment;
        var queues = await source.AssignAsync([.. ranges.Select(range => new PartitionPosition(range.At.Partition, range.At.NextOffset))], ranges.Count, assignment, cancellationToken);
        var polling = lanes.CreatePolling(RecordLimit.None());
        var checkpoints = new LaneCheckpoint[queues.Count];
        if (queues.Count == 1) await ReadQueueAsync(0, cancellationToken);
        else await environment.Tasks.RunAsync(queues.Select((queue, index) =>
            ($"range of partition {queue.Partitions.Single()} of {lanes.Flow}", (Func<CancellationToken, Task>)(token => ReadQueueAsync(index, token)))), cancellationToken);
        return [.. checkpoints];

        async Task ReadQueueAsync(int index, CancellationToken token)
        {
            var range = byPartition[queues[index].Partitions.Single()];
            await using var reader = new LaneReader(lanes.Create([range.At], endOffset: range.EndOffset), queues[index], assignment, polling);
            checkpoints[index] = await reader.ReadToAsync(new Dictionary<int, long> { [range.At.Partition] = range.EndOffset }, timeMax, token);
        }
    }
}
