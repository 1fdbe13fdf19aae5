using Matih.Delivery.Ledgers;
using Matih.Kafka;

namespace Matih.Delivery.Topics;

/// <summary>
/// Looks again, in the middle of work on a topic, whether it is still the one that a ledger is about: what was read from it, or
/// answered about it, since the last look may be of another one. Its ids tell; where they cannot be known, records do.
/// </summary>
internal static class TopicRecheck
{
    /// <param name="findChanged">Compares records that were read with what stands at their offsets now; called only where ids do not tell.</param>
    /// <returns>What shows that it is another one, as the end of a sentence; null where nothing does.</returns>
    /// <exception cref="SourceException">The topic could not be asked.</exception>
    public static async ValueTask<string?> FindOtherAsync(
        this ITopic topic, SourceLedger known, Func<CancellationToken, ValueTask<string?>> findChanged, CancellationToken cancellationToken)
    {
        var now = await topic.IdentifyAsync(cancellationToken);
        if (known.DescribeOther(now) is { } other) return other;
        return known.TopicId is not null && now.TopicId is not null ? null : await findChanged(cancellationToken);
    }

    /// <summary>Whether another record stands where an entry's last one was read, as the end of a sentence; null where none does, or nothing is known.</summary>
    public static async ValueTask<string?> FindChangedAsync(this ITopic topic, PartitionLedger entry, CancellationToken cancellationToken)
    {
        if (entry.Last is not { } last) return null;
        var found = await topic.ProbeAsync(entry.Partition, last.Offset, cancellationToken);
        return last.CompareWith(found) == RecordMatch.Other ? new ChangedRecord(entry.Partition, last, found!).ToString() : null;
    }

    /// <summary>How the ids show another cluster or topic, as the end of a sentence; null where they do not.</summary>
    public static string? DescribeOther(this SourceLedger known, TopicIdentity now) => known.CompareWith(now) switch
    {
        TopicMatch.OtherCluster => $"the connection leads to Kafka cluster {now.ClusterId}, and the records came from cluster {known.ClusterId}",
        TopicMatch.CreatedAgain => $"it was deleted and created again: its id was {known.TopicId} and is {now.TopicId} now",
        _ => null,
    };
}
