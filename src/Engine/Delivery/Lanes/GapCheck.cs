using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Kafka;
using Matih.Planning;

namespace Matih.Delivery.Lanes;

/// <summary>
/// Offsets may be missing for good reasons (compaction, aborted transactions, control records), and for a bad one: a client
/// that skipped records. The gaps of a range are therefore fetched a second time before it is committed: always for clients
/// known to skip (librdkafka before 2.1.0), else for the first checkpoint with gaps and every sixteenth after it. Only the
/// gaps are counted: the records beside them may have been compacted away or deleted meanwhile.
/// </summary>
internal sealed class GapCheck(FlowPlan plan, ITopic topic)
{
    private const int SampleEvery = 16;

    private int _seenCount;

    /// <exception cref="PipelineException">Records are, or may have been, there that the client did not give; the session must begin anew.</exception>
    public async ValueTask RequireRealAsync(IReadOnlyList<LaneCheckpoint> checkpoints, CancellationToken cancellationToken)
    {
        var withGaps = checkpoints.SelectMany(checkpoint => checkpoint.Partitions).Where(stretch => !stretch.Gaps.IsEmpty).ToList();
        if (withGaps.Count == 0) return;
        if (_seenCount++ % SampleEvery != 0 && !topic.MaySkipRecords) return;
        foreach (var (entry, gaps) in withGaps)
        {
            var skipped = gaps.Gaps.IsEmpty ? 0 : await topic.CountInGapsAsync(entry.Partition, gaps.Gaps, cancellationToken);
            if (gaps.RestFromOffset is { } rest)
                skipped += Math.Max(0, await topic.CountAsync(entry.Partition, rest, entry.NextOffset, cancellationToken) - gaps.RestRecordCount);
            if (skipped != 0)
            {
                throw new PipelineException(FailureKind.Kafka,
                    $"Offsets {entry.FromOffset} to {entry.NextOffset - 1} of partition {entry.Partition} of topic '{plan.Topic}' gave {Quantity.Of(entry.RecordCount, "record")}, but hold {Quantity.Count(skipped)} more: the Kafka client passed records over.",
                    "Nothing of it was committed; the range is read again. If it happens again, use another librdkafka (MATIH_LIBRDKAFKA).");
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
            $"Partition {entry.Partition} of topic '{plan.Topic}' gave no records at offset {firstGap}, and what was there has been deleted since (it begins at {logStart} now): this Kafka client is known to pass records over, so it cannot be known any more whether it did.",
            "Nothing of it was committed. Use librdkafka 2.1.0 or later (MATIH_LIBRDKAFKA), or a longer retention; the next start says what is missing.");
    }
}
