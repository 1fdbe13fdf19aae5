using Matih.Delivery.Ledgers;
using Matih.Delivery.Topics;
using Matih.Kafka;

namespace Matih.Engine.Tests.Delivery.Topics;

/// <summary>Is it still the same topic?</summary>
public sealed class TopicComparisonTests
{
    [Theory]
    [InlineData("c", "t", 3, TopicMatch.Same)]
    [InlineData("c", "t", 4, TopicMatch.Same)]
    [InlineData(null, null, 3, TopicMatch.Same)]
    [InlineData("other", "t", 3, TopicMatch.OtherCluster)]
    [InlineData("c", "other", 3, TopicMatch.CreatedAgain)]
    [InlineData(null, "other", 3, TopicMatch.CreatedAgain)]
    [InlineData("c", "t", 2, TopicMatch.StaleMetadata)]
    [InlineData("c", null, 2, TopicMatch.FewerPartitions)]
    public void Ids_decide_where_both_sides_know_them(string? clusterId, string? topicId, int partitionCount, object expected)
    {
        var known = Known("c", "t");

        Assert.Equal(expected, known.CompareWith(new TopicIdentity(clusterId, topicId, partitionCount)));
        Assert.Equal(partitionCount < 3 ? 2 : null, known.MissingPartition(new TopicIdentity(clusterId, topicId, partitionCount)));
    }

    [Theory]
    [InlineData("c", "t", true)]
    [InlineData(null, null, true)]
    [InlineData("other", "t", false)]
    [InlineData("c", "other", false)]
    public void Two_ledgers_are_about_one_topic_unless_an_id_says_otherwise(string? clusterId, string? topicId, bool isSame) =>
        Assert.Equal(isSame, Known("c", "t").IsSameTopicAs(Known(clusterId, topicId)));

    private static SourceLedger Known(string? clusterId, string? topicId) =>
        new("src", "orders", clusterId, topicId, "read_committed", [.. Enumerable.Range(0, 3).Select(partition => PartitionLedger.StartingAt(partition, 0, isEarliest: true))]);
}
