using Matih.Delivery.Ledgers;
using Matih.Kafka;

namespace Matih.Delivery.Topics;

/// <summary>What the topic of a name is now, seen from what a ledger knows of it.</summary>
internal enum TopicMatch
{
    /// <summary>The same, as far as ids tell. What it holds may still be other records: fingerprints tell that (<see cref="RecordMatching"/>).</summary>
    Same,
    /// <summary>The connection leads to another cluster, whose offsets mean other records.</summary>
    OtherCluster,
    /// <summary>It was deleted and created again: its id is another one.</summary>
    CreatedAgain,
    /// <summary>It lacks partitions that were read, although its id is the same: the broker that answered has stale metadata, because partitions are never removed.</summary>
    StaleMetadata,
    /// <summary>It lacks partitions that were read, and its id is not known: created again, or stale metadata.</summary>
    FewerPartitions,
}

/// <summary>
/// The one answer to whether a topic is still the same. Ids that older brokers and clients do not give prove nothing.
/// </summary>
internal static class TopicComparison
{
    public static TopicMatch CompareWith(this SourceLedger known, TopicIdentity now) =>
        !IsSameCluster(known, now.ClusterId) ? TopicMatch.OtherCluster
        : !IsSameId(known, now.TopicId) ? TopicMatch.CreatedAgain
        : MissingPartition(known, now) is null ? TopicMatch.Same
        : known.TopicId is not null && now.TopicId is not null ? TopicMatch.StaleMetadata
        : TopicMatch.FewerPartitions;

    /// <summary>The first partition that was read and that the topic does not have; null where it has all.</summary>
    public static int? MissingPartition(this SourceLedger known, TopicIdentity now)
    {
        foreach (var entry in known.Partitions)
            if (entry.Partition >= now.PartitionCount) return entry.Partition;
        return null;
    }

    /// <summary>Whether two ledgers are about the same topic, as far as they tell.</summary>
    public static bool IsSameTopicAs(this SourceLedger one, SourceLedger other) =>
        one.Topic == other.Topic && IsSameCluster(one, other.ClusterId) && IsSameId(one, other.TopicId);

    public static bool IsSameCluster(this SourceLedger known, string? clusterId) => Agree(known.ClusterId, clusterId);

    public static bool IsSameId(this SourceLedger known, string? topicId) => Agree(known.TopicId, topicId);

    private static bool Agree(string? one, string? other) => one is null || other is null || one == other;
}
