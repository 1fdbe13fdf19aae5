using System.Collections.Immutable;
using Matih.Definition;
using Matih.Delivery;
using Matih.Hosting;
using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Hosting;

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

    [Fact]
    public void A_catalog_whose_settings_cannot_be_used_is_named_with_the_way_out()
    {
        var options = ImmutableSortedDictionary<string, string>.Empty.Add("Timeout", "hunter2");
        var catalog = new CatalogDefinition.Sql("lake", new SqlDatabase.PostgreSql("db", 5432, "ice", "u", null, options), "/warehouse", "lake");
        var settings = Settings.Of();
        var connectors = new HostConnectors(settings, SystemEnvironment.Create(settings), EngineLog.None, laneCountMax: 3);

        var failure = Assert.Throws<PipelineException>(() => connectors.OpenCatalog(catalog, connectors.OpenStore(catalog)));

        Assert.Equal(FailureKind.Catalog, failure.Kind);
        Assert.StartsWith("Catalog lake: The setting 'Timeout' of the PostgreSQL database ice on db:5432", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Sources_of_one_registry_share_its_client_and_one_that_cannot_be_opened_is_named()
    {
        Assert.True(EndpointUrl.TryParse("https://registry.example.com", out var url));
        var registry = new RegistryDefinition("schemas", [url!]);
        var settings = Settings.Of();
        var connectors = new HostConnectors(settings, SystemEnvironment.Create(settings), EngineLog.None, laneCountMax: 3);

        Assert.Same(connectors.OpenRegistry(registry), connectors.OpenRegistry(registry));
        Assert.NotSame(connectors.OpenRegistry(registry), connectors.OpenRegistry(registry with { Name = "others" }));
        var failure = Assert.Throws<PipelineException>(() => connectors.OpenRegistry(registry with { Ca = "/no/such/file" }));

        Assert.Equal(FailureKind.BadDefinition, failure.Kind);
        Assert.StartsWith("Schema registry https://registry.example.com/: The file /no/such/file cannot be read", failure.Message, StringComparison.Ordinal);
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
        var settings = Settings.Of(variables);
        var connectors = new HostConnectors(settings, SystemEnvironment.Create(settings), EngineLog.None, laneCountMax: 3);
        return connectors.SettingsOf(result.Definition.Sources[0], 1 << 20);
    }
}
