using System.Text;
using Matih.Fixtures;
using Matih.Kafka;

namespace Matih.Interop.Tests.Kafka;

/// <summary>Reading from a real broker.</summary>
public sealed class LibrdkafkaBrokerTests(SharedKafka kafka)
{
    [Fact]
    public async Task Only_committed_records_are_read_and_the_position_passes_control_records()
    {
        var (client, topic) = await NewTopicAsync("transactions");
        var transaction = await client.BeginTransactionAsync();
        await transaction.ProduceAsync(topic, [KafkaRecord.Text("kept-0"), KafkaRecord.Text("kept-1")]);
        await transaction.CommitAsync();
        await transaction.BeginAgainAsync();
        await transaction.ProduceAsync(topic, [KafkaRecord.Text("aborted-3"), KafkaRecord.Text("aborted-4")]);
        await transaction.AbortAsync();
        await using var source = await OpenAsync(topic);
        await using var uncommitted = await OpenAsync(topic, settings => settings with { Properties = new Dictionary<string, string> { ["isolation.level"] = "read_uncommitted" } });

        var (records, events) = await source.ReadAsync(0, 0, 6);
        var (all, _) = await uncommitted.ReadAsync(0, 0, 6);

        Assert.Equal([(0, "kept-0"), (1, "kept-1")], records.Select(record => (record.Offset, record.Value)));
        Assert.Equal(6, events.OfType<SourceEvent.ReachedEnd>().Last().NextOffset);
        Assert.Equal([0, 1, 3, 4], all.Select(record => record.Offset));
        Assert.Equal(2, await source.CountAsync(0, 0, 6, CancellationToken.None));
        Assert.Equal(4, await uncommitted.CountAsync(0, 0, 6, CancellationToken.None));
        Assert.Null(await source.ProbeAsync(0, 2, CancellationToken.None));
        Assert.Equal(3, (await uncommitted.ProbeAsync(0, 2, CancellationToken.None))!.Offset);
    }

    [Fact]
    public async Task An_open_transaction_ends_what_can_be_seen()
    {
        var (client, topic) = await NewTopicAsync("open-transaction");
        await client.ProduceTextAsync(topic, ["a", "b"]);
        var transaction = await client.BeginTransactionAsync();
        await transaction.ProduceAsync(topic, [KafkaRecord.Text("c")]);
        await client.ProduceTextAsync(topic, ["d"]);
        await using var source = await OpenAsync(topic);

        var whileOpen = (await source.RangesAsync([0], CancellationToken.None))[0];
        var (before, events) = await source.ReadAsync(0, 0, 2);
        await transaction.CommitAsync();
        var (after, _) = await source.ReadAsync(0, 2, 5);

        Assert.Equal(new OffsetRange(0, 2), whileOpen);
        Assert.Equal(["a", "b"], before.Select(record => record.Value));
        Assert.Equal(new SourceEvent.ReachedEnd(0, 2, 1), events[^1]);
        Assert.Equal(["c", "d"], after.Select(record => record.Value));
    }

    [Fact]
    public async Task Holes_of_compaction_are_passed_and_can_be_counted_again()
    {
        var (client, topic) = await NewTopicAsync("compacted", 1, ("cleanup.policy", "compact"), ("segment.ms", "100"), ("min.cleanable.dirty.ratio", "0.01"), ("min.compaction.lag.ms", "0"));
        for (var round = 0; round < 4; round++)
            await client.ProduceAsync(topic, Enumerable.Range(0, 50).Select(i => new KafkaRecord(Encoding.UTF8.GetBytes($"k{i % 10}"), Encoding.UTF8.GetBytes($"{round}-{i}"))));
        // Compaction leaves the active segment alone; a record after the others have rolled ends it.
        var expected = await client.ConsumeAsync(topic);
        while (expected.Count > 150)
        {
            await client.ProduceAsync(topic, [new KafkaRecord("end"u8.ToArray(), "end"u8.ToArray())]);
            expected = await client.ConsumeAsync(topic);
        }
        await client.AlterTopicAsync(topic, ("cleanup.policy", "delete"), ("retention.ms", "-1"));
        expected = await client.ConsumeAsync(topic);
        var end = (await client.OffsetsAsync(topic))[0].End;
        await using var source = await OpenAsync(topic);

        var (records, events) = await source.ReadAsync(0, 0, end);

        Assert.Equal(expected.Select(record => (record.Offset, Encoding.UTF8.GetString(record.Value!))), records.Select(record => (record.Offset, record.Value!)));
        Assert.DoesNotContain(events, item => item is not SourceEvent.ReachedEnd);
        Assert.Equal(expected.Count, await source.CountAsync(0, 0, end, CancellationToken.None));
        Assert.Equal(records[1].Offset, (await source.ProbeAsync(0, records[0].Offset + 1, CancellationToken.None))!.Offset);
    }

    [Fact]
    public async Task Deleted_records_are_out_of_range()
    {
        var (client, topic) = await NewTopicAsync("deleted");
        await client.ProduceTextAsync(topic, ["a", "b", "c", "d"]);
        await client.DeleteRecordsAsync(topic, 0, 3);
        await using var source = await OpenAsync(topic);

        var range = (await source.RangesAsync([0], CancellationToken.None))[0];
        var lane = (await source.AssignAsync([new PartitionPosition(0, 1)], 1, 1, CancellationToken.None))[0];
        var (records, events) = await lane.ReadUntilAsync((_, seen) => seen.Count != 0);
        var (rest, _) = await source.ReadAsync(0, range.LogStart, range.End);

        Assert.Equal(new OffsetRange(3, 4), range);
        Assert.Empty(records);
        Assert.Contains("does not hold offset 1 any more or not yet", Assert.IsType<SourceEvent.OffsetOutOfRange>(Assert.Single(events)).Detail, StringComparison.Ordinal);
        Assert.Equal("d", Assert.Single(rest).Value);
        Assert.Equal(3, (await source.ProbeAsync(0, 0, CancellationToken.None))!.Offset);
        Assert.Null(await source.ProbeAsync(0, 9, CancellationToken.None));
        Assert.Equal(1, await source.CountAsync(0, 0, 4, CancellationToken.None));
    }

    [Fact]
    public async Task Partitions_that_are_added_are_seen_and_read()
    {
        var (client, topic) = await NewTopicAsync("grown");
        await using var source = await OpenAsync(topic);
        var before = await source.IdentifyAsync(CancellationToken.None);
        await client.AddPartitionsAsync(topic, 3);
        await client.ProduceTextAsync(topic, ["new"], 2);

        var after = await source.IdentifyAsync(CancellationToken.None);
        var lanes = await source.AssignAsync([.. Enumerable.Range(0, 3).Select(partition => new PartitionPosition(partition, 0))], 1, 2, CancellationToken.None);
        var (records, _) = await lanes[0].ReadUntilAsync((read, _) => read.Count != 0);

        Assert.Equal((1, 3), (before.PartitionCount, after.PartitionCount));
        Assert.Equal((2, "new"), (records[0].Partition, records[0].Value));
    }

    [Fact]
    public async Task A_topic_created_again_is_told_apart()
    {
        var (client, topic) = await NewTopicAsync("again");
        await using var source = await OpenAsync(topic);
        var first = await source.IdentifyAsync(CancellationToken.None);
        var firstId = await TopicIdAsync(client, topic);
        await client.DeleteTopicAsync(topic);
        await client.CreateTopicAsync(topic);

        var second = await source.IdentifyAsync(CancellationToken.None);

        Assert.Equal(await client.ClusterIdAsync(), first.ClusterId);
        Assert.Equal(firstId, first.TopicId);
        Assert.Equal(await TopicIdAsync(client, topic), second.TopicId);
        Assert.NotEqual(firstId, await TopicIdAsync(client, topic));
    }

    [Fact]
    public async Task Offsets_are_found_by_time()
    {
        var (client, topic) = await NewTopicAsync("times", 3, ("retention.ms", "-1")); // The records are years old, and the broker looks every second.
        var epoch = DateTimeOffset.FromUnixTimeMilliseconds(1700000000000);
        await client.ProduceAsync(topic, Enumerable.Range(0, 10).Select(i => KafkaRecord.Text($"{i}", 0, epoch.AddMinutes(i).ToUnixTimeMilliseconds())));
        await client.ProduceAsync(topic, [KafkaRecord.Text("late", 1, epoch.AddHours(1).ToUnixTimeMilliseconds())]);
        await using var source = await OpenAsync(topic);

        async Task<IReadOnlyList<long?>> At(DateTimeOffset time) => await source.OffsetsForTimeAsync([1, 0, 2], time, CancellationToken.None);

        Assert.Equal([0, 4, null], await At(epoch.AddMinutes(3.5)));
        Assert.Equal([0, 0, null], await At(DateTimeOffset.MinValue));
        Assert.Equal([0, null, null], await At(epoch.AddMinutes(10)));
        Assert.Equal([null, null, null], await At(epoch.AddDays(1)));
    }

    [Fact]
    public async Task A_group_shows_offsets_and_mark_to_others_and_the_other_way_round()
    {
        var (client, topic) = await NewTopicAsync("group", 2);
        var group = KafkaBroker.NewName("group");
        await client.ProduceTextAsync(topic, ["a", "b"]);
        await using var source = await OpenAsync(topic, settings => settings with { GroupId = group });
        await source.ReadAsync(0, 0, 2);

        var before = await source.ReadGroupMarkAsync(CancellationToken.None);
        var stored = await source.StoreGroupOffsetsAsync([new PartitionPosition(0, 2), new PartitionPosition(1, 0)], "mark\0", CancellationToken.None);
        var seen = await client.GroupOffsetsAsync(group, topic);
        await using var reader = await OpenAsync(topic, settings => settings with { GroupId = group });
        var asRead = await reader.ReadGroupMarkAsync(CancellationToken.None);
        await client.CommitGroupOffsetAsync(group, topic, 0, 1, "other");

        Assert.Null(before);
        Assert.Equal((true, null), stored);
        Assert.Equal([2, 0], [seen[0].Offset, seen[1].Offset]);
        // The Python client reads metadata up to a NUL, wherever that is.
        Assert.All(seen.Values, entry => Assert.StartsWith("mark", entry.Metadata, StringComparison.Ordinal));
        Assert.Equal("mark", asRead);
        Assert.Equal("other", await source.ReadGroupMarkAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_missing_topic_is_an_error_and_is_not_created()
    {
        var broker = await kafka.BrokerAsync();
        var topic = KafkaBroker.NewName("missing");
        await using var source = await OpenAsync(topic);

        var error = await Assert.ThrowsAsync<SourceException>(async () => await source.IdentifyAsync(CancellationToken.None));
        var lane = (await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];
        await lane.PollAsync(lane.CreateBatch(), 1, TimeSpan.FromSeconds(1), [], CancellationToken.None);

        Assert.Equal(SourceErrorKind.UnknownTopic, error.Kind);
        Assert.Equal(
            $"Could not look up topic {topic} at {broker.Bootstrap}: Broker: Unknown topic or partition. Topics are not created by reading: create {topic}, or correct the name.",
            error.Message);
        Assert.DoesNotContain(topic, await (await kafka.ClientAsync()).TopicNamesAsync());
    }

    [Fact]
    public async Task What_a_transactional_producer_of_ours_aborts_is_not_read()
    {
        var (_, topic) = await NewTopicAsync("own-transactions");
        var broker = await kafka.BrokerAsync();
        var wait = TimeSpan.FromSeconds(30);
        using var producer = RecordProducer.Open(
            ClientLibrary.Loaded,
            new Dictionary<string, string> { ["bootstrap.servers"] = broker.Bootstrap, ["transactional.id"] = KafkaBroker.NewName("transaction") },
            TimeProvider.System);

        producer.InitTransactions(wait);
        producer.BeginTransaction();
        producer.Produce(topic, default, "aborted"u8, 0);
        producer.AbortTransaction(wait);
        producer.BeginTransaction();
        producer.Produce(topic, default, "kept"u8, 0);
        producer.CommitTransaction(wait);

        await using var source = await OpenAsync(topic);
        var (records, _) = await source.ReadAsync(0, 0, 4);
        Assert.Equal([(2, "kept")], records.Select(record => (record.Offset, record.Value)));
        Assert.Equal((2, 0), (producer.DeliveredCount, producer.FailedCount));
    }

    /// <summary>The Python client spells ids in plain base64, Kafka itself in base64url.</summary>
    private static async Task<string> TopicIdAsync(KafkaClient client, string topic) => (await client.TopicIdAsync(topic)).Replace('+', '-').Replace('/', '_');

    private async Task<(KafkaClient Client, string Topic)> NewTopicAsync(string stem, int partitions = 1, params (string Name, string Value)[] configs)
    {
        var client = await kafka.ClientAsync();
        var topic = KafkaBroker.NewName(stem);
        await client.CreateTopicAsync(topic, partitions, configs);
        return (client, topic);
    }

    private async Task<LibrdkafkaSource> OpenAsync(string topic, Func<KafkaSettings, KafkaSettings>? change = null)
    {
        var settings = new KafkaSettings { BootstrapServers = (await kafka.BrokerAsync()).Bootstrap };
        return LibrdkafkaSource.Open(ClientLibrary.Loaded, change?.Invoke(settings) ?? settings, topic, TimeProvider.System);
    }
}
