using Matih.Kafka;
using Matih.Kafka.Native;

namespace Matih.Engine.Tests.Kafka;

public sealed class KafkaSettingsTests
{
    private static readonly KafkaSettings Plain = new() { BootstrapServers = "localhost:9092" };

    [Theory]
    [InlineData("enable.auto.commit")]
    [InlineData("enable.auto.offset.store")]
    [InlineData("auto.offset.reset")]
    [InlineData("enable.partition.eof")]
    [InlineData("group.instance.id")]
    [InlineData("group.protocol")]
    [InlineData("partition.assignment.strategy")]
    [InlineData("allow.auto.create.topics")]
    [InlineData("topic.blacklist")]
    [InlineData("api.version.request")]
    [InlineData("bootstrap.servers")]
    [InlineData("group.id")]
    public void Reserved_properties_are_errors(string property)
    {
        var settings = Plain with { Properties = new Dictionary<string, string> { [property] = "true" } };

        var error = Assert.Single(settings.Validate());

        Assert.Equal(property, error.Property);
        Assert.StartsWith($"The property {property} cannot be set: ", error.Message, StringComparison.Ordinal);
        Assert.Throws<SourceException>(() => LibrdkafkaSource.Open(MockTopic.Library, settings, "t", TimeProvider.System));
    }

    [Fact]
    public void The_library_checks_names_and_values_without_showing_secrets()
    {
        var settings = Plain with
        {
            Properties = new Dictionary<string, string> { ["no.such.property"] = "1", ["fetch.wait.max.ms"] = "often", ["sasl.password"] = "hush", ["client.rack"] = "a" },
        };

        var errors = settings.Validate(MockTopic.Library);

        Assert.Equal(["no.such.property", "fetch.wait.max.ms"], errors.Select(error => error.Property));
        Assert.Contains("No such configuration property", errors[0].Message, StringComparison.Ordinal);
        Assert.Contains("nvalid value", errors[1].Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("foo", "Unrecognized sasl.oauthbearer.config")]
    [InlineData("scope=read", "no principal=")]
    [InlineData("principal=", "empty '")]
    [InlineData("principal=me lifeSeconds=soon", "non-integral 'lifeSeconds='")]
    [InlineData("principal=me lifeSeconds=0", "out of range")]
    [InlineData(null, "must not be empty")]
    public void Claims_that_make_no_token_are_refused_before_there_is_a_connection(string? claims, string reason)
    {
        var error = Assert.Single(WithClaims(claims).Validate(MockTopic.Library));

        Assert.Equal("sasl.oauthbearer.config", error.Property);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("principal=me")]
    [InlineData("principalClaimName=azp principal=admin scopeClaimName=roles scope=role1,role2 lifeSeconds=600 extension_trace=123")]
    public void Claims_that_make_a_token_are_accepted(string claims) => Assert.Empty(WithClaims(claims).Validate(MockTopic.Library));

    private static KafkaSettings WithClaims(string? claims)
    {
        var properties = new Dictionary<string, string>
        {
            ["security.protocol"] = "sasl_plaintext", ["sasl.mechanism"] = "OAUTHBEARER", ["enable.sasl.oauthbearer.unsecure.jwt"] = "true",
        };
        if (claims is not null) properties["sasl.oauthbearer.config"] = claims;
        return Plain with { Properties = properties };
    }

    [Fact]
    public void A_short_secret_is_masked_where_it_stands_alone()
    {
        Dictionary<string, string> properties = new() { ["sasl.password"] = "b" };

        Assert.Equal("not supported in this build: '***', ***=1", KafkaProperties.Redact("not supported in this build: 'b', b=1", properties));
        properties["sasl.password"] = "hush";
        Assert.Equal("in***ed", KafkaProperties.Redact("inhushed", properties));
    }

    [Fact]
    public void Nothing_secret_is_shown()
    {
        var settings = Plain with
        {
            BootstrapServers = "SASL_SSL://me:hush@broker:9092",
            Properties = new Dictionary<string, string>
            {
                ["sasl.password"] = "hush", ["ssl.key.password"] = "hush", ["ssl.key.pem"] = "hush", ["ssl.keystore.password"] = "hush",
                ["sasl.oauthbearer.config"] = "hush", ["sasl.oauthbearer.client.secret"] = "hush",
                ["sasl.oauthbearer.token.endpoint.url"] = "https://me:hush@host/token", ["sasl.username"] = "me",
            },
        };

        Assert.DoesNotContain("hush", settings.ToString(), StringComparison.Ordinal);
        Assert.Contains("https://***@host/token", settings.ToString(), StringComparison.Ordinal);
        Assert.Contains("sasl.username=me", settings.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_that_the_library_refuses_is_not_shown_where_it_is_secret()
    {
        var settings = Plain with { Properties = new Dictionary<string, string> { ["ssl.key.pem"] = "hush-hush" , ["security.protocol"] = "ssl" } };

        // The key is only read when a connection is made ready.
        var error = Assert.Throws<SourceException>(() => LibrdkafkaSource.Open(MockTopic.Library, settings, "t", TimeProvider.System)
            .AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None).AsTask().GetAwaiter().GetResult());

        Assert.Equal(SourceErrorKind.Configuration, error.Kind);
        Assert.DoesNotContain("hush-hush", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1 << 20, 1)]
    [InlineData(64 << 20, 4)]
    [InlineData(1 << 30, 16)]
    public void Native_queues_stay_within_their_share(long queueBytes, int lanes)
    {
        var properties = (Plain with { QueueBytes = queueBytes, QueueCountMax = lanes }).ReaderProperties("t");

        var payload = long.Parse(properties["queued.max.messages.kbytes"]) * 1024 * lanes;
        var overhead = long.Parse(properties["queued.min.messages"]) * 400 * lanes;
        Assert.InRange(payload + overhead + long.Parse(properties["fetch.max.bytes"]), queueBytes / 4, Math.Max(queueBytes, 3 << 20));
        Assert.True(long.Parse(properties["max.partition.fetch.bytes"]) <= long.Parse(properties["fetch.max.bytes"]));
    }

    [Fact]
    public void A_property_given_wins_over_a_default_but_not_over_what_keeps_records()
    {
        var settings = Plain with { Properties = new Dictionary<string, string> { ["isolation.level"] = "read_uncommitted", ["check.crcs"] = "false", ["fetch.max.bytes"] = "2000000" } };

        var properties = settings.ReaderProperties("t");

        Assert.Equal(IsolationLevel.ReadUncommitted, settings.Isolation);
        Assert.Equal(("read_uncommitted", "false", "2000000"), (properties["isolation.level"], properties["check.crcs"], properties["fetch.max.bytes"]));
        Assert.Equal(("error", "false", "false"), (properties["auto.offset.reset"], properties["enable.auto.commit"], properties["allow.auto.create.topics"]));
        Assert.Equal(("read_committed", "true"), (Plain.ReaderProperties("t")["isolation.level"], Plain.ReaderProperties("t")["check.crcs"]));
    }
}
