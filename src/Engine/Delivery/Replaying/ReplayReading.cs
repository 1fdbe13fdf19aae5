using System.Collections.Immutable;
using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Kafka;

namespace Matih.Delivery.Replaying;

/// <summary>
/// Reads ranges again, with the same lanes as everything else: one partition to a lane, as many at a time as the flow has
/// lanes, one range of each partition after the other.
/// </summary>
internal sealed class ReplayReading(FlowContext flow, IRecordSource source, FlowLanes lanes)
{
    private readonly BoundedReading _reading = new(lanes, flow.Environment);

    /// <summary>Files and books of all ranges. The files are durable, and nothing refers to them.</summary>
    /// <exception cref="PipelineException">A record is bad under <c>on_error: fail</c>, or the topic changed while it was read.</exception>
    /// <param name="known">The topic that the ranges are of.</param>
    public async ValueTask<ImmutableArray<LaneCheckpoint>> ReadAsync(ImmutableArray<ReplayedRange> ranges, SourceLedger known, CancellationToken cancellationToken)
    {
        var checkpoints = ImmutableArray.CreateBuilder<LaneCheckpoint>();
        var left = ranges.GroupBy(range => range.Partition).Select(group => new Queue<ReplayedRange>(group)).ToList();
        while (left.Count != 0)
        {
            var wave = left.Take(flow.Plan.Parallelism).Select(queue => queue.Dequeue()).ToImmutableArray();
            left.RemoveAll(queue => queue.Count == 0);
            checkpoints.AddRange(await ReadWaveAsync(wave, known, cancellationToken));
        }
        return checkpoints.ToImmutable();
    }

    private async ValueTask<ImmutableArray<LaneCheckpoint>> ReadWaveAsync(ImmutableArray<ReplayedRange> wave, SourceLedger known, CancellationToken cancellationToken)
    {
        var byPartition = wave.ToDictionary(range => range.Partition);
        var bounded = wave.Select(range => new BoundedRange(PartitionLedger.StartingAt(range.Partition, range.FromOffset, isEarliest: false), range.ToOffset)).ToList();
        try
        {
            var checkpoints = await _reading.ReadAsync(source, bounded, timeMax: null, cancellationToken);
            foreach (var checkpoint in checkpoints) await RequireAsync(checkpoint, byPartition, known, cancellationToken);
            return checkpoints;
        }
        catch (PositionOutOfRangeException gone)
        {
            throw PipelineException.Refused($"Records of topic '{flow.Plan.Topic}' went away while they were read again: {gone.Message}",
                "Nothing was changed. Replay only later commits, whose records Kafka still holds.", gone);
        }
    }

    private async ValueTask RequireAsync(LaneCheckpoint checkpoint, Dictionary<int, ReplayedRange> ranges, SourceLedger known, CancellationToken cancellationToken)
    {
        if (checkpoint.Rejected is { } rejected)
        {
            throw new PipelineException(FailureKind.RecordRejected,
                $"The record at offset {rejected.Offset} of partition {rejected.Partition} of topic '{flow.Plan.Topic}' was rejected: {rejected.Reason} Nothing was replayed; the table is as it was.",
                "Correct the SQL, or pass bad records over with on_error: skip, and replay again.");
        }
        var entry = checkpoint.Partitions.Single().Entry;
        var range = ranges[entry.Partition];
        if (entry.RecordCount < range.RecordCount) await new GapCheck(flow.Plan, source).RequireRealAsync([checkpoint], known, cancellationToken);
        if (entry.RecordCount != range.RecordCount) throw ReplayTopicCheck.OtherCount(flow.Plan, range, entry.RecordCount);
        if (entry.Last != range.Last)
        {
            throw PipelineException.Refused(
                $"The last record of offsets {range.FromOffset} to {range.ToOffset - 1} of partition {range.Partition} of topic '{flow.Plan.Topic}' changed while it was read again.",
                "Nothing was changed. The topic was created again under the replay; records that no longer exist cannot be replayed.");
        }
    }
}
