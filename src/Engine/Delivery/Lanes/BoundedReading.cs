using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Opening;
using Matih.Kafka;
using Matih.Planning;

namespace Matih.Delivery.Lanes;

/// <summary>A range of one partition that is read by itself.</summary>
/// <param name="At">Where to begin, with what is known of the partition there.</param>
/// <param name="EndOffset">Where to stop, excluded.</param>
internal readonly record struct BoundedRange(PartitionLedger At, long EndOffset);

/// <summary>Reads ranges of several partitions side by side, with the same lanes as everything else, and ends with them.</summary>
internal sealed class BoundedReading(FlowPlan plan, FlowParts parts, EngineEnvironment environment, OpenedFlow opened)
{
    private long _generation;

    /// <summary>What the ranges hold, one checkpoint for each; less of them where the time was over first, or a record was bad.</summary>
    /// <param name="source">Not used for anything else meanwhile.</param>
    /// <param name="ranges">Of different partitions.</param>
    /// <param name="timeMax">How long to read at most; null reads to the end.</param>
    public async ValueTask<ImmutableArray<LaneCheckpoint>> ReadAsync(
        IRecordSource source, IReadOnlyCollection<BoundedRange> ranges, TimeSpan? timeMax, CancellationToken cancellationToken)
    {
        var byPartition = ranges.ToDictionary(range => range.At.Partition);
        var generation = ++_generation;
        var queues = await source.AssignAsync([.. ranges.Select(range => new PartitionPosition(range.At.Partition, range.At.NextOffset))], ranges.Count, generation, cancellationToken);
        var signal = new AsyncSignal();
        var activity = new ActivityClock(environment.Clock.GetTimestamp());
        using var lanesToken = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var lanes = new List<Lane>();
        var tasks = new List<Task>();
        try
        {
            foreach (var queue in queues)
            {
                var range = byPartition[queue.Partitions.Single()];
                var lane = new Lane(parts.CreateLaneParts(opened, RecordLimit.None(), signal, activity), queue, [range.At], generation, range.EndOffset);
                lanes.Add(lane);
                tasks.Add(environment.Tasks.Start($"range of partition {range.At.Partition} of {plan.Name}", lane.RunAsync, lanesToken.Token));
            }
            var ends = ranges.ToDictionary(range => range.At.Partition, range => range.EndOffset);
            await WaitAsync(lanes, ends, timeMax, signal, cancellationToken);
            return [.. await Task.WhenAll(lanes.Select(lane => lane.SealAsync(isLast: true))).WaitAsync(cancellationToken)];
        }
        finally
        {
            lanesToken.Cancel();
            foreach (var task in tasks) await EndAsync(task);
            foreach (var lane in lanes) await lane.DisposeAsync();
        }
    }

    private async ValueTask WaitAsync(
        List<Lane> lanes, Dictionary<int, long> ends, TimeSpan? timeMax, AsyncSignal signal, CancellationToken cancellationToken)
    {
        var startedAt = environment.Clock.GetTimestamp();
        while (!lanes.All(lane => lane.HasReached(ends)) && !lanes.Any(lane => lane.HasRejected || lane.Ended.IsCompleted))
        {
            var timeLeft = timeMax is { } limit ? limit - environment.Clock.GetElapsedTime(startedAt) : TimeSpan.FromMinutes(1);
            if (timeLeft <= TimeSpan.Zero) return;
            await signal.WaitAsync(timeLeft, environment.Clock, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private static async ValueTask EndAsync(Task task)
    {
        try
        {
            await task;
        }
        catch (OperationCanceledException)
        {
            // The lanes' token ended it.
        }
    }
}
