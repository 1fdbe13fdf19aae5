using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Kafka;
using Matih.Planning;

namespace Matih.Delivery.Lanes;

/// <summary>
/// Offsets may be missing for good reasons (compaction, aborted transactions, control records), and for a bad one: a client
/// that skipped records. The gaps of a range are therefore fetched a second time before it is committed: always where
/// the source may skip and for batches that a host hands in, else for the first checkpoint with gaps and every sixteenth
/// after it. A check that failed is due again. Only the gaps are counted: the records beside them may have been compacted
/// away or deleted meanwhile.
/// </summary>
/// <param name="isHandedIn">Whether a host hands the batches in: nothing is known of the client that read them.</param>
internal sealed class GapCheck(FlowPlan plan, ITopic topic, bool isHandedIn = false)
{
    private const int SampleEvery = 16;

    private int _passedCount;

    /// <exception cref="PipelineException">Records are, or may have been, there that the client did not give; the session must begin anew.</exception>
    public async ValueTask RequireRealAsync(IReadOnlyList<LaneCheckpoint> checkpoints, CancellationToken cancellationToken)
    {
        var withGaps = checkpoints.SelectMany(checkpoint => checkpoint.Partitions).Where(stretch => !stretch.Gaps.IsEmpty).ToList();
        if (withGaps.Count == 0) return;
        if (_passedCount % SampleEvery == 0 || isHandedIn || topic.MaySkipRecords) await CountAgainAsync(withGaps, cancellationToken);
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
                throw new PipelineException(FailureKind.Kafka,
                    $"Offsets {entry.FromOffset} to {entry.NextOffset - 1} of partition {entry.Partition} of topic '{plan.Topic}' gave {Quantity.Of(entry.RecordCount, "record")}, but hold {Quantity.Count(skipped)} more: {(isHandedIn ? "the batch that was handed in lacks records" : "the Kafka client passed records over")}.",
                    isHandedIn ? "Nothing of it was staged. Hand in every record of the range, in the order of the offsets; a batch may end before a record, but not leave one out."
                        : "Nothing of it was committed; the range is read again. If it happens again, use another librdkafka (MATIH_LIBRDKAFKA).");
            }
            await RequireStillThereAsync(entry, gaps, cancellationToken);
        }
    }

    /// <summary>What was deleted before the second fetch tells nothing any more: a client that skips may have skipped it.</summary>
    private async ValueTask RequireStillThereAsync(PartitionLedger entry, StretchGaps gaps, CancellationToken cancellationToken)
    {
        if (!topic.MaySkipRecords) return;
        var logStart = (await topic.RangesAsync([entry.Partition], cancellationToken))[0].LogStart;
        var firstGap = gaps.Gaps.IsEmpty ? gaps.RestFromOffset!.Value : gaps.Gaps[0].FromOffset;
        if (logStart <= firstGap) return;
        throw new PipelineException(FailureKind.Kafka,
            $"Partition {entry.Partition} of topic '{plan.Topic}' gave no records at offset {firstGap}, and what was there has been deleted since (it begins at {logStart} now): this source may pass records over, so it cannot be known any more whether it did.",
            "Nothing of it was committed. Give the topic a longer retention; the next start says what is missing.");
    }
}
