using Matih.Fixtures;
using Matih.Kafka;

namespace Matih.Interop.Tests.Kafka;

/// <summary>Connections that a broker accepts or refuses, with each librdkafka.</summary>
public sealed class LibrdkafkaSecurityTests(SharedKafka kafka)
{
    public static TheoryData<string> Versions => LibrdkafkaVersions.All;

    /// <summary>The version, what the broker speaks, what the client speaks, and what it is told.</summary>
    public static TheoryData<string, string, string, string> WrongProtocols
    {
        get
        {
            var cases = new TheoryData<string, string, string, string>();
            foreach (var version in (string[])[LibrdkafkaVersions.System, LibrdkafkaVersions.Newer])
            {
                cases.Add(version, "tls", "PLAINTEXT", "it closed the connection: perhaps it wants TLS or SASL (security.protocol)");
                cases.Add(version, "sasl", "PLAINTEXT", "it closed the connection: perhaps it wants TLS or SASL (security.protocol)");
                cases.Add(version, "plain", "SSL", "the TLS handshake failed: perhaps it speaks no TLS (security.protocol)");
            }
            return cases;
        }
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Client_certificates_are_accepted(string version)
    {
        var broker = await kafka.BrokerAsync();

        await ReadOneAsync(version, broker.Ssl, new()
        {
            ["security.protocol"] = "SSL",
            ["ssl.ca.location"] = broker.CaPath,
            ["ssl.certificate.location"] = broker.ClientCertificatePath,
            ["ssl.key.location"] = broker.ClientKeyPath,
        });
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task A_broker_of_an_unknown_authority_is_refused(string version)
    {
        var broker = await kafka.BrokerAsync();
        await using var source = await OpenAsync(version, broker.SaslSsl, "any", new(Plain(broker)) { ["security.protocol"] = "SASL_SSL" });

        var error = await Assert.ThrowsAsync<SourceException>(async () => await source.IdentifyAsync(CancellationToken.None));

        Assert.Equal(SourceErrorKind.Authentication, error.Kind);
        Assert.Contains("certificate", error.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Plain_over_tls_is_accepted(string version)
    {
        var broker = await kafka.BrokerAsync();

        await ReadOneAsync(version, broker.SaslSsl, new(Plain(broker)) { ["security.protocol"] = "SASL_SSL", ["ssl.ca.location"] = broker.CaPath });
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task A_wrong_password_is_an_authentication_error_in_questions_and_lanes(string version)
    {
        var broker = await kafka.BrokerAsync();
        await using var source = await OpenAsync(version, broker.SaslPlaintext, "any", new(Plain(broker)) { ["sasl.password"] = "not-the-secret" });

        var error = await Assert.ThrowsAsync<SourceException>(async () => await source.IdentifyAsync(CancellationToken.None));
        var lane = (await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];
        var (_, events) = await lane.ReadUntilAsync((_, seen) => seen.Count != 0);

        Assert.Equal(SourceErrorKind.Authentication, error.Kind);
        Assert.StartsWith($"Could not look up topic any: {broker.SaslPlaintext} refused us: ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("not-the-secret", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Likely cause", error.Message, StringComparison.Ordinal);
        var failed = Assert.IsType<SourceEvent.Failed>(events[0]);
        Assert.Null(failed.Partition);
        Assert.DoesNotContain("not-the-secret", failed.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SCRAM-SHA-256")]
    [InlineData("SCRAM-SHA-512")]
    public async Task Scram_is_accepted_from_a_library_that_does_it_right(string mechanism)
    {
        var broker = await kafka.BrokerAsync();
        var library = await LibrdkafkaVersions.LoadAsync(LibrdkafkaVersions.Newer);
        Assert.Empty(new KafkaSettings { BootstrapServers = "any", Properties = new Dictionary<string, string> { ["sasl.mechanism"] = mechanism } }.WarningsFor(library));

        await ReadOneAsync(LibrdkafkaVersions.Newer, broker.SaslPlaintext, new(Plain(broker)) { ["sasl.mechanism"] = mechanism });
    }

    [Fact]
    public async Task Scram_with_an_old_library_warns_and_is_named_as_the_likely_cause()
    {
        var broker = await kafka.BrokerAsync();
        var library = await LibrdkafkaVersions.LoadAsync(LibrdkafkaVersions.System);
        Assert.SkipUnless(library.VersionNumber < 0x02060100, $"the system's librdkafka is {library.Version}, which does SCRAM right");
        await using var source = await OpenAsync(LibrdkafkaVersions.System, broker.SaslPlaintext, "any", new(Plain(broker)) { ["sasl.mechanism"] = "SCRAM-SHA-256" });

        var error = await Assert.ThrowsAsync<SourceException>(async () => await source.IdentifyAsync(CancellationToken.None));

        Assert.Equal(
            $"SCRAM with librdkafka {library.Version}: versions before 2.6.1 repeat the client's nonce, which Kafka 3.8.1, 4.0 and later refuse as invalid credentials. " +
            "Use librdkafka 2.6.1 or later (MATIH_LIBRDKAFKA names its path).",
            Assert.Single(source.Warnings));
        Assert.Equal(SourceErrorKind.Authentication, error.Kind);
        Assert.EndsWith($"Likely cause: {source.Warnings[0]}", error.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Unsecured_tokens_are_accepted(string version)
    {
        var broker = await kafka.BrokerAsync();

        await ReadOneAsync(version, broker.SaslPlaintext, new()
        {
            ["security.protocol"] = "SASL_PLAINTEXT",
            ["sasl.mechanism"] = "OAUTHBEARER",
            ["enable.sasl.oauthbearer.unsecure.jwt"] = "true",
            ["sasl.oauthbearer.config"] = "principal=alice",
        });
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task A_group_that_may_not_be_read_is_a_reason_and_does_not_hinder_reading(string version)
    {
        var (broker, client) = (await kafka.BrokerAsync(), await kafka.ClientAsync());
        var (topic, group) = (KafkaBroker.NewName("group-acl"), KafkaBroker.NewName("group"));
        await client.CreateTopicAsync(topic);
        await client.ProduceTextAsync(topic, ["a"]);
        await client.AddAclAsync("alice", allow: false, "ALL", "GROUP", group);
        await using var source = await OpenAsync(version, broker.SaslPlaintext, topic, Plain(broker), group);

        var (records, _) = await source.ReadAsync(0, 0, 1);
        var mark = await source.ReadGroupMarkAsync(CancellationToken.None);
        var (stored, reason) = await source.StoreGroupOffsetsAsync([new PartitionPosition(0, 1)], "mark", CancellationToken.None);

        Assert.Equal("a", Assert.Single(records).Value);
        Assert.Null(mark);
        Assert.False(stored);
        Assert.Contains($"The principal needs the right to read group {group}.", reason, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task A_topic_that_may_not_be_seen_or_read_is_an_authorization_error(string version)
    {
        var (broker, client) = (await kafka.BrokerAsync(), await kafka.ClientAsync());
        var topic = KafkaBroker.NewName("topic-acl");
        await client.CreateTopicAsync(topic);
        await client.ProduceTextAsync(topic, ["a"]);
        // With any rule for a topic, what no rule allows is refused.
        await client.AddAclAsync("alice", allow: true, "DESCRIBE", "TOPIC", topic);
        await using var alice = await OpenAsync(version, broker.SaslPlaintext, topic, Plain(broker));
        await using var bob = await OpenAsync(version, broker.SaslPlaintext, topic, new(Plain(broker)) { ["sasl.username"] = "bob", ["sasl.password"] = "bob-secret" });

        var identity = await alice.IdentifyAsync(CancellationToken.None);
        var lane = (await alice.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];
        var (_, events) = await lane.ReadUntilAsync((_, seen) => seen.Count != 0);
        var error = await Assert.ThrowsAsync<SourceException>(async () => await bob.IdentifyAsync(CancellationToken.None));

        Assert.Equal(1, identity.PartitionCount);
        Assert.Equal(0, Assert.IsType<SourceEvent.Failed>(events[0]).Partition);
        Assert.Equal(SourceErrorKind.Authorization, error.Kind);
        Assert.EndsWith($"The principal needs the rights to describe and read topic {topic}.", error.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task A_misspelt_topic_is_answered_with_the_nearest_one_that_the_principal_may_see(string version)
    {
        var (broker, client) = (await kafka.BrokerAsync(), await kafka.ClientAsync());
        var topic = KafkaBroker.NewName("web.clicks");
        var misspelt = topic.Replace("clicks", "clikcs", StringComparison.Ordinal);
        await client.CreateTopicAsync(topic);
        await client.AddAclAsync("alice", allow: true, "DESCRIBE", "TOPIC", topic);
        await using var alice = await OpenAsync(version, broker.SaslPlaintext, misspelt, Plain(broker));
        await using var bob = await OpenAsync(version, broker.SaslPlaintext, misspelt, new(Plain(broker)) { ["sasl.username"] = "bob", ["sasl.password"] = "bob-secret" });

        var told = await Assert.ThrowsAsync<SourceException>(async () => await alice.IdentifyAsync(CancellationToken.None));
        var notTold = await Assert.ThrowsAsync<SourceException>(async () => await bob.IdentifyAsync(CancellationToken.None));

        Assert.EndsWith($"; did you mean '{topic}'? Topics are not created by reading: create {misspelt}, or correct the name.", told.Message, StringComparison.Ordinal);
        Assert.EndsWith($"artition. Topics are not created by reading: create {misspelt}, or correct the name.", notTold.Message, StringComparison.Ordinal);
        Assert.NotNull(alice.LastContact);
    }

    [Theory, MemberData(nameof(WrongProtocols))]
    public async Task A_client_that_speaks_another_protocol_hears_so_long_before_the_calls_time_is_over(string version, string listener, string protocol, string cause)
    {
        var broker = await kafka.BrokerAsync();
        var address = listener switch { "tls" => broker.Ssl, "sasl" => broker.SaslPlaintext, _ => broker.Bootstrap };
        var properties = new Dictionary<string, string> { ["security.protocol"] = protocol, ["ssl.ca.location"] = broker.CaPath };
        await using var source = await OpenAsync(version, address, "any", properties);

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

    private async Task ReadOneAsync(string version, string bootstrap, Dictionary<string, string> properties)
    {
        var client = await kafka.ClientAsync();
        var topic = KafkaBroker.NewName("secured");
        await client.CreateTopicAsync(topic);
        await client.ProduceTextAsync(topic, ["a"]);
        await using var source = await OpenAsync(version, bootstrap, topic, properties);

        var identity = await source.IdentifyAsync(CancellationToken.None);
        var (records, _) = await source.ReadAsync(0, 0, 1);

        Assert.Equal(1, identity.PartitionCount);
        Assert.Equal("a", Assert.Single(records).Value);
    }

    private static async Task<LibrdkafkaSource> OpenAsync(string version, string bootstrap, string topic, Dictionary<string, string> properties, string? group = null) =>
        LibrdkafkaSource.Open(
            await LibrdkafkaVersions.LoadAsync(version),
            new KafkaSettings { BootstrapServers = bootstrap, GroupId = group, Properties = properties },
            topic, TimeProvider.System);
}
