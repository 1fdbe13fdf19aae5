using System.Text;
using Matih.Fixtures;

namespace Matih.Interop.Tests.FixtureTests;

public sealed class KafkaBrokerTests(SharedKafka kafka)
{
    [Fact]
    public async Task A_broker_answers_with_topics_records_and_offsets()
    {
        var client = await kafka.ClientAsync();
        var topic = KafkaBroker.NewName("fixture");

        await client.CreateTopicAsync(topic, 2, ("retention.ms", "-1"));
        await client.ProduceAsync(topic, [new KafkaRecord("k"u8.ToArray(), null, 1, 1700000000000, [("h", "v"u8.ToArray()), ("n", null)])], "zstd");
        await client.ProduceTextAsync(topic, ["a", "b", "c"]);
        await client.DeleteRecordsAsync(topic, 0, 1);

        Assert.Equal([new KafkaOffsets(0, 1, 3), new KafkaOffsets(1, 0, 1)], await client.OffsetsAsync(topic));
        var records = await client.ConsumeAsync(topic);
        Assert.Equal(["b", "c", null], records.Select(record => record.Value is null ? null : Encoding.UTF8.GetString(record.Value)));
        var last = records[^1];
        Assert.Equal(("k", 1, 1700000000000, 2), (Encoding.UTF8.GetString(last.Key!), last.Partition, last.TimestampMillis, last.Headers!.Count));
        Assert.Equal([("h", true), ("n", false)], last.Headers.Select(header => (header.Name, header.Value is not null)));
    }

    [Fact]
    public async Task Only_committed_transactions_are_read()
    {
        var client = await kafka.ClientAsync();
        var topic = KafkaBroker.NewName("fixture-transactions");
        await client.CreateTopicAsync(topic);

        var transaction = await client.BeginTransactionAsync();
        await transaction.ProduceAsync(topic, [KafkaRecord.Text("kept")]);
        await transaction.CommitAsync();
        await transaction.BeginAgainAsync();
        await transaction.ProduceAsync(topic, [KafkaRecord.Text("aborted")]);
        await transaction.AbortAsync();

        Assert.Equal(["kept"], (await client.ConsumeAsync(topic)).Select(record => Encoding.UTF8.GetString(record.Value!)));
        Assert.Equal(2, (await client.ConsumeAsync(topic, readUncommitted: true)).Count);
    }

    [Fact]
    public async Task A_topic_made_again_has_another_id_and_groups_keep_offsets()
    {
        var client = await kafka.ClientAsync();
        var (topic, group) = (KafkaBroker.NewName("fixture-id"), KafkaBroker.NewName("group"));
        await client.CreateTopicAsync(topic);
        var id = await client.TopicIdAsync(topic);
        await client.CommitGroupOffsetAsync(group, topic, 0, 7, "mark");
        var committed = await client.GroupOffsetsAsync(group, topic);

        await client.DeleteTopicAsync(topic);
        await client.CreateTopicAsync(topic);
        await client.AddPartitionsAsync(topic, 3);
        await client.AlterTopicAsync(topic, ("retention.ms", "1000"));

        Assert.Equal((7, "mark"), committed[0]);
        Assert.NotEqual(id, await client.TopicIdAsync(topic));
        Assert.Equal(3, (await client.OffsetsAsync(topic)).Count);
        Assert.NotEmpty(await client.ClusterIdAsync());
    }

    [Fact(Skip = "tests of brokers that die under a run need this, too; make soak runs it", SkipType = typeof(Soak), SkipUnless = nameof(Soak.IsOn)), LongTest]
    public async Task A_killed_broker_keeps_its_data_and_address()
    {
        await using var broker = await KafkaBroker.StartAsync();
        var address = broker.Bootstrap;
        var client = await broker.ClientAsync();
        await client.CreateTopicAsync("t");
        await client.ProduceTextAsync("t", ["a"]);

        await broker.KillAsync();
        await broker.RestartAsync();

        Assert.Equal(address, broker.Bootstrap);
        Assert.Single(await client.ConsumeAsync("t"));
    }

    [Fact]
    public async Task Every_listener_has_an_address_and_its_certificates()
    {
        var broker = await kafka.BrokerAsync();

        Assert.Equal(4, new[] { broker.Bootstrap, broker.SaslPlaintext, broker.SaslSsl, broker.Ssl }.Distinct().Count());
        Assert.All([broker.CaPath, broker.ClientCertificatePath, broker.ClientKeyPath], path => Assert.True(File.Exists(path)));
        Assert.Equal(("alice", "alice-secret"), (broker.User, broker.Password));
    }
}
