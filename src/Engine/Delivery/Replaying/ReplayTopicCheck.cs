using Matih.Delivery.Ledgers;
using Matih.Delivery.Topics;
using Matih.Kafka;
using Matih.Planning;

namespace Matih.Delivery.Replaying;

/// <summary>Whether Kafka still holds the records that commits once read: the same topic, and every one of them.</summary>
internal sealed class ReplayTopicCheck(FlowPlan plan, ITopic source)
{
    private const string LaterCommits = "Nothing was changed. Replay only later commits, whose records Kafka still holds; matih table snapshots lists them.";

    /// <exception cref="PipelineException">It does not.</exception>
    public async ValueTask RequireAllAsync(ReplaySelection selection, CancellationToken cancellationToken)
    {
        var topic = await source.IdentifyAsync(cancellationToken);
        foreach (var known in selection.Sources) RequireSameTopic(known, topic);
        int[] partitions = [.. selection.Ranges.Select(range => range.Partition).Distinct()];
        if (partitions.Where(partition => partition >= topic.PartitionCount).ToArray() is [var missing, ..])
        {
            if (selection.Sources.All(known => known.TopicId is not null && known.TopicId == topic.TopicId)) throw TopicContinuity.StaleMetadata(plan.Topic, topic, missing);
            throw Other($"topic '{plan.Topic}' has {Quantity.Of(topic.PartitionCount, "partition")}, and records of partition {missing} are to be replayed");
        }

        var held = partitions.Zip(await source.RangesAsync(partitions, cancellationToken)).ToDictionary(pair => pair.First, pair => pair.Second);
        foreach (var range in selection.Ranges) await RequireWithinAsync(range, held[range.Partition], cancellationToken);
        foreach (var range in selection.Ranges) await RequireSameRecordsAsync(range, cancellationToken);
    }

    private void RequireSameTopic(SourceLedger known, TopicIdentity now)
    {
        switch (known.CompareWith(now))
        {
            case TopicMatch.OtherCluster:
                throw Other($"they came from Kafka cluster {known.ClusterId}, and the connection leads to cluster {now.ClusterId}");
            case TopicMatch.CreatedAgain:
                throw Other($"topic '{plan.Topic}' was deleted and created again since: its id was {known.TopicId} and is {now.TopicId} now");
        }
    }

    private async ValueTask RequireWithinAsync(ReplayedRange range, OffsetRange held, CancellationToken cancellationToken)
    {
        if (held.LogStart > range.FromOffset)
        {
            throw PipelineException.Refused(
                $"Partition {range.Partition} of topic '{plan.Topic}' begins at offset {held.LogStart} now; offsets {range.FromOffset} to {Math.Min(held.LogStart, range.ToOffset) - 1}, which are to be replayed, are gone (retention, or deleted records).",
                LaterCommits);
        }
        if (held.End >= range.ToOffset) return;
        var logEnd = (await source.LogEndsAsync([range.Partition], cancellationToken))[0];
        if (logEnd < range.ToOffset)
            throw Other($"partition {range.Partition} of topic '{plan.Topic}' ends at offset {logEnd}, and offsets up to {range.ToOffset - 1} are to be replayed");
        throw PipelineException.Refused(
            $"Offsets up to {range.ToOffset - 1} of partition {range.Partition} of topic '{plan.Topic}' are to be replayed, but a transaction is open there from offset {held.End} on, and what follows cannot be read with isolation level {plan.IsolationLevel}.",
            "Nothing was changed. Replay again when the transaction has ended, or with the isolation level that the records were read with.");
    }

    private async ValueTask RequireSameRecordsAsync(ReplayedRange range, CancellationToken cancellationToken)
    {
        var found = await source.ProbeAsync(range.Partition, range.Last.Offset, cancellationToken);
        if (range.Last.CompareWith(found) == RecordMatch.Other)
        {
            throw Other($"the record at offset {range.Last.Offset} of partition {range.Partition} of topic '{plan.Topic}' is another one (expected timestamp {range.Last.TimestampMillis} and CRC-32C {range.Last.Crc32C:x8}, found {found!.TimestampMillis} and {found.Crc32C:x8})");
        }
        var count = await source.CountAsync(range.Partition, range.FromOffset, range.ToOffset, cancellationToken);
        if (count != range.RecordCount) throw OtherCount(plan, range, count);
    }

    public static PipelineException OtherCount(FlowPlan plan, ReplayedRange range, long count) => PipelineException.Refused(
        $"Offsets {range.FromOffset} to {range.ToOffset - 1} of partition {range.Partition} of topic '{plan.Topic}' held {Quantity.Of(range.RecordCount, "record")} when they were committed, and hold {Quantity.Count(count)} now (compaction, deleted records, or another isolation level).",
        LaterCommits);

    private PipelineException Other(string what) => PipelineException.Refused(
        $"The records of {plan.Name} cannot be replayed: {what}.", "Nothing was changed. Connect to the cluster and topic that the commits were read from; records that no longer exist cannot be replayed.");
}
