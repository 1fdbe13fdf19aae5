using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Topics;
using Matih.Kafka;

namespace Matih.Delivery.Staging;

/// <summary>Reads from Kafka what nobody has staged, on a connection of its own, beside the session's lanes.</summary>
/// <param name="openSource">Another reader of the same topic.</param>
internal sealed class MissingRangeReading(ITopic topic, Func<IRecordSource> openSource, BoundedReading reading, GapCheck gaps)
{
    /// <summary>What the range holds, or as much of it as could be read within the time.</summary>
    /// <param name="known">The topic as the ledger knows it, whose positions the range begins at.</param>
    /// <exception cref="PipelineException">The topic that was read may be another one.</exception>
    public async ValueTask<LaneCheckpoint> ReadAsync(BoundedRange range, SourceLedger known, TimeSpan timeMax, CancellationToken cancellationToken)
    {
        await using var source = openSource();
        var checkpoints = await reading.ReadAsync(source, [range], timeMax, cancellationToken);
        await RequireSameTopicAsync(range.At, known, cancellationToken);
        await gaps.RequireRealAsync(checkpoints, known, cancellationToken);
        return checkpoints.Single();
    }

    /// <summary>The reader began anew, and knows no topic but the one that it met; the session may have looked at it long before.</summary>
    private async ValueTask RequireSameTopicAsync(PartitionLedger before, SourceLedger known, CancellationToken cancellationToken)
    {
        if (await topic.FindOtherAsync(known, token => topic.FindChangedAsync(before, token), cancellationToken) is not { } finding) return;
        throw new PipelineException(FailureKind.Kafka,
            $"Offsets of partition {before.Partition} of topic '{topic.Topic}' from {before.NextOffset} on, which nobody had staged, were read from another topic than the one that the table's ledger is about: {finding}.",
            "Nothing of them was committed. The next start compares the topic with the table's ledger and says what to do.");
    }
}
