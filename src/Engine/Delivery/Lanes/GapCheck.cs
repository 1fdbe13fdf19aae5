using Matih.Delivery.Ledgers;
using Matih.Delivery.Topics;
using Matih.Kafka;
using Matih.Planning;

namespace Matih.Delivery.Lanes;

/// <summary>
/// Offsets may be missing for good reasons (compaction, aborted transactions, control records), and for a bad one: a client
/// that skipped records. The gaps of a range are therefore fetched a second time before it is committed: always where
/// the source may skip and for batches that a host hands in, else for the first checkpoint with gaps and every sixteenth
/// after it. A check that failed is due again. Only the gaps are counted: the records beside them may have been compacted
/// away or deleted meanwhile. A count says something only of the topic that it was made in, and only of offsets that it still
/// holds: both are looked at after it.
/// </summary>
/// <param name="isHandedIn">Whether a host hands the batches in: nothing is known of the client that read them.</param>
internal sealed class GapCheck(FlowPlan plan, ITopic topic, bool isHandedIn = false)
{
    private const int SampleEvery = 16;

    private int _passedCount;

    /// <summary>Whether the count has to prove that no record was passed over; else it is a sample of a client that does not do so.</summary>
    private bool MustProve => isHandedIn || topic.MaySkipRecords;

    /// <param name="known">The topic that the checkpoints were read from.</param>
    /// <exception cref="PipelineException">Records are, or may have been, there that the client did not give; the session must begin anew.</exception>
    public async ValueTask RequireRealAsync(IReadOnlyList<LaneCheckpoint> checkpoints, SourceLedger known, CancellationToken cancellationToken)
    {
        var withGaps = checkpoints.SelectMany(checkpoint => checkpoint.Partitions).Where(stretch => !stretch.Gaps.IsEmpty).ToList();
        if (withGaps.Count == 0) return;
        if (_passedCount % SampleEvery == 0 || MustProve)
        {
            await CountAgainAsync(withGaps, cancellationToken);
            await RequireSameTopicAsync(withGaps, known, cancellationToken);
            await RequireStillThereAsync(withGaps, cancellationToken);
        }
        _passedCount++;
    }

    private async ValueTask CountAgainAsync(List<PartitionStretch> withGaps, CancellationToken cancellationToken)
    {
        foreach (var (entry, gaps) in withGaps)
        {
            var skipped = gaps.Gaps.IsEmpty ? 0 : await topic.CountInGapsAsync(entry.Partition, gaps.Gaps, cancellationToken);
            if (gaps.RestFromOffset is { } rest)
                skipped += Math.Max(0, await topic.CountAsync(entry.Partition, rest, entry.NextOffset, cancellationToken) - gaps.RestRecordCount);
            if (skipped != 0)
            {
                var failure = new PipelineException(FailureKind.Kafka,
                    $"Offsets {entry.FromOffset} to {entry.NextOffset - 1} of partition {entry.Partition} of topic '{plan.Topic}' gave {Quantity.Of(entry.RecordCount, "record")}, but hold {Quantity.Count(skipped)} more: {(isHandedIn ? "the batch that was handed in lacks records" : "the Kafka client passed records over")}.",
                    isHandedIn ? "Nothing of it was staged. Hand in every record of the range, in the order of the offsets; a batch may end before a record, but not leave one out."
                        : "Nothing of it was committed; the range is read again. If it happens again, use another librdkafka (MATIH_LIBRDKAFKA).");
                throw isHandedIn ? new UnfitBatchException(failure) : failure;
            }
        }
    }

    /// <summary>A topic that was deleted and created again since it was read has nothing in the gaps, whatever the old one had.</summary>
    private async ValueTask RequireSameTopicAsync(List<PartitionStretch> counted, SourceLedger known, CancellationToken cancellationToken)
    {
        if (await topic.FindOtherAsync(known, token => FindOtherRecordAsync(counted, token), cancellationToken) is { } finding) throw OtherTopic(finding);
    }

    /// <summary>A topic is created again as a whole, so that one record which stands where it was read is enough.</summary>
    private async ValueTask<string?> FindOtherRecordAsync(List<PartitionStretch> counted, CancellationToken cancellationToken)
    {
        foreach (var (entry, _) in counted)
        {
            if (entry.Last is not { } last) continue;
            var found = await topic.ProbeAsync(entry.Partition, last.Offset, cancellationToken);
            switch (last.CompareWith(found))
            {
                case RecordMatch.Same:
                    return null;
                case RecordMatch.Other:
                    return new ChangedRecord(entry.Partition, last, found!).ToString();
                case RecordMatch.Gone when MustProve && last.Offset >= entry.FromOffset:
                    return $"the record at offset {last.Offset} of partition {entry.Partition}, which was just read, is no longer there, so that this cannot be known";
            }
        }
        return null;
    }

    /// <summary>
    /// A log that ends before what was read from it is another one. And what was deleted before the second fetch tells nothing
    /// any more: who may skip may have skipped it.
    /// </summary>
    private async ValueTask RequireStillThereAsync(List<PartitionStretch> counted, CancellationToken cancellationToken)
    {
        var ranges = await topic.RangesAsync([.. counted.Select(stretch => stretch.Entry.Partition)], cancellationToken);
        foreach (var ((entry, gaps), range) in counted.Zip(ranges))
        {
            if (range.End < entry.NextOffset) throw OtherTopic($"partition {entry.Partition} ends at offset {range.End}, and was read up to offset {entry.NextOffset - 1}");
            var firstGap = gaps.Gaps.IsEmpty ? gaps.RestFromOffset!.Value : gaps.Gaps[0].FromOffset;
            if (!MustProve || range.LogStart <= firstGap) continue;
            throw new PipelineException(FailureKind.Kafka,
                $"Partition {entry.Partition} of topic '{plan.Topic}' gave no records at offset {firstGap}, and what was there has been deleted since (it begins at {range.LogStart} now): {(isHandedIn ? "the batch that was handed in may lack records" : "this source may pass records over")}, so it cannot be known any more whether it did.",
                "Nothing of it was committed. Give the topic a longer retention; the next start says what is missing.");
        }
    }

    private PipelineException OtherTopic(string finding) => new(FailureKind.Kafka,
        $"Offsets of topic '{plan.Topic}' that gave no records were counted again, but not in the topic that was read: {finding}.",
        "Nothing of it was committed. The next start compares the topic with the table's ledger and says what to do.");
}
