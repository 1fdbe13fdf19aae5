using System.Text.RegularExpressions;
using Matih.Batches;
using Matih.Definition;
using Matih.Engine.Tests.Definition;
using Matih.Flink;
using Matih.Iceberg.Metadata;
using Matih.Planning;

namespace Matih.Engine.Tests.Flink;

/// <summary>Sources that connectors of Flink read, and tables that are written by upsert.</summary>
public sealed partial class FlinkSourceTests
{
    private const string Generator = """
        metadata: { name: generated }
        sources:
          rows:
            type: flink
            connector: datagen
            options: { number-of-rows: 10 }
            schema: "id BIGINT, tags ARRAY<STRING>, place ROW<x DOUBLE, y DOUBLE>, at TIMESTAMP(3)"
        sinks:
          lake: { type: iceberg, table: a.rows, mode: append }
        orchestration: { engine: flink, parallelism: 1 }
        """;

    private static string Orders { get; } = YamlAfter("## Sources that Flink alone reads");

    [Fact]
    public void The_second_seed_s_change_capture_comes_out_as_its_table_in_flink()
    {
        const string seed = """
            CREATE TABLE orders_cdc (
                id INT,
                customer_id INT,
                product STRING,
                amount DOUBLE,
                updated_at TIMESTAMP(3),
                PRIMARY KEY (id) NOT ENFORCED
            ) WITH (
                'connector' = 'postgres-cdc',
                'hostname' = 'postgres-host',
                'port' = '5432',
                'username' = 'cdc_user',
                'password' = 'secret',
                'database-name' = 'mydb',
                'schema-name' = 'public',
                'table-name' = 'orders',
                'slot.name' = 'flink_orders_slot'
            )
            """;

        var script = Generate(Orders);

        var table = script.Definitions.Single(statement => statement.Subject == "sources.orders_cdc");
        Assert.Equal(Normal(seed), Normal(table.Reveal().Replace("CREATE TEMPORARY TABLE", "CREATE TABLE", StringComparison.Ordinal)));
        Assert.Contains("SELECT `id`, `customer_id`, `product`, `amount`, `updated_at` FROM `orders_cdc`", script.ToString(), StringComparison.Ordinal);
        Assert.Equal("INSERT INTO `default`.`shop`.`orders` /*+ OPTIONS('upsert-enabled' = 'true') */\nSELECT * FROM `orders`", script.Insert.ToString());
    }

    [Fact]
    public void Options_are_printed_as_they_are_written_and_literal_secrets_not_at_all()
    {
        var text = Orders.Replace("      port: 5432\n", "      port: 5432\n      debezium.token: literal-token-1\n      url: https://me:literal-pass@host/x\n      slot: ${SLOT:-a}\n", StringComparison.Ordinal);

        var script = Generate(text);

        var printed = script.ToString();
        Assert.Contains("'password' = '${ORDERS_PASSWORD}'", printed, StringComparison.Ordinal);
        Assert.Contains("'debezium.token' = '${sources.orders_cdc.options.debezium.token}'", printed, StringComparison.Ordinal);
        Assert.Contains("'url' = '${sources.orders_cdc.options.url}'", printed, StringComparison.Ordinal);
        Assert.Contains("'slot' = '${SLOT}'", printed, StringComparison.Ordinal);
        Assert.Contains("'port' = '5432'", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("literal-", printed, StringComparison.Ordinal);
        Assert.Contains("'debezium.token' = 'literal-token-1'", string.Concat(script.Definitions.Select(statement => statement.Reveal())), StringComparison.Ordinal);
        // Flink hides few options where it repeats all of them in an error.
        Assert.Equal("'url'='${sources.orders_cdc.options.url}' failed", script.Mask("'url'='https://me:literal-pass@host/x' failed"));
    }

    [Fact]
    public void Columns_of_any_type_metadata_and_watermark_come_out()
    {
        var script = Generate(Generator.Replace("    schema:", "    metadata: { at: op_ts }\n    primary_key: [id]\n    watermark: { column: at, delay: 36h }\n    schema:", StringComparison.Ordinal)).ToString();

        Assert.Contains("""
            CREATE TEMPORARY TABLE `rows` (
              `id` BIGINT,
              `tags` ARRAY<STRING>,
              `place` ROW<`x` DOUBLE, `y` DOUBLE>,
              `at` TIMESTAMP(3) METADATA FROM 'op_ts' VIRTUAL,
              PRIMARY KEY (`id`) NOT ENFORCED,
              WATERMARK FOR `at` AS `at` - INTERVAL '1 12:00:00.000' DAY TO SECOND(3)
            ) WITH (
              'connector' = 'datagen',
              'number-of-rows' = '10'
            );
            """, script, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_with_dots_can_be_overridden()
    {
        var definition = Samples.Valid(Generator, Samples.Inputs() with { Overrides = ["sources.rows.options.fields.id.kind=sequence", "sources.rows.options.number-of-rows=7", "sources.rows.connector=x-cdc", "sources.rows.watermark.column=at"] });

        var source = Assert.Single(definition.FlinkSources);
        Assert.Equal(["number-of-rows=7", "fields.id.kind=sequence"], source.Options.Select(option => $"{option.Name}={option.Value.Reveal()}"));
        Assert.Equal(("x-cdc", new WatermarkDefinition("at", TimeSpan.FromSeconds(10))), (source.Connector, source.Watermark));
        Assert.DoesNotContain("sequence", source.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("connector: datagen", "connectr: datagen", "3:3: sources.rows.connector: is missing")]
    [InlineData("number-of-rows: 10", "connector: x", "sources.rows.options.connector: is a key of the source itself")]
    [InlineData("    schema:", "    topic: t\n    schema:", "sources.rows.topic: unknown key")]
    [InlineData("    schema:", "    primary_key: [nope]\n    schema:", "sources.rows.primary_key: the schema has no column 'nope'; its columns are id, tags, place, at")]
    [InlineData("    schema:", "    watermark: { column: id }\n    schema:", "sources.rows.watermark.column: column 'id' has type BIGINT")]
    [InlineData("mode: append", "mode: upsert", "sinks.lake.mode: upsert needs 'key'")]
    [InlineData("mode: append", "mode: append, key: [id]", "sinks.lake.key: has no meaning with mode append")]
    public void What_is_wrong_is_said_at_its_place(string text, string other, string expected) =>
        Assert.Contains(expected, Samples.Errors(Generator.Replace(text, other, StringComparison.Ordinal)), StringComparison.Ordinal);

    [Fact]
    public void This_engine_refuses_such_a_source_and_says_what_to_do()
    {
        var source = Assert.Single(PipelinePlanner.Plan(Samples.Valid(Generator)).Errors);
        var upsert = PipelinePlanner.Plan(Samples.Valid(Generator.Replace("mode: append", "mode: upsert, key: [id]", StringComparison.Ordinal).Replace(
            Generator[Generator.IndexOf("    type: flink", StringComparison.Ordinal)..Generator.IndexOf("sinks:", StringComparison.Ordinal)],
            "    { type: kafka, connection: \"b:9092\", topic: t, consumer_group: g, format: json, schema: \"id BIGINT\" }\n", StringComparison.Ordinal)));

        Assert.Equal("p.yaml:3:3: sources.rows.type: connector datagen is Flink's, and this engine reads Kafka topics. To run it, set orchestration.engine to flink and bring the pipeline onto a cluster with `matih deploy`, or bring the data into a topic, as Debezium does with the changes of a database, and use type kafka.", source.ToString());
        Assert.Contains("sinks.lake.mode: this engine does not write by upsert", Assert.Single(upsert.Errors).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_for_upsert_has_the_key_as_its_identifier()
    {
        var flow = Assert.Single(Samples.Valid(Orders.Replace(", key: [id]", ", key: [id], partition_by: ['bucket(4, id)']", StringComparison.Ordinal), OrdersInputs).Flows);

        var plan = PipelinePlanner.PlanTable(flow, new RowType([new Field("id", new DataType.Int()), new Field("amount", new DataType.Double())]), [])!;

        Assert.Equal(["id"], plan.Key);
        Assert.False(plan.Rows[0].Type.IsNullable);
        Assert.Equal("true", plan.Properties["write.upsert.enabled"]);
        var schema = Schema.FromRow(plan.Rows, plan.Key);
        Assert.Equal([1], schema.IdentifierFieldIds);
        Assert.True(schema.Fields[0].IsRequired);
    }

    [Theory]
    [InlineData("key: [id], partition_by: [day(updated_at)]", "'updated_at' is not in the key (id)")]
    [InlineData("key: [nope]", "'nope' is no column of the query; its columns are id, amount, updated_at")]
    [InlineData("key: [amount]", "column 'amount' has type DOUBLE, by which Iceberg identifies no row")]
    public void A_key_that_iceberg_cannot_keep_is_refused(string sink, string expected)
    {
        var flow = Assert.Single(Samples.Valid(Orders.Replace(", key: [id]", $", {sink}", StringComparison.Ordinal), OrdersInputs).Flows);
        var errors = new List<DefinitionError>();

        var plan = PipelinePlanner.PlanTable(flow, new RowType([new Field("id", new DataType.Int()), new Field("amount", new DataType.Double()), new Field("updated_at", new DataType.Timestamp(3))]), errors);

        Assert.Null(plan);
        Assert.Contains(expected, Assert.Single(errors).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Calc(select=[id, p], changelogMode=[I])\n+- Source(changelogMode=[I,UB,UA,D])", true, "new rows")]
    [InlineData("GroupAggregate(select=[p, 'changelogMode=[I]' AS x], changelogMode=[I,UA])\n+- Calc(changelogMode=[I])", false, "new rows, new versions of rows")]
    [InlineData("DropUpdateBefore(changelogMode=[I,UA,D])", false, "new rows, new versions of rows, deletions")]
    public void The_changes_of_a_query_are_those_of_its_root(string plan, bool isAppend, string expected)
    {
        var changes = ChangelogMode.Of($"== Abstract Syntax Tree ==\nLogicalProject(changelogMode=[D])\n\n== Optimized Physical Plan ==\n{plan}\n\n== Optimized Execution Plan ==\nCalc")!;

        Assert.Equal((isAppend, expected), (changes.IsAppend, changes.ToString()));
    }

    [Theory]
    [InlineData("datagen", "number-of-rows: 10", true)]
    [InlineData("datagen", "rows-per-second: 10", false)]
    [InlineData("filesystem", "path: /in, format: json", true)]
    [InlineData("filesystem", "path: /in, format: json, source.monitor-interval: 1s", false)]
    [InlineData("kafka", "scan.bounded.mode: latest-offset", true)]
    [InlineData("kafka", "scan.bounded.mode: unbounded", false)]
    [InlineData("postgres-cdc", "hostname: h", false)]
    public void A_source_with_an_end_is_written_by_one_task(string connector, string options, bool hasEnd)
    {
        var text = $$"""
            metadata: { name: ends }
            sources: { rows: { type: flink, connector: {{connector}}, options: { {{options}} }, schema: "id INT" } }
            sinks: { lake: { type: iceberg, table: a.rows, mode: append } }
            orchestration: { engine: flink, parallelism: 2 }
            """;

        var result = GenerateResult(text);
        var one = GenerateResult(text.Replace("parallelism: 2", "parallelism: 1", StringComparison.Ordinal));

        Assert.Equal(hasEnd, result.Errors.Any(error => error.Path == "sources.rows" && error.Message.EndsWith("Set orchestration.parallelism: 1.", StringComparison.Ordinal)));
        Assert.Empty(one.Errors);
    }

    [Fact]
    public void A_hive_catalog_is_iceberg_s_of_that_type()
    {
        var text = Generator.Replace("table: a.rows", "table: hms.a.rows", StringComparison.Ordinal) + """

            catalogs:
              hms:
                type: hive
                uri: thrift://metastore-1:9083,thrift://metastore-2:9083
                warehouse: s3://lake/warehouse
                hive_conf_dir: /etc/hive
                hadoop_conf_dir: /etc/hadoop
                s3: { access_key_id: id, secret_access_key: "${ORDERS_PASSWORD}" }
            """;

        var catalog = Generate(text).Definitions.Single(statement => statement.ToString().StartsWith("CREATE CATALOG", StringComparison.Ordinal));
        var own = Assert.Single(PipelinePlanner.Plan(Samples.Valid(text.Replace(
            Generator[Generator.IndexOf("    type: flink", StringComparison.Ordinal)..Generator.IndexOf("sinks:", StringComparison.Ordinal)],
            "    { type: kafka, connection: \"b:9092\", topic: t, consumer_group: g, format: json, schema: \"id BIGINT\" }\n", StringComparison.Ordinal), OrdersInputs)).Errors);

        // The keys of Iceberg's documentation, "Flink DDL", "Hive catalog".
        Assert.Equal("""
            CREATE CATALOG `hms` WITH (
              'cache-enabled' = 'false',
              'catalog-type' = 'hive',
              'hadoop-conf-dir' = '/etc/hadoop',
              'hive-conf-dir' = '/etc/hive',
              'io-impl' = 'org.apache.iceberg.io.ResolvingFileIO',
              's3.access-key-id' = 'id',
              's3.secret-access-key' = '${ORDERS_PASSWORD}',
              'type' = 'iceberg',
              'uri' = 'thrift://metastore-1:9083,thrift://metastore-2:9083',
              'warehouse' = 's3://lake/warehouse'
            )
            """, catalog.ToString());
        Assert.Contains("catalog 'hms' is a Hive metastore, which this engine does not reach", own.Message, StringComparison.Ordinal);
    }

    private static readonly DefinitionInputs OrdersInputs = Samples.Inputs(("ORDERS_PASSWORD", "secret"));

    private static FlinkResult GenerateResult(string text)
    {
        var definition = Samples.Valid(text, OrdersInputs);
        var plan = PipelinePlanner.Plan(definition, isForFlink: true);
        Assert.Empty(plan.Errors);
        return new FlinkGenerator(definition, WrittenDefinition.Read("p.yaml", text), plan.Flows, new FlinkTraits(), _ => "PEM").Generate();
    }

    private static FlinkScript Generate(string text)
    {
        var result = GenerateResult(text);
        Assert.Empty(result.Errors);
        return result.Script!;
    }

    /// <summary>A statement with one blank wherever there is white space, and without quotes around names.</summary>
    private static string Normal(string sql) => Blanks().Replace(sql.Replace("`", "", StringComparison.Ordinal), " ").Replace("( ", "(", StringComparison.Ordinal).Replace(" )", ")", StringComparison.Ordinal).Trim();

    /// <summary>The first YAML block of docs/flink.md below a heading.</summary>
    private static string YamlAfter(string heading)
    {
        var text = File.ReadAllText(Samples.RepositoryFile("docs/flink.md"));
        var start = text.IndexOf("```yaml\n", text.IndexOf(heading, StringComparison.Ordinal), StringComparison.Ordinal) + "```yaml\n".Length;
        return text[start..text.IndexOf("```", start, StringComparison.Ordinal)];
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
