using Matih.Fixtures;
using Matih.Kafka;
using Matih.Kafka.Native;

namespace Matih.Interop.Tests.Kafka;

/// <summary>Connections that a broker accepts or refuses.</summary>
public sealed class LibrdkafkaSecurityTests(SharedKafka kafka)
{
    [Fact]
    public async Task Client_certificates_are_accepted()
    {
        var broker = await kafka.BrokerAsync();

        await ReadOneAsync(broker.Ssl, new()
        {
            ["security.protocol"] = "SSL",
            ["ssl.ca.location"] = broker.CaPath,
            ["ssl.certificate.location"] = broker.ClientCertificatePath,
            ["ssl.key.location"] = broker.ClientKeyPath,
        });
    }

    [Fact]
    public async Task A_broker_of_an_unknown_authority_is_refused()
    {
        var broker = await kafka.BrokerAsync();
        await using var source = Open(broker.SaslSsl, "any", new(Plain(broker)) { ["security.protocol"] = "SASL_SSL" });

        var error = await Assert.ThrowsAsync<SourceException>(async () => await source.IdentifyAsync(CancellationToken.None));

        Assert.Equal(SourceErrorKind.Authentication, error.Kind);
        Assert.Contains("certificate", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plain_over_tls_is_accepted()
    {
        var broker = await kafka.BrokerAsync();

        await ReadOneAsync(broker.SaslSsl, new(Plain(broker)) { ["security.protocol"] = "SASL_SSL", ["ssl.ca.location"] = broker.CaPath });
    }

    [Fact]
    public async Task A_wrong_password_is_an_authentication_error_in_questions_and_lanes()
    {
        var broker = await kafka.BrokerAsync();
        await using var source = Open(broker.SaslPlaintext, "any", new(Plain(broker)) { ["sasl.password"] = "not-the-secret" });

        var error = await Assert.ThrowsAsync<SourceException>(async () => await source.IdentifyAsync(CancellationToken.None));
        var lane = (await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];
        var (_, events) = await lane.ReadUntilAsync((_, seen) => seen.Count != 0);

        Assert.Equal(SourceErrorKind.Authentication, error.Kind);
        Assert.StartsWith($"Could not look up topic any: {broker.SaslPlaintext} refused us: ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("not-the-secret", error.Message, StringComparison.Ordinal);
        var failed = Assert.IsType<SourceEvent.Failed>(events[0]);
        Assert.Null(failed.Partition);
        Assert.DoesNotContain("not-the-secret", failed.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SCRAM-SHA-256")]
    [InlineData("SCRAM-SHA-512")]
    public async Task Scram_is_accepted(string mechanism)
    {
        var broker = await kafka.BrokerAsync();

        await ReadOneAsync(broker.SaslPlaintext, new(Plain(broker)) { ["sasl.mechanism"] = mechanism });
    }

    [Fact]
    public async Task Unsecured_tokens_are_accepted()
    {
        var broker = await kafka.BrokerAsync();

        await ReadOneAsync(broker.SaslPlaintext, new()
        {
            ["security.protocol"] = "SASL_PLAINTEXT",
            ["sasl.mechanism"] = "OAUTHBEARER",
            ["enable.sasl.oauthbearer.unsecure.jwt"] = "true",
            ["sasl.oauthbearer.config"] = "principal=alice",
        });
    }

    [Fact]
    public async Task A_group_that_may_not_be_read_is_a_reason_and_does_not_hinder_reading()
    {
        var (broker, client) = (await kafka.BrokerAsync(), await kafka.ClientAsync());
        var (topic, group) = (KafkaBroker.NewName("group-acl"), KafkaBroker.NewName("group"));
        await client.CreateTopicAsync(topic);
        await client.ProduceTextAsync(topic, ["a"]);
        await client.AddAclAsync("alice", allow: false, "ALL", "GROUP", group);
        await using var source = Open(broker.SaslPlaintext, topic, Plain(broker), group);

        var (records, _) = await source.ReadAsync(0, 0, 1);
        var mark = await source.ReadGroupMarkAsync(CancellationToken.None);
        var (stored, reason) = await source.StoreGroupOffsetsAsync([new PartitionPosition(0, 1)], "mark", CancellationToken.None);

        Assert.Equal("a", Assert.Single(records).Value);
        Assert.Null(mark);
        Assert.False(stored);
        Assert.Contains($"The principal needs the right to read group {group}.", reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_topic_that_may_not_be_seen_or_read_is_an_authorization_error()
    {
        var (broker, client) = (await kafka.BrokerAsync(), await kafka.ClientAsync());
        var topic = KafkaBroker.NewName("topic-acl");
        await client.CreateTopicAsync(topic);
        await client.ProduceTextAsync(topic, ["a"]);
        // With any rule for a topic, what no rule allows is refused.
        await client.AddAclAsync("alice", allow: true, "DESCRIBE", "TOPIC", topic);
        await using var alice = Open(broker.SaslPlaintext, topic, Plain(broker));
        await using var bob = Open(broker.SaslPlaintext, topic, new(Plain(broker)) { ["sasl.username"] = "bob", ["sasl.password"] = "bob-secret" });

        var identity = await alice.IdentifyAsync(CancellationToken.None);
        var lane = (await alice.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];
        var (_, events) = await lane.ReadUntilAsync((_, seen) => seen.Count != 0);
        var error = await Assert.ThrowsAsync<SourceException>(async () => await bob.IdentifyAsync(CancellationToken.None));

        Assert.Equal(1, identity.PartitionCount);
        Assert.Equal(0, Assert.IsType<SourceEvent.Failed>(events[0]).Partition);
        Assert.Equal(SourceErrorKind.Authorization, error.Kind);
        Assert.EndsWith($"The principal needs the rights to describe and read topic {topic}.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_misspelt_topic_is_answered_with_the_nearest_one_that_the_principal_may_see()
    {
        var (broker, client) = (await kafka.BrokerAsync(), await kafka.ClientAsync());
        var topic = KafkaBroker.NewName("web.clicks");
        var misspelt = topic.Replace("clicks", "clikcs", StringComparison.Ordinal);
        await client.CreateTopicAsync(topic);
        await client.AddAclAsync("alice", allow: true, "DESCRIBE", "TOPIC", topic);
        await using var alice = Open(broker.SaslPlaintext, misspelt, Plain(broker));
        await using var bob = Open(broker.SaslPlaintext, misspelt, new(Plain(broker)) { ["sasl.username"] = "bob", ["sasl.password"] = "bob-secret" });

        var told = await Assert.ThrowsAsync<SourceException>(async () => await alice.IdentifyAsync(CancellationToken.None));
        var notTold = await Assert.ThrowsAsync<SourceException>(async () => await bob.IdentifyAsync(CancellationToken.None));

        Assert.EndsWith($"; did you mean '{topic}'? Topics are not created by reading: create {misspelt}, or correct the name.", told.Message, StringComparison.Ordinal);
        Assert.EndsWith($"artition. Topics are not created by reading: create {misspelt}, or correct the name.", notTold.Message, StringComparison.Ordinal);
        Assert.NotNull(alice.LastContact);
    }

    [Theory]
    [InlineData("tls", "PLAINTEXT", "it closed the connection: perhaps it wants TLS or SASL (security.protocol)")]
    [InlineData("sasl", "PLAINTEXT", "it closed the connection: perhaps it wants TLS or SASL (security.protocol)")]
    [InlineData("plain", "SSL", "the TLS handshake failed: perhaps it speaks no TLS (security.protocol)")]
    public async Task A_client_that_speaks_another_protocol_hears_so_long_before_the_calls_time_is_over(string listener, string protocol, string cause)
    {
        var broker = await kafka.BrokerAsync();
        var address = listener switch { "tls" => broker.Ssl, "sasl" => broker.SaslPlaintext, _ => broker.Bootstrap };
        var properties = new Dictionary<string, string> { ["security.protocol"] = protocol, ["ssl.ca.location"] = broker.CaPath };
        await using var source = Open(address, "any", properties);

        var error = await Assert.ThrowsAsync<SourceException>(async () => await source.IdentifyAsync(CancellationToken.None));

        Assert.Equal($"Could not look up topic any: Kafka at {address} cannot be reached: {cause}.", error.Message);
    }

    private static Dictionary<string, string> Plain(KafkaBroker broker) => new()
    {
        ["security.protocol"] = "SASL_PLAINTEXT",
        ["sasl.mechanism"] = "PLAIN",
        ["sasl.username"] = broker.User,
        ["sasl.password"] = broker.Password,
    };

    private async Task ReadOneAsync(string bootstrap, Dictionary<string, string> properties)
    {
        var client = await kafka.ClientAsync();
        var topic = KafkaBroker.NewName("secured");
        await client.CreateTopicAsync(topic);
        await client.ProduceTextAsync(topic, ["a"]);
        await using var source = Open(bootstrap, topic, properties);

        var identity = await source.IdentifyAsync(CancellationToken.None);
        var (records, _) = await source.ReadAsync(0, 0, 1);

        Assert.Equal(1, identity.PartitionCount);
        Assert.Equal("a", Assert.Single(records).Value);
    }

    private static LibrdkafkaSource Open(string bootstrap, string topic, Dictionary<string, string> properties, string? group = null) =>
        LibrdkafkaSource.Open(
            ClientLibrary.Loaded,
            new KafkaSettings { BootstrapServers = bootstrap, GroupId = group, Properties = properties },
            topic, TimeProvider.System);
}
