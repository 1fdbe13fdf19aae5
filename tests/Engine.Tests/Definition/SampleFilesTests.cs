using Matih.Definition;

namespace Matih.Engine.Tests.Definition;

public sealed class SampleFilesTests
{
    private static readonly DefinitionInputs Inputs = Samples.Inputs(("KAFKA_CONNECTION", "broker:9092"), ("KAFKA_PASSWORD", "planted-secret"));

    [Fact]
    public void Every_sample_is_valid_and_warns_of_nothing()
    {
        foreach (var file in Samples.All)
        {
            var result = DefinitionReader.Read(Path.GetFileName(file), File.ReadAllText(file), Inputs);

            Assert.Equal("", string.Join('\n', result.Errors.Concat(result.Warnings)));
        }
        Assert.True(Samples.All.Count() >= 4);
    }

    [Fact]
    public void The_clickstream_pipeline_reads_as_its_author_meant()
    {
        var definition = Samples.Valid(File.ReadAllText(Samples.RepositoryFile("samples/realtime-clickstream.yaml")), Inputs);

        Assert.Equal("realtime-clickstream 1.0.0 analytics-team", $"{definition.Metadata.Name} {definition.Metadata.Version} {definition.Metadata.Owner}");
        var flow = Assert.Single(definition.Flows);
        Assert.Equal("clickstream -> parse_events -> analytics_lake", flow.ToString());
        Assert.Equal("broker:9092", flow.Source.Connection.BootstrapServers);
        Assert.Equal("matih.web.clickstream", flow.Source.Topic);
        Assert.Equal(RecordFormat.Json, flow.Source.Format);
        Assert.Null(flow.Source.SchemaRegistry);
        Assert.Null(flow.Source.Schema);
        Assert.Equal(new StartOffset.Latest(), flow.Source.Start);
        Assert.Equal(new CatalogDefinition.File("default", "/base/warehouse"), flow.Sink.Catalog);
        Assert.Equal("analytics.web.clickstream_events", flow.Sink.Table.ToString());
        Assert.True(Assert.Single(flow.Sink.PartitionBy).MayBeEventDate);
        Assert.StartsWith("SELECT\n  JSON_VALUE(value, '$.user_id') AS user_id,\n", flow.Transformations[0].Sql.Text, StringComparison.Ordinal);
        Assert.Equal(
            (DeployTarget.Flink, TimeSpan.FromSeconds(60), 4, 10_000L, TimeSpan.FromSeconds(300), 3, 512L << 20),
            (definition.Orchestration.Engine, definition.Orchestration.CheckpointInterval, definition.Orchestration.Parallelism, definition.Orchestration.MaxRecords,
                definition.Orchestration.IdleTimeout, definition.Orchestration.MaxRetries, definition.Orchestration.MemoryBytesMax));
    }

    [Fact]
    public void Without_its_connection_variable_the_clickstream_pipeline_says_which_one()
    {
        var text = File.ReadAllText(Samples.RepositoryFile("samples/realtime-clickstream.yaml"));

        Assert.Equal(
            "p.yaml:8:17: sources.clickstream.connection: the environment variable KAFKA_CONNECTION is not set; set it, or give a default: ${KAFKA_CONNECTION:-...}",
            Samples.Errors(text));
    }

    [Fact]
    public void Typed_orders_have_their_columns_and_partitions()
    {
        var flow = Assert.Single(Samples.Valid(File.ReadAllText(Samples.RepositoryFile("samples/typed-orders.yaml")), Inputs).Flows);

        Assert.Equal(
            "ROW<`order_id` BIGINT NOT NULL, `customer_id` STRING, `status` STRING, `amount` DECIMAL(12, 2), `ordered_at` TIMESTAMP(3)>",
            flow.Source.Schema?.ToString());
        Assert.Equal(new JsonDefinition(false, false, JsonTimestampFormat.Iso8601), flow.Source.Json);
        Assert.Equal(
            [(PartitionTransform.Day, null, "ordered_at"), (PartitionTransform.Bucket, 16, "customer_id")],
            flow.Sink.PartitionBy.Select(entry => (entry.Transform, entry.Parameter, entry.Column)));
        Assert.Equal(64L << 20, flow.Sink.TargetFileBytes);
    }

    [Fact]
    public void Secure_payments_become_librdkafka_properties()
    {
        var source = Assert.Single(Samples.Valid(File.ReadAllText(Samples.RepositoryFile("samples/secure-payments.yaml")), Inputs).Sources);

        Assert.Equal(
            """
            bootstrap.servers=kafka-1.example.com:9093,kafka-2.example.com:9093
            check.crcs=true
            client.rack=eu-west-1a
            fetch.min.bytes=65536
            group.id=pipeline-payments
            isolation.level=read_committed
            sasl.mechanism=SCRAM-SHA-512
            sasl.password=planted-secret
            sasl.username=matih
            security.protocol=sasl_ssl
            ssl.ca.location=/etc/matih/ca.pem
            ssl.endpoint.identification.algorithm=https
            """,
            string.Join('\n', source.Connection.Properties.Select(pair => $"{pair.Key}={pair.Value}")));
        Assert.Equal("ROW<`payment_id` STRING NOT NULL, `account_id` STRING, `amount` DECIMAL(18, 4), `settled_at` TIMESTAMP_LTZ(3)>", source.Schema?.ToString());
    }

    [Fact]
    public void Sinks_of_one_source_have_flows_of_their_own()
    {
        var definition = Samples.Valid(File.ReadAllText(Samples.RepositoryFile("samples/clicks-fan-out.yaml")), Inputs);

        Assert.Equal(["clicks -> parsed -> all_clicks", "clicks -> parsed -> purchases -> purchases_only"], definition.Flows.Select(flow => flow.ToString()));
        Assert.Same(definition.Flows[0].Source, definition.Flows[1].Source);
    }

    [Fact]
    public void The_schema_for_editors_is_the_one_that_is_checked_in() =>
        CompareOrUpdate("samples/matih.schema.json", DefinitionFormat.JsonSchema());

    [Fact]
    public void The_reference_is_the_one_that_is_checked_in() =>
        CompareOrUpdate("docs/definition.md", DefinitionFormat.Reference());

    /// <summary><c>MATIH_UPDATE_GENERATED=1</c> writes the file instead of comparing it.</summary>
    private static void CompareOrUpdate(string path, string generated)
    {
        var file = Samples.RepositoryFile(path);
        if (Environment.GetEnvironmentVariable("MATIH_UPDATE_GENERATED") == "1") File.WriteAllText(file, generated);
        Assert.Equal(generated, File.ReadAllText(file));
    }
}
