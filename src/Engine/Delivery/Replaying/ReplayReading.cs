using System.Collections.Immutable;
using Matih.Kafka;

namespace Matih.Delivery;

/// <summary>
/// Reads ranges again, with the same lanes as everything else: one partition to a lane, as many at a time as the flow has
/// lanes, one range of each partition after the other.
/// </summary>
internal sealed class ReplayReading(FlowPlan plan, FlowParts parts, EngineEnvironment environment, OpenedFlow opened)
{
    /// <summary>Files and books of all ranges. The files are durable, and nothing refers to them.</summary>
    /// <exception cref="PipelineException">A record is bad under <c>on_error: fail</c>, or the topic changed while it was read.</exception>
    public async ValueTask<ImmutableArray<LaneCheckpoint>> ReadAsync(ImmutableArray<ReplayedRange> ranges, CancellationToken cancellationToken)
    {
        var checkpoints = ImmutableArray.CreateBuilder<LaneCheckpoint>();
        var left = ranges.GroupBy(range => range.Partition).Select(group => new Queue<ReplayedRange>(group)).ToList();
        for (var generation = 1; left.Count != 0; generation++)
        {
            var wave = left.Take(plan.Parallelism).Select(queue => queue.Dequeue()).ToImmutableArray();
            left.RemoveAll(queue => queue.Count == 0);
            checkpoints.AddRange(await ReadWaveAsync(wave, generation, cancellationToken));
        }
        return checkpoints.ToImmutable();
    }

    private async ValueTask<ImmutableArray<LaneCheckpoint>> ReadWaveAsync(ImmutableArray<ReplayedRange> wave, long generation, CancellationToken cancellationToken)
    {
        var byPartition = wave.ToDictionary(range => range.Partition);
        var queues = await parts.Source.AssignAsync([.. wave.Select(range => new PartitionPosition(range.Partition, range.FromOffset))], wave.Length, generation, cancellationToken);
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
                var lane = new Lane(
                    parts.CreateLaneParts(opened, RecordLimit.None(), signal, activity), queue,
                    [PartitionLedger.StartingAt(range.Partition, range.FromOffset, isEarliest: false)], generation, range.ToOffset);
                lanes.Add(lane);
                tasks.Add(environment.Tasks.Start($"replay of partition {range.Partition} of {plan.Name}", lane.RunAsync, lanesToken.Token));
            }
            var ends = wave.ToDictionary(range => range.Partition, range => range.ToOffset);
            await WaitAsync(lanes, ends, signal, cancellationToken);
            var checkpoints = await Task.WhenAll(lanes.Select(lane => lane.SealAsync(isLast: true))).WaitAsync(cancellationToken);
            foreach (var checkpoint in checkpoints) await RequireAsync(checkpoint, byPartition, cancellationToken);
            return [.. checkpoints];
        }
        catch (PositionOutOfRangeException gone)
        {
            throw PipelineException.Refused($"Records of topic '{plan.Topic}' went away while they were read again: {gone.Message}",
                "Nothing was changed. Replay only later commits, whose records Kafka still holds.", gone);
        }
        finally
        {
            lanesToken.Cancel();
            foreach (var task in tasks) await EndAsync(task);
            foreach (var lane in lanes) await lane.DisposeAsync();
        }
    }

    private static async ValueTask WaitAsync(List<Lane> lanes, IReadOnlyDictionary<int, long> ends, AsyncSignal signal, CancellationToken cancellationToken)
    {
        while (!lanes.All(lane => lane.HasReached(ends)))
        {
            foreach (var lane in lanes)
                if (lane.Ended.IsFaulted) await lane.Ended;
            if (lanes.Any(lane => lane.HasRejected)) return;
            await signal.WaitAsync(cancellationToken);
        }
    }

    private async ValueTask RequireAsync(LaneCheckpoint checkpoint, Dictionary<int, ReplayedRange> ranges, CancellationToken cancellationToken)
    {
        if (checkpoint.Rejected is { } rejected)
        {
            throw new PipelineException(FailureKind.RecordRejected,
                $"The record at offset {rejected.Offset} of partition {rejected.Partition} of topic '{plan.Topic}' was rejected: {rejected.Reason} Nothing was replayed; the table is as it was.",
                "Mend the SQL, or pass bad records over with on_error: skip, and replay again.");
        }
        var entry = checkpoint.Partitions.Single().Entry;
        var range = ranges[entry.Partition];
        if (entry.RecordCount < range.RecordCount) await new HoleCheck(plan, parts).RequireRealAsync([checkpoint], cancellationToken);
        if (entry.RecordCount != range.RecordCount) throw ReplayTopicCheck.OtherCount(plan, range, entry.RecordCount);
        if (entry.Last != range.Last)
        {
            throw PipelineException.Refused(
                $"The last record of offsets {range.FromOffset} to {range.ToOffset - 1} of partition {range.Partition} of topic '{plan.Topic}' changed while it was read again.",
                "Nothing was changed. The topic was created anew under the replay; records that no longer exist cannot be replayed.");
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
