using System.Collections.Immutable;
using Matih.Definition;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Topics;
using Matih.Kafka;
using Matih.Planning;

namespace Matih.Verification;

/// <summary>
/// Whether the topic is still the one that the table's positions belong to, and still holds what comes next. The same
/// questions as at a start (docs/delivery.md, "Is it the same topic"), all of them asked, and nothing changed.
/// </summary>
internal sealed class TopicCheck(FlowPlan plan, IRecordSource source, RangeTally taken, FindingLog findings)
{
    private readonly List<int> _unchecked = [];
    private int _fingerprintCount, _partitionCount;

    /// <summary>Where each partition stands; empty where the topic is another one.</summary>
    public async ValueTask<ImmutableArray<PartitionLag>> CheckAsync(Ledger ledger, CancellationToken cancellationToken)
    {
        if (SourceOf(ledger) is not { } known)
        {
            findings.NotProvable(FindingCode.Topic, $"Anything about topic '{plan.Topic}'.", $"The ledger holds no positions in it yet; it knows {string.Join(", ", ledger.Sources.Select(other => $"'{other.Topic}'"))}.");
            return [];
        }
        var topic = await source.IdentifyAsync(cancellationToken);
        if (!IsSameTopic(known, topic)) return [];

        _partitionCount = topic.PartitionCount;
        int[] partitions = [.. Enumerable.Range(0, topic.PartitionCount)];
        var ranges = await source.RangesAsync(partitions, cancellationToken);
        var lag = ImmutableArray.CreateBuilder<PartitionLag>();
        foreach (var gone in known.Partitions.Where(entry => entry.Partition >= topic.PartitionCount))
        {
            if (known.CompareWith(topic) == TopicMatch.StaleMetadata) throw TopicContinuity.StaleMetadata(source.Topic, topic, gone.Partition);
            findings.Violation(FindingCode.OtherTopic, On(gone.Partition), $"a partition, of which {Quantity.Of(gone.NextOffset, "offset")} taken", $"the topic has {Quantity.Of(topic.PartitionCount, "partition")}",
                "The topic was created again, or a broker has stale metadata: verify again. If it stays so, and the old topic's records are all in the table, start over on the new topic with --reset.");
        }
        foreach (var partition in partitions)
        {
            var entry = known.Find(partition);
            lag.Add(new PartitionLag(partition, entry?.NextOffset, ranges[partition].LogStart, ranges[partition].End));
            if (entry is not null) await CheckAsync(entry, ranges[partition], cancellationToken);
        }
        foreach (var lost in taken.Lost.Where(lost => IsHere(lost.Topic, lost.Partition))) await CheckLostAsync(lost, ranges[lost.Partition], cancellationToken);
        foreach (var first in taken.First.Where(first => IsHere(first.Topic, first.Partition))) await CheckFirstAsync(first, ranges[first.Partition], cancellationToken);
        Sum(known, topic, lag);
        return lag.ToImmutable();
    }

    public SourceLedger? SourceOf(Ledger ledger) => ledger.FindSource(plan.SourceName) ?? ledger.Sources.LastOrDefault(candidate => candidate.Topic == plan.Topic);

    private bool IsSameTopic(SourceLedger known, TopicIdentity topic)
    {
        var before = findings.ViolationCount;
        if (known.Topic != source.Topic)
        {
            findings.Violation(FindingCode.OtherTopic, $"source '{known.Name}'", $"topic '{known.Topic}', which the table's positions belong to", $"topic '{source.Topic}' in the definition",
                "Give the new topic a source of another name, or start over with --reset.");
        }
        if (!known.IsSameCluster(topic.ClusterId))
        {
            findings.Violation(FindingCode.OtherTopic, $"topic '{source.Topic}'", $"Kafka cluster {known.ClusterId}", $"Kafka cluster {topic.ClusterId}, whose offsets mean other records",
                "Connect to the old cluster, or start over on the new one with --reset.");
        }
        if (!known.IsSameId(topic.TopicId))
        {
            findings.Violation(FindingCode.OtherTopic, $"topic '{source.Topic}'", $"topic id {known.TopicId}", $"topic id {topic.TopicId}: it was deleted and created again",
                "If the old topic's records are all in the table, start over on the new topic with --reset.");
        }
        return findings.ViolationCount == before;
    }

    private async ValueTask CheckAsync(PartitionLedger entry, OffsetRange range, CancellationToken cancellationToken)
    {
        // Under read committed the range ends at the last stable offset, which an open transaction holds back.
        var end = entry.NextOffset <= range.End ? range.End : (await source.LogEndsAsync([entry.Partition], cancellationToken))[0];
        if (entry.NextOffset > end)
        {
            findings.Violation(FindingCode.PositionBeyondEnd, On(entry.Partition), $"an end of at least {entry.NextOffset}, where the table stands", $"it ends at offset {end}",
                "The topic was created again, lost records in an unclean leader election, or the ledger was edited. Find out which; if the table is right as it is, start over with --reset.");
        }
        else if (entry.NextOffset < range.LogStart && !entry.IsUnreadEarliest)
        {
            var lost = $"offsets {entry.NextOffset} to {range.LogStart - 1}, which are not in the table";
            if (plan.OnLostOffsets == LostOffsetsPolicy.Skip)
                findings.Warning(FindingCode.OffsetsLost, $"{On(entry.Partition)} no longer holds {lost}.", "The next run gives them up, as on_lost_offsets: skip says, and writes them into the ledger.");
            else
                findings.Violation(FindingCode.OffsetsLost, On(entry.Partition), $"a log start of at most {entry.NextOffset}, where the table stands", $"it no longer holds {lost}", "Bring the records back, or accept the loss with on_lost_offsets: skip.");
        }
        if (entry.Last is { } last) await CompareAsync(entry, last, cancellationToken);
    }

    private bool IsHere(string topic, int partition) => topic == source.Topic && partition < _partitionCount;

    /// <summary>What was given up must be gone: a log start only rises, so that a record which is still there was there then.</summary>
    private async ValueTask CheckLostAsync(LostStretch lost, OffsetRange range, CancellationToken cancellationToken)
    {
        if (range.LogStart >= lost.ToOffset) return;
        if (await FirstReadableAsync(lost.Partition, Math.Max(lost.FromOffset, range.LogStart), lost.ToOffset, range, cancellationToken) is not { } held) return;
        findings.Violation(FindingCode.LostStillHeld, $"{lost.Commit}, {On(lost.Partition)}", $"offsets {lost.FromOffset} to {lost.ToOffset - 1} are gone from the topic, because the commit gave them up as lost", $"the topic starts at offset {range.LogStart} and holds a record at offset {held}",
            "These records are in the topic and not in the table: roll the table back to before that commit and let the pipeline read the range. If a log start cannot have been wrong then, find out who edited the ledger.");
    }

    /// <summary>A partition that appeared after the start is read from its log start, which only rises.</summary>
    private async ValueTask CheckFirstAsync(FirstAppearance first, OffsetRange range, CancellationToken cancellationToken)
    {
        if (range.LogStart >= first.FromOffset) return;
        if (await FirstReadableAsync(first.Partition, range.LogStart, first.FromOffset, range, cancellationToken) is not { } held) return;
        findings.Violation(FindingCode.PartitionSkipped, $"{first.Commit}, {On(first.Partition)}", $"a first position of at most {range.LogStart}, the log start: the partition was not there yet at the commit before", $"a first position of {first.FromOffset}, and the topic holds a record at offset {held}",
            "The records before that position are not in the table: roll the table back to before that commit and let the pipeline read the partition from its start.");
    }

    private async ValueTask<long?> FirstReadableAsync(int partition, long from, long to, OffsetRange range, CancellationToken cancellationToken) =>
        from < range.End && await source.ProbeAsync(partition, from, cancellationToken) is { } found && found.Offset < to ? found.Offset : null;

    private async ValueTask CompareAsync(PartitionLedger entry, Fingerprint last, CancellationToken cancellationToken)
    {
        var found = await source.ProbeAsync(entry.Partition, last.Offset, cancellationToken);
        var match = last.CompareWith(found);
        if (match == RecordMatch.Gone)
        {
            _unchecked.Add(entry.Partition);
            return;
        }
        if (match == RecordMatch.Same)
        {
            _fingerprintCount++;
            return;
        }
        findings.Violation(FindingCode.Fingerprint, $"the record at offset {last.Offset} of {On(entry.Partition)}", $"timestamp {last.TimestampMillis} and CRC-32C {last.Crc32C:x8}, as it was read", $"{found!.TimestampMillis} and {found.Crc32C:x8}",
            "The topic was created again and refilled, or lost records in an unclean leader election. Find out which; if the table is right as it is, start over with --reset.");
    }

    private void Sum(SourceLedger known, TopicIdentity topic, IEnumerable<PartitionLag> lag)
    {
        var isKnownById = known.TopicId is not null && topic.TopicId is not null;
        var isKnownByCluster = known.ClusterId is not null && topic.ClusterId is not null;
        var left = $"{Quantity.Of(lag.Sum(item => item.Uncommitted), "offset")} not committed yet";
        if (!isKnownById && !isKnownByCluster && _fingerprintCount == 0)
        {
            findings.NotProvable(FindingCode.Topic, $"That topic '{source.Topic}' is the one that was read; {left}.", "Neither its id nor its cluster's id is known, and none of the last records that were read can be compared.");
        }
        else
        {
            var identity = isKnownById ? "by its id" : isKnownByCluster ? "by its cluster; its own id is not known" : "by the last records that were read; neither cluster nor topic id are known";
            findings.Proved(FindingCode.Topic, $"Topic '{source.Topic}' is the one that was read ({identity}); the last records of {Quantity.Count(_fingerprintCount)} of {Quantity.Of(known.Partitions.Length, "partition")} are those that were read; {left}.");
        }
        if (_unchecked.Count == 0) return;
        findings.NotProvable(FindingCode.Fingerprint, $"That the last records of {Quantity.Of(_unchecked.Count, "partition")} ({string.Join(", ", _unchecked.Take(8))}{(_unchecked.Count > 8 ? ", …" : "")}) are those that were read.",
            "The topic no longer holds them (retention or compaction).");
    }

    private string On(int partition) => $"partition {partition} of topic '{source.Topic}'";
}
