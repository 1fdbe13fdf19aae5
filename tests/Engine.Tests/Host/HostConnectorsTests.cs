using Matih.Definition;
using Matih.Host.Runtime;
using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Host;

public sealed class HostConnectorsTests
{
    [Fact]
    public void A_sources_connection_becomes_the_clients_settings()
    {
        var settings = SettingsOf("sasl.username: u, sasl.password: hunter2, fetch.min.bytes: 10");

        Assert.Equal("broker:9092", settings.BootstrapServers);
        Assert.Equal("g", settings.GroupId);
        Assert.Equal(1 << 20, settings.QueueBytes);
        Assert.Equal(3, settings.QueueCountMax);
        Assert.False(settings.IsMockCluster);
        Assert.Equal("10", settings.Properties["fetch.min.bytes"]);
        Assert.Equal("hunter2", settings.Properties["sasl.password"]);
        Assert.DoesNotContain("hunter2", settings.ToString(), StringComparison.Ordinal);
        Assert.Empty(settings.Validate());
    }

    [Fact]
    public void A_mock_cluster_is_known_by_the_property_or_by_the_variable()
    {
        Assert.True(SettingsOf("test.mock.num.brokers: 1").IsMockCluster);
        Assert.Empty(SettingsOf("test.mock.num.brokers: 1").Validate());
        Assert.True(SettingsOf("fetch.min.bytes: 1", ("MATIH_KAFKA_MOCK", "1")).IsMockCluster);
    }

    private static KafkaSettings SettingsOf(string properties, params (string, string)[] variables)
    {
        var text = $$"""
            metadata: { name: p }
            connections:
              main: { bootstrap_servers: "broker:9092", properties: { {{properties}} } }
            sources:
              s: { type: kafka, connection: main, topic: t, consumer_group: g, format: json }
            sinks:
              k: { type: iceberg, input: s, table: n.t }
            """;
        var result = DefinitionReader.Read("p.yaml", text, new DefinitionInputs { Environment = _ => null, ReadSecretFile = _ => "", BaseDirectory = "/" });
        Assert.True(result.IsValid, string.Join("\n", result.Errors));
        var connectors = new HostConnectors(MatihCommandTests.Settings(variables), SystemEnvironment.Create(), EngineLog.None, laneCountMax: 3);
        return connectors.SettingsOf(result.Definition.Sources[0], 1 << 20);
    }
}
