using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Kafka;

namespace Matih.Delivery.Lanes;

/// <summary>A range of one partition that is read by itself.</summary>
/// <param name="At">Where to begin, with what is known of the partition there.</param>
/// <param name="EndOffset">Where to stop, excluded.</param>
internal readonly record struct BoundedRange(PartitionLedger At, long EndOffset);

/// <summary>Reads ranges of several partitions side by side, with the same lanes as everything else, and ends with them.</summary>
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
        await using var group = new LaneGroup(environment, cancellationToken);
        foreach (var queue in queues)
        {
            var range = byPartition[queue.Partitions.Single()];
            group.Start($"range of partition {range.At.Partition} of {lanes.Flow}", lanes.Create([range.At], endOffset: range.EndOffset), queue, assignment, polling);
        }
        await WaitAsync(group, ranges.ToDictionary(range => range.At.Partition, range => range.EndOffset), timeMax, polling.Signal, cancellationToken);
        return [.. await group.SealAsync(isLast: true, cancellationToken)];
    }

    private async ValueTask WaitAsync(LaneGroup group, Dictionary<int, long> ends, TimeSpan? timeMax, AsyncSignal signal, CancellationToken cancellationToken)
    {
        var startedAt = environment.Clock.GetTimestamp();
        while (!group.Readers.All(reader => reader.Lane.HasReached(ends)) && !group.Readers.Any(reader => reader.Lane.HasRejected || reader.Ended.IsCompleted))
        {
            var timeLeft = timeMax is { } limit ? limit - environment.Clock.GetElapsedTime(startedAt) : TimeSpan.FromMinutes(1);
            if (timeLeft <= TimeSpan.Zero) return;
            await signal.WaitAsync(timeLeft, environment.Clock, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }
}
