using System.Collections.Immutable;
using Matih.Definition;
using Matih.Delivery.Ledgers;
using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Delivery.Topics;

/// <summary>
/// Is it still the same topic, and does it still hold what the table needs next? Cluster id, topic id and the fingerprint of
/// the last record answer the first; log start and end the second. docs/delivery.md, "Is it the same topic".
/// </summary>
internal sealed class TopicContinuity(FlowContext flow, ITopic source)
{
    /// <summary>Brokers learn of new partitions within a second or so; the second look is well behind that.</summary>
    private static readonly TimeSpan SecondLookAfter = TimeSpan.FromSeconds(5);

    /// <summary>For those who do not wait inside: when a look first saw fewer partitions than the ledger has; null where the last one saw them all.</summary>
    private long? _fewerSince;

    /// <summary>The positions to go on from: those of the ledger, moved past lost ranges where that was chosen, and new partitions.</summary>
    public async ValueTask<ContinuedPositions> CheckAsync(SourceLedger ledger, CancellationToken cancellationToken)
    {
        var topic = await IdentifyAsync(ledger, cancellationToken);
        int[] partitions = [.. Enumerable.Range(0, topic.PartitionCount)];
        var ranges = await source.RangesAsync(partitions, cancellationToken);
        var entries = ImmutableArray.CreateBuilder<PartitionLedger>();
        var lost = ImmutableArray.CreateBuilder<LostRange>();
        foreach (var partition in partitions)
        {
            var entry = ledger.Find(partition);
            if (entry is null)
            {
                // A partition that appeared since then is read from its beginning, whatever start_offset says: its records are new.
                flow.Log.Information("partition-added", $"Partition {partition} of topic '{source.Topic}' is new; it is read from its log start, offset {ranges[partition].LogStart}.",
                    ("topic", source.Topic), ("partition", partition), ("offset", ranges[partition].LogStart));
                entries.Add(PartitionLedger.StartingAt(partition, ranges[partition].LogStart, isEarliest: true));
                continue;
            }
            entries.Add(await ContinueAsync(ledger, entry, ranges[partition], lost, cancellationToken));
        }
        return new ContinuedPositions(
            ledger with { Partitions = entries.ToImmutable(), TopicId = ledger.TopicId ?? topic.TopicId, ClusterId = ledger.ClusterId ?? topic.ClusterId },
            lost.ToImmutable());
    }

    /// <summary>
    /// The same topic, with every partition that the ledger holds. Partitions are never removed: where the topic has fewer,
    /// it was created again, or the broker that answered has stale metadata. The topic's id decides; where it is unknown, a
    /// second look some seconds later does.
    /// </summary>
    private async ValueTask<TopicIdentity> IdentifyAsync(SourceLedger ledger, CancellationToken cancellationToken)
    {
        for (var hasWaited = false; ; hasWaited = true)
        {
            var topic = await source.IdentifyAsync(cancellationToken);
            RequireSameName(ledger);
            switch (ledger.CompareWith(topic))
            {
                case TopicMatch.Same:
                    _fewerSince = null;
                    return topic;
                case TopicMatch.OtherCluster:
                    throw PipelineException.Refused(
                        $"Source '{ledger.Name}' read topic '{source.Topic}' of Kafka cluster {ledger.ClusterId} so far; the connection now leads to cluster {topic.ClusterId}, whose offsets mean other records.",
                        "Connect to the old cluster, or start over on the new one with --reset.");
                case TopicMatch.CreatedAgain:
                    throw PipelineException.Refused(
                        $"Topic '{source.Topic}' was deleted and created again: its id was {ledger.TopicId} and is {topic.TopicId} now, so the positions in the table's ledger of {flow.Name} mean nothing in it.",
                        "If the old topic's records are all in the table, start over on the new topic with --reset.");
                case TopicMatch.StaleMetadata:
                    throw StaleMetadata(source.Topic, topic, ledger.MissingPartition(topic)!.Value);
                case TopicMatch.FewerPartitions when hasWaited || (_fewerSince is { } since && flow.Clock.GetElapsedTime(since) >= SecondLookAfter):
                    throw PipelineException.Refused(
                        $"Topic '{source.Topic}' has {Quantity.Of(topic.PartitionCount, "partition")}, but the table's ledger of {flow.Name} holds a position for partition {ledger.MissingPartition(topic)}: the topic was created again.",
                        "If the old topic's records are all in the table, start over on the new topic with --reset.");
            }
            if (_fewerSince is null)
                flow.Log.Information("fewer-partitions", $"Topic '{source.Topic}' seems to have {Quantity.Of(topic.PartitionCount, "partition")}, fewer than the table's ledger of {flow.Name} knows. Looking again in {SecondLookAfter.TotalSeconds:N0} s.");
            if (!flow.WaitsInside)
            {
                _fewerSince ??= flow.Clock.GetTimestamp();
                throw new PipelineException(FailureKind.Kafka,
                    $"Topic '{source.Topic}' seems to have {Quantity.Of(topic.PartitionCount, "partition")}, fewer than the table's ledger of {flow.Name} knows.",
                    $"Look again: where it stays so for {SecondLookAfter.TotalSeconds:N0} s, the topic was created again.");
            }
            await Task.Delay(SecondLookAfter, flow.Clock, cancellationToken);
        }
    }

    /// <summary>What is said, and tried again, where a broker does not know a partition that the topic of this id has.</summary>
    public static PipelineException StaleMetadata(string name, TopicIdentity topic, int missing) => new(FailureKind.Kafka,
        $"A broker says that topic '{name}' has {Quantity.Of(topic.PartitionCount, "partition")}, but partition {missing} of the very same topic (id {topic.TopicId}) was read before. Partitions are never removed, so the broker's metadata is stale.",
        "Nothing was changed. Start again a little later; if it stays so, find the broker that lags behind the controller and restart it.");

    private async ValueTask<PartitionLedger> ContinueAsync(
        SourceLedger ledger, PartitionLedger entry, OffsetRange range, ImmutableArray<LostRange>.Builder lost, CancellationToken cancellationToken)
    {
        if (entry.NextOffset > range.End)
        {
            var logEnd = (await source.LogEndsAsync([entry.Partition], cancellationToken))[0];
            if (entry.NextOffset > logEnd)
            {
                throw PipelineException.Refused(
                    $"Partition {entry.Partition} of topic '{source.Topic}' ends at offset {logEnd}, but the table's ledger of {flow.Name} stands at {entry.NextOffset}: the topic was created again, or lost records in an unclean leader election.",
                    "Find out which; if the table is right as it is, start over on the topic as it is now with --reset.");
            }
            flow.Log.Information("open-transaction",
                $"Partition {entry.Partition} of topic '{source.Topic}' has an open transaction from offset {range.End} on, which earlier runs with isolation level {ledger.IsolationLevel} have read past, to offset {entry.NextOffset}. Reading continues there when the transaction has ended.",
                ("partition", entry.Partition), ("from", range.End), ("to", entry.NextOffset));
        }
        if (entry.NextOffset < range.LogStart) return GiveUp(entry, range, lost, ledger.Name);
        if (entry.Last is { } last) await CompareFingerprintAsync(entry, last, cancellationToken);
        return entry;
    }

    private PartitionLedger GiveUp(PartitionLedger entry, OffsetRange range, ImmutableArray<LostRange>.Builder lost, string sourceName)
    {
        if (entry.IsUnreadEarliest)
        {
            flow.Log.Information("start-moved", $"Partition {entry.Partition} of topic '{source.Topic}' begins at offset {range.LogStart} now; nothing was read from it yet, so its earliest start moves up from {entry.NextOffset}.",
                ("partition", entry.Partition), ("from", entry.NextOffset), ("to", range.LogStart));
            return PartitionLedger.StartingAt(entry.Partition, range.LogStart, isEarliest: true);
        }
        if (flow.Plan.OnLostOffsets == LostOffsetsPolicy.Fail)
        {
            throw PipelineException.Refused(
                $"Partition {entry.Partition} of topic '{source.Topic}' no longer holds offsets {entry.NextOffset} to {range.LogStart - 1}, which are not in the table (retention, or deleted records).",
                "Bring the records back, or accept the loss with on_lost_offsets: skip; the range is then written into the ledger.");
        }
        flow.Log.Warning("offsets-lost", $"Giving up offsets {entry.NextOffset} to {range.LogStart - 1} of partition {entry.Partition} of topic '{source.Topic}', as on_lost_offsets: skip says; the ledger records it.",
            ("partition", entry.Partition), ("from", entry.NextOffset), ("to", range.LogStart));
        lost.Add(new LostRange(sourceName, entry.Partition, entry.NextOffset, range.LogStart));
        return entry.Unmoved() with { NextOffset = range.LogStart };
    }

    private void RequireSameName(SourceLedger ledger)
    {
        if (ledger.Topic == source.Topic) return;
        throw PipelineException.Refused(
            $"Source '{ledger.Name}' read topic '{ledger.Topic}' so far, and the definition now names topic '{source.Topic}'.",
            "Give the new topic a source of another name, or start over with --reset.");
    }

    private async ValueTask CompareFingerprintAsync(PartitionLedger entry, Fingerprint last, CancellationToken cancellationToken)
    {
        var found = await source.ProbeAsync(entry.Partition, last.Offset, cancellationToken);
        var match = last.CompareWith(found);
        if (match == RecordMatch.Gone)
        {
            flow.Log.Information("fingerprint-gone",
                $"The last record that was read from partition {entry.Partition} of topic '{source.Topic}' (offset {last.Offset}) is no longer there, so it could not be checked that the topic is still the same.",
                ("partition", entry.Partition), ("offset", last.Offset));
            return;
        }
        if (match == RecordMatch.Same) return;
        throw PipelineException.Refused(
            $"The record at offset {last.Offset} of partition {entry.Partition} of topic '{source.Topic}' is not the one that was read before ({last.DifferenceFrom(found!)}): the topic was created again and refilled, or lost records in an unclean leader election.",
            "Find out which; if the table is right as it is, start over on the topic as it is now with --reset.");
    }
}

/// <summary>A source's positions after it was made sure that they still mean the same records.</summary>
internal sealed record ContinuedPositions(SourceLedger Source, ImmutableArray<LostRange> Lost);
