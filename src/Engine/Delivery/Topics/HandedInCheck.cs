using Matih.Batches;
using Matih.Delivery.Ledgers;
using Matih.Kafka;
using Matih.Planning;

namespace Matih.Delivery.Topics;

/// <summary>
/// Whether a batch that a host hands in is of the topic as it is now. Records carry no topic id, and a host may have read them
/// long ago: a function that is tried again still holds what its trigger read before the topic was created again, or before an
/// unclean leader election. Only a look at the topic tells.
/// </summary>
/// <remarks>
/// An unclean leader election replaces the end of a partition, and a topic is created again as a whole: where the last record
/// stands, those before it do. Where it does not stand there any more for another reason (compaction, retention), nothing is
/// known, and a commit reads from Kafka what is left.
/// </remarks>
internal sealed class HandedInCheck(FlowPlan plan, ITopic topic)
{
    /// <summary>Asked after it is known which topic the ledger is about, so that this one or an older one answers.</summary>
    /// <param name="batch">Records of one partition, in the order of their offsets; at least one.</param>
    /// <exception cref="UnfitBatchException">Its last record does not stand in the topic.</exception>
    /// <exception cref="SourceException">The topic could not be asked.</exception>
    public async ValueTask RequireStandsAsync(RawBatch batch, CancellationToken cancellationToken)
    {
        var (partition, last) = (batch.Records[^1].Partition, LastOf(batch));
        var found = await topic.ProbeAsync(partition, last.Offset, cancellationToken);
        var finding = last.CompareWith(found) switch
        {
            RecordMatch.Same => null,
            RecordMatch.Other => $"another record stands there ({last.DifferenceFrom(found!)})",
            _ => found is null ? "nothing stands there, or behind it" : $"nothing stands there; the next record is at offset {found.Offset}",
        };
        if (finding is null) return;
        throw new UnfitBatchException(new PipelineException(FailureKind.Kafka,
            $"The batch that was handed in ends with offset {last.Offset} of partition {partition}, which topic '{plan.Topic}' does not hold: {finding}. The batch was read before the topic was created again, or before it lost or deleted records.",
            "Nothing of it was staged. Hand in what the topic holds now; what nobody stages is read from Kafka by a commit."));
    }

    private static Fingerprint LastOf(RawBatch batch)
    {
        var last = batch.Count - 1;
        ref readonly var record = ref batch.Records[last];
        return new Fingerprint(record.Offset, record.TimestampMillis, RecordFingerprint.Of(batch.Key(last), batch.Value(last)));
    }
}
