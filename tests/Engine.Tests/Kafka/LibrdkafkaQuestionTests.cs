using Matih.Kafka;
using Matih.Sql.Syntax;

namespace Matih.Engine.Tests.Kafka;

/// <summary>What a source asks its cluster beside reading.</summary>
public sealed class LibrdkafkaQuestionTests
{
    [Fact]
    public async Task A_topic_is_identified_by_its_cluster_and_partition_count()
    {
        using var topic = new MockTopic(partitionCount: 3);
        await using var source = topic.Open();

        var identity = await source.IdentifyAsync(CancellationToken.None);

        Assert.StartsWith("mockCluster", identity.ClusterId, StringComparison.Ordinal);
        Assert.Equal(3, identity.PartitionCount);
        Assert.Null(identity.TopicId);
    }

    [Fact]
    public async Task Ranges_are_the_log_start_and_the_end_in_the_order_asked()
    {
        using var topic = new MockTopic(partitionCount: 3);
        topic.Produce(0, "a", "b");
        topic.Produce(2, "c");
        await using var source = topic.Open();

        var ranges = await source.RangesAsync([2, 0, 1], CancellationToken.None);

        Assert.Equal([new OffsetRange(0, 1), new OffsetRange(0, 2), new OffsetRange(0, 0)], ranges);
        Assert.Empty(await source.RangesAsync([], CancellationToken.None));
    }

    [Fact]
    public async Task A_partition_that_does_not_exist_has_no_range()
    {
        using var topic = new MockTopic();
        await using var source = topic.Open();

        var error = await Assert.ThrowsAsync<SourceException>(async () => await source.RangesAsync([0, 8], CancellationToken.None));

        Assert.Equal(SourceErrorKind.UnknownTopic, error.Kind);
        Assert.StartsWith("Could not look up the log start of topic events, partitions 0, 8 at ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mock_cluster_refuses_to_look_up_times()
    {
        using var topic = new MockTopic();
        await using var source = topic.Open();

        var error = await Assert.ThrowsAsync<SourceException>(async () => await source.OffsetsForTimeAsync([0], DateTimeOffset.UnixEpoch, CancellationToken.None));

        Assert.Equal(SourceErrorKind.Unsupported, error.Kind);
        Assert.Equal("Topic events is on librdkafka's mock cluster, which cannot look up offsets by time. Start from earliest, latest or an offset.", error.Message);
    }

    [Fact]
    public async Task A_probe_finds_the_first_record_at_or_after_an_offset_and_leaves_the_assignment_alone()
    {
        using var topic = new MockTopic(partitionCount: 2);
        for (var i = 0; i < 10; i++) topic.Producer.Produce(topic.Name, "key"u8, "value"u8, 1, 1700000000000 + i);
        topic.Deliver();
        await using var source = topic.Open();
        var lane = (await source.AssignAsync([new PartitionPosition(1, 0)], 1, 1, CancellationToken.None))[0];
        var (first, _) = await lane.ReadUntilAsync((records, _) => records.Count >= 3, recordsMax: 3);

        var probes = new List<ProbedRecord?>();
        foreach (var offset in new[] { 0, 4, 9, 10, 11 }) probes.Add(await source.ProbeAsync(1, offset, CancellationToken.None));
        var empty = await source.ProbeAsync(0, 0, CancellationToken.None);
        var (rest, _) = await lane.ReadToEndAsync();

        var crc = RecordFingerprint.Of("key"u8, "value"u8);
        Assert.Equal([new(0, 1700000000000, crc), new(4, 1700000000004, crc), new(9, 1700000000009, crc), null, null], probes);
        Assert.Null(empty);
        Assert.Equal(Enumerable.Range(first.Count, 10 - first.Count).Select(offset => (long)offset), rest.Select(record => record.Offset));
    }

    [Fact]
    public async Task Only_records_in_the_gaps_are_counted_there()
    {
        using var topic = new MockTopic();
        topic.Produce(0, Enumerable.Range(0, 200).Select(i => $"{i}"));
        await using var source = topic.Open();

        async Task<long> Count(params OffsetGap[] gaps) => await source.CountInGapsAsync(0, gaps, CancellationToken.None);

        Assert.Equal(1, await Count(new OffsetGap(7, 8)));
        Assert.Equal(3 + 40 + 1, await Count(new OffsetGap(0, 3), new OffsetGap(3, 43), new OffsetGap(100, 101)));
        Assert.Equal(5, await Count(new OffsetGap(195, 230)));
        Assert.Equal(0, await Count(new OffsetGap(200, 230)));
    }

    [Fact]
    public async Task A_range_is_counted_by_a_second_fetch()
    {
        using var topic = new MockTopic();
        topic.Produce(0, Enumerable.Range(0, 5000).Select(i => $"{i}"));
        await using var source = topic.Open();

        async Task<long> Count(long from, long to) => await source.CountAsync(0, from, to, CancellationToken.None);

        Assert.Equal(5000, await Count(0, 5000));
        Assert.Equal(4996, await Count(3, 4999));
        Assert.Equal(1, await Count(7, 8));
        Assert.Equal(0, await Count(8, 8));
        Assert.Equal(0, await Count(6000, 7000));
        Assert.Equal(2, await Count(4998, 9000));
    }

    [Fact]
    public async Task A_probe_below_the_log_start_finds_the_first_record_of_all()
    {
        using var topic = new MockTopic();
        var value = new byte[500_000];
        // The mock keeps about 5 MiB a partition, whole batches of which go at once.
        for (var i = 0; i < 40; i++)
        {
            topic.Producer.Produce(topic.Name, default, value, 0);
            topic.Deliver();
        }
        await using var source = topic.Open();

        var range = (await source.RangesAsync([0], CancellationToken.None))[0];
        var probe = await source.ProbeAsync(0, 0, CancellationToken.None);
        var lane = (await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];
        var (records, events) = await lane.ReadUntilAsync((_, seen) => seen.Count != 0);

        Assert.True(range.LogStart > 0);
        Assert.Equal(range.LogStart, probe!.Offset);
        Assert.IsType<SourceEvent.OffsetOutOfRange>(Assert.Single(events));
        Assert.Empty(records);
    }

    [Fact]
    public async Task A_group_keeps_its_offsets_and_mark_beside_a_manual_assignment()
    {
        using var topic = new MockTopic(partitionCount: 2);
        topic.Produce(0, "a", "b");
        await using var source = topic.Open();
        var lane = (await source.AssignAsync([new PartitionPosition(0, 0), new PartitionPosition(1, 0)], 1, 1, CancellationToken.None))[0];
        await lane.ReadToEndAsync();

        var before = await source.ReadGroupMarkAsync(CancellationToken.None);
        var stored = await source.StoreGroupOffsetsAsync([new PartitionPosition(0, 2), new PartitionPosition(1, 0)], "pipeline ü", CancellationToken.None);

        Assert.Null(before);
        Assert.Equal((true, null), stored);
        Assert.Equal("pipeline ü", await source.ReadGroupMarkAsync(CancellationToken.None));
        await using var other = topic.Open();
        Assert.Equal("pipeline ü", await other.ReadGroupMarkAsync(CancellationToken.None));
        await using var otherGroup = topic.Open(topic.Settings with { GroupId = "others" });
        Assert.Null(await otherGroup.ReadGroupMarkAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Without_a_group_there_is_no_mark_and_nothing_is_stored()
    {
        using var topic = new MockTopic();
        await using var source = topic.Open(topic.Settings with { GroupId = null });

        Assert.Null(await source.ReadGroupMarkAsync(CancellationToken.None));
        Assert.Equal((false, "no consumer group is configured"), await source.StoreGroupOffsetsAsync([new PartitionPosition(0, 1)], "m", CancellationToken.None));
    }

    [Fact]
    public async Task A_refused_group_is_a_reason_and_no_exception()
    {
        const int findCoordinator = 10, groupAuthorizationFailed = 30;
        using var topic = new MockTopic();
        topic.Cluster.FailNext(findCoordinator, [.. Enumerable.Repeat(groupAuthorizationFailed, 100)]);
        await using var source = topic.Open();

        var (stored, reason) = await source.StoreGroupOffsetsAsync([new PartitionPosition(0, 1)], "m", CancellationToken.None);

        Assert.False(stored);
        Assert.Contains("The principal needs the right to read group dashboards.", reason, StringComparison.Ordinal);
        Assert.Null(await source.ReadGroupMarkAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_cluster_that_does_not_answer_is_unreachable_after_the_calls_time()
    {
        using var topic = new MockTopic();
        topic.Cluster.SetReachable(1, false);
        await using var source = topic.Open(topic.Settings with { CallTimeout = TimeSpan.FromSeconds(1) });

        var error = await Assert.ThrowsAsync<SourceException>(async () => await source.IdentifyAsync(CancellationToken.None));

        Assert.Equal(SourceErrorKind.Unreachable, error.Kind);
        Assert.StartsWith($"Could not look up topic events: no answer from {topic.Cluster.BootstrapServers} within 1 s (", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_address_is_named_with_its_cause_long_before_the_calls_time_is_over()
    {
        using var topic = new MockTopic();
        await using var refused = topic.Open(topic.Settings with { BootstrapServers = "127.0.0.1:1", CallTimeout = TimeSpan.FromHours(1) });
        await using var unresolved = topic.Open(topic.Settings with { BootstrapServers = "no-such-host.invalid:9092", CallTimeout = TimeSpan.FromHours(1) });

        var first = await Assert.ThrowsAsync<SourceException>(async () => await refused.IdentifyAsync(CancellationToken.None));
        var second = await Assert.ThrowsAsync<SourceException>(async () => await unresolved.IdentifyAsync(CancellationToken.None));

        Assert.Equal((SourceErrorKind.Unreachable, SourceErrorKind.Unreachable), (first.Kind, second.Kind));
        Assert.Equal("Could not look up topic events: Kafka at 127.0.0.1:1 cannot be reached: connection refused.", first.Message);
        Assert.StartsWith("Could not look up topic events: Kafka at no-such-host.invalid:9092 cannot be reached: the name does not resolve (", second.Message, StringComparison.Ordinal);
        Assert.Equal((null, "connection refused"), (refused.LastContact, refused.Trouble));
    }

    [Fact]
    public async Task A_cluster_that_was_reached_before_gets_the_calls_whole_time()
    {
        using var topic = new MockTopic();
        await using var source = topic.Open(topic.Settings with
        {
            CallTimeout = TimeSpan.FromSeconds(7),
            // The default, 10 s, could pass before the client tries the broker again.
            Properties = new Dictionary<string, string> { ["reconnect.backoff.max.ms"] = "200" },
        });
        await source.IdentifyAsync(CancellationToken.None);
        var contact = source.LastContact;
        topic.Cluster.SetReachable(1, false);

        var error = await Assert.ThrowsAsync<SourceException>(async () => await source.RangesAsync([0], CancellationToken.None));

        Assert.Contains("no answer from", error.Message, StringComparison.Ordinal);
        Assert.Contains("within 7 s", error.Message, StringComparison.Ordinal);
        Assert.Equal(contact, source.LastContact);
        Assert.NotNull(source.Trouble);
        topic.Cluster.SetReachable(1, true);
        await source.RangesAsync([0], CancellationToken.None);
        Assert.True(source.LastContact > contact);
        Assert.Null(source.Trouble);
    }

    [Fact]
    public async Task A_question_notices_cancellation()
    {
        using var topic = new MockTopic();
        topic.Cluster.SetReachable(1, false);
        await using var source = topic.Open(topic.Settings with { CallTimeout = TimeSpan.FromHours(1) });
        using var cancellation = new CancellationTokenSource();

        var asking = Task.Run(async () => await source.IdentifyAsync(cancellation.Token));
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking.WaitAsync(MockTopic.WaitMax));
    }
}
