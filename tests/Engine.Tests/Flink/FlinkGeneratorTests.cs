using System.Collections.Immutable;
using Matih.Definition;
using Matih.Flink;
using Matih.Planning;

namespace Matih.Engine.Tests.Flink;

public sealed class FlinkGeneratorTests
{
    private const string Clickstream = """
        metadata: { name: realtime-clickstream, version: "1.0.0", owner: analytics-team }
        sources:
          clickstream:
            type: kafka
            connection: broker:9092
            topic: matih.web.clickstream
            consumer_group: pipeline-clickstream-v1
            format: json
            start_offset: latest
            on_error: skip
        transformations:
          - name: parse_events
            type: sql_transform
            input: clickstream
            sql: |
              SELECT
                JSON_VALUE(value, '$.user_id') AS user_id,
                event_timestamp
              FROM {{ input }}
        sinks:
          analytics_lake: { type: iceberg, table: web.clickstream_events, mode: append }
        orchestration: { engine: flink, checkpoint_interval: 60s, parallelism: 4 }
        """;

    [Fact]
    public void The_first_seed_s_source_comes_out_as_its_table_in_flink()
    {
        var script = Generate(Clickstream).ToString();

        // The seed's own DDL; raw in place of json, because json leaves a column called value NULL.
        Assert.Contains("""
            CREATE TEMPORARY TABLE `clickstream.topic` (
              `value` STRING,
              `event_timestamp` TIMESTAMP(3) METADATA FROM 'timestamp' VIRTUAL,
              WATERMARK FOR `event_timestamp` AS `event_timestamp` - INTERVAL '10' SECOND
            ) WITH (
              'connector' = 'kafka',
              'topic' = 'matih.web.clickstream',
              'properties.bootstrap.servers' = 'broker:9092',
            """, script, StringComparison.Ordinal);
        Assert.Contains("'scan.startup.mode' = 'latest-offset',\n  'format' = 'raw'\n)", script, StringComparison.Ordinal);
        Assert.Contains("SET 'parallelism.default' = '4';\nSET 'execution.checkpointing.interval' = '60000 ms';", script, StringComparison.Ordinal);
        Assert.Contains("CREATE TEMPORARY VIEW `clickstream` AS\nSELECT `value`, `event_timestamp`\nFROM `clickstream.topic`\nWHERE `value` <> '' AND `value` IS JSON;", script, StringComparison.Ordinal);
        Assert.Contains("INSERT INTO `default`.`web`.`clickstream_events` (`user_id`, `event_timestamp`)\nSELECT `user_id`, `event_timestamp` FROM `parse_events`;", script, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/tmp/a b/wh", "file:///tmp/a b/wh")]
    [InlineData("/tmp/50%/a%20b", "file:///tmp/50%/a%20b")]
    [InlineData("/tmp/#1/ü?", "file:///tmp/#1/ü?")]
    [InlineData("/tmp/it's", "file:///tmp/it''s")]
    public void A_folder_is_named_as_it_is_because_hadoop_takes_an_escape_for_the_name_itself(string folder, string expected)
    {
        var file = Generate(Clickstream, warehouse: folder).ToString();
        var sql = Generate($"catalogs: {{ db: {{ type: sql, uri: 'sqlite:////tmp/x.db', warehouse: \"{folder}\" }} }}\n{Clickstream}").ToString();

        foreach (var script in new[] { file, sql }) Assert.Contains($"\n  'warehouse' = '{expected}'\n", script, StringComparison.Ordinal);
    }

    [Fact]
    public void The_second_seed_s_typed_source_comes_out_as_its_table_in_flink()
    {
        var script = Generate("""
            metadata: { name: flink-ingestion }
            sources:
              kafka_events:
                type: kafka
                connection: ilum-kafka:9092
                topic: user-events
                consumer_group: flink-ingestion
                format: json
                schema: "event_id STRING, user_id STRING, action STRING, amount DOUBLE, event_time TIMESTAMP(3)"
                start_offset: earliest
            transformations:
              - { name: known, type: sql_transform, input: kafka_events, sql: "SELECT event_id, user_id, action, amount, event_time FROM {{ input }} WHERE event_id IS NOT NULL" }
            sinks:
              iceberg_events: { type: iceberg, table: default.user_events, mode: append }
            orchestration: { engine: flink }
            """).ToString();

        Assert.Contains("  `event_id` STRING,\n  `user_id` STRING,\n  `action` STRING,\n  `amount` DOUBLE,\n  `event_time` TIMESTAMP(3),\n", script, StringComparison.Ordinal);
        Assert.Contains("'scan.startup.mode' = 'earliest-offset',\n  'format' = 'json',\n  'json.fail-on-missing-field' = 'false',", script, StringComparison.Ordinal);
        Assert.Contains("SELECT `event_id`, `user_id`, `action`, `amount`, `event_time` FROM `kafka_events` WHERE `event_id` IS NOT NULL", script, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_metadata_that_a_statement_names_is_asked_for()
    {
        var script = Generate(Clickstream.Replace("event_timestamp\n", "`partition`, key, `timestamp`, headers['a'] AS a\n", StringComparison.Ordinal)).ToString();

        Assert.Contains("`key` STRING,", script, StringComparison.Ordinal);
        Assert.Contains("`partition` INT NOT NULL METADATA FROM 'partition' VIRTUAL", script, StringComparison.Ordinal);
        Assert.Contains("`headers` MAP<STRING, BYTES> METADATA FROM 'headers' VIRTUAL", script, StringComparison.Ordinal);
        Assert.Contains("'key.format' = 'raw',\n  'key.fields' = 'key',\n  'value.fields-include' = 'EXCEPT_KEY',\n  'value.format' = 'raw'", script, StringComparison.Ordinal);
        Assert.Contains("CAST(`event_timestamp` AS TIMESTAMP_LTZ(3)) AS `timestamp`", script, StringComparison.Ordinal);
        Assert.DoesNotContain("METADATA FROM 'offset'", script, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bad_record_ends_the_job_by_a_text_that_a_tombstone_makes_null()
    {
        var script = Generate(Clickstream.Replace("on_error: skip", "on_error: fail", StringComparison.Ordinal)).ToString();

        Assert.Contains("WHERE `value` <> '' AND (`value` IS JSON OR CAST('The record at offset ' ||", script, StringComparison.Ordinal);
        Assert.Contains("' is no JSON document' || LEFT(NULLIF(`value`, ''), 0) AS BOOLEAN))", script, StringComparison.Ordinal);
    }

    [Fact]
    public void What_statements_over_one_source_name_is_not_asked_of_another()
    {
        var script = Generate("""
            metadata: { name: two }
            sources:
              texts: { type: kafka, connection: "b:9092", topic: texts, consumer_group: g, format: json }
              typed: { type: kafka, connection: "b:9092", topic: typed, consumer_group: g, format: json, schema: "id BIGINT" }
            transformations:
              - { name: t1, type: sql_transform, input: texts, sql: "SELECT value, `offset` FROM {{ input }}" }
              - { name: t2, type: sql_transform, input: typed, sql: "SELECT * FROM {{ input }}" }
            sinks:
              s1: { type: iceberg, table: lake.texts, input: t1 }
              s2: { type: iceberg, table: lake.typed, input: t2 }
            orchestration: { engine: flink }
            """);

        var typed = script.Definitions.Single(statement => statement.ToString().StartsWith("CREATE TEMPORARY TABLE `typed.topic`", StringComparison.Ordinal)).ToString();
        Assert.Contains("`id` BIGINT,\n  `event_timestamp`", typed, StringComparison.Ordinal);
        Assert.DoesNotContain("`offset`", typed, StringComparison.Ordinal);
    }

    [Fact]
    public void An_error_s_place_is_found_behind_added_backticks_and_a_longer_name()
    {
        var view = Generate(Clickstream).Definitions.Single(statement => statement.Subject == "transformations.parse_events.sql");
        var lines = view.Reveal().Split('\n');
        var line = Array.FindIndex(lines, text => text.Contains("`event_timestamp`", StringComparison.Ordinal));

        var name = view.PositionAt(line + 1, lines[line].IndexOf('`', StringComparison.Ordinal) + 1);
        var path = view.PositionAt(3, lines[2].IndexOf("'$", StringComparison.Ordinal) + 1);

        Assert.Equal((18, 9), (name!.Value.Line, name.Value.Column));
        Assert.Equal((17, 27), (path!.Value.Line, path.Value.Column));
        Assert.Null(view.PositionAt(1, 1));
        Assert.Null(view.PositionAt(99, 1));
    }

    [Fact]
    public void A_secret_is_in_what_flink_gets_and_a_reference_in_what_is_printed()
    {
        var script = Generate("""
            connections:
              main: { type: kafka, bootstrap_servers: "b:9093", security: { protocol: sasl_ssl, mechanism: SCRAM-SHA-512, username: matih, password: "${KAFKA_PASSWORD}" } }

            """ + Clickstream.Replace("connection: broker:9092", "connection: main", StringComparison.Ordinal));

        var table = script.Definitions.Single(statement => statement.ToString().StartsWith("CREATE TEMPORARY TABLE", StringComparison.Ordinal));
        Assert.Contains("""'properties.sasl.jaas.config' = 'org.apache.flink.kafka.shaded.org.apache.kafka.common.security.scram.ScramLoginModule required username="matih" password="${KAFKA_PASSWORD}";'""", table.ToString(), StringComparison.Ordinal);
        // Escaped for the JAAS line first, and then for the literal.
        Assert.Contains("""password="it''s \"odd\" \\";'""", table.Reveal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("on_error: skip", "on_error: skip\n    schema: \"value STRING\"\n    json: { ignore_parse_errors: false }", "sources.clickstream.on_error: Flink cannot leave out just the records")]
    [InlineData("on_error: skip", "on_error: fail\n    schema: \"value STRING\"\n    json: { ignore_parse_errors: true }", "sources.clickstream.on_error: with json.ignore_parse_errors Flink also leaves out")]
    [InlineData("on_error: skip", "on_error: fail\n    schema: \"user_id STRING\"", "a statement names the column value")]
    [InlineData("sinks:", "catalogs: { hms: { type: hive, uri: 'thrift://h:9083', warehouse: 's3://b/w' } }\nsinks:\n  h: { type: iceberg, catalog: hms, table: a.b.c, mode: append }", "a.b.c has 2 namespace levels, and a Hive metastore knows one")]
    [InlineData("sinks:", "catalogs: { db: { type: sql, uri: 'sqlite:////x.db', warehouse: /w } }\nsinks:\n  one: { type: iceberg, catalog: db, table: a.b.c, mode: append }\n  two: { type: iceberg, catalog: db, table: b.c, mode: append }", "b.c and a.b.c are in different namespaces above the last level")]
    [InlineData("event_timestamp\n", "*, `offset`\n", "'*' would give offset as well in Flink")]
    [InlineData("on_error: skip", "on_error: skip\n    properties: { socket.nagle.disable: \"true\" }", "socket.nagle.disable has no counterpart")]
    public void What_flink_would_do_otherwise_is_refused_with_the_reason(string text, string other, string expected)
    {
        var result = Run(Clickstream.Replace(text, other, StringComparison.Ordinal));

        Assert.Null(result.Script);
        Assert.Contains(result.Errors, error => error.ToString().Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void Statements_that_only_flink_knows_are_handed_on_as_they_are()
    {
        var script = Generate(Clickstream.Replace("      FROM {{ input }}", "      FROM {{ input }} GROUP BY JSON_VALUE(`value`, '$.user_id'), event_timestamp", StringComparison.Ordinal).Replace("JSON_VALUE(value", "JSON_VALUE(`value`", StringComparison.Ordinal));

        Assert.Contains("FROM `clickstream` GROUP BY JSON_VALUE(`value`, '$.user_id'), event_timestamp", script.ToString(), StringComparison.Ordinal);
        Assert.Null(script.Tables.Single().Create);
        Assert.Contains("`default`.`web`.`clickstream_events` has to exist", script.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Namespaces_above_the_last_one_are_the_base_of_a_catalog()
    {
        const string more = "sinks:\n  raw: { type: iceberg, table: analytics.raw.clicks, mode: append, input: clickstream }\n  deep: { type: iceberg, table: a.b.c.clicks, mode: append, input: clickstream }\n";
        var script = Generate(Clickstream.Replace("sinks:\n", more, StringComparison.Ordinal));

        var text = script.ToString();
        Assert.Contains("CREATE CATALOG `default.analytics` WITH (\n  'base-namespace' = 'analytics',\n", text, StringComparison.Ordinal);
        Assert.Contains("CREATE DATABASE IF NOT EXISTS `default.analytics`.`raw`;", text, StringComparison.Ordinal);
        Assert.Contains("CREATE CATALOG `default.a.b` WITH (\n  'base-namespace' = 'a.b',\n", text, StringComparison.Ordinal);
        Assert.Contains("CREATE CATALOG `default` WITH (\n  'cache-enabled' = 'false',\n", text, StringComparison.Ordinal);
        Assert.Equal(["`default.analytics`.`raw`.`clicks`", "`default.a.b`.`c`.`clicks`", "`default`.`web`.`clickstream_events`"], script.Tables.Select(table => table.Name));
    }

    [Fact]
    public void Several_sinks_are_one_job()
    {
        var script = Generate(Clickstream.Replace("sinks:\n", "sinks:\n  raw: { type: iceberg, table: web.raw, mode: append, input: clickstream }\n", StringComparison.Ordinal));

        Assert.StartsWith("EXECUTE STATEMENT SET BEGIN\nINSERT INTO `default`.`web`.`clickstream_events` ", script.Insert.ToString(), StringComparison.Ordinal);
        Assert.EndsWith(";\nINSERT INTO `default`.`web`.`raw` (`value`, `event_timestamp`)\nSELECT `value`, `event_timestamp` FROM `clickstream`;\nEND", script.Insert.ToString(), StringComparison.Ordinal);
        Assert.StartsWith("EXPLAIN STATEMENT SET BEGIN\n", script.Explain.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_branch_is_an_option_of_the_insert()
    {
        var script = Generate(Clickstream.Replace("mode: append }", "mode: append, branch: audit }", StringComparison.Ordinal));

        Assert.StartsWith("INSERT INTO `default`.`web`.`clickstream_events` /*+ OPTIONS('branch' = 'audit') */ (", script.Insert.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Snapshot_properties_are_refused_because_the_sink_sets_none()
    {
        var result = Run(Clickstream.Replace("mode: append }", "mode: append, snapshot_properties: { team: web } }", StringComparison.Ordinal));

        Assert.Contains("Iceberg's sink of Flink takes none from SQL", Assert.Single(result.Errors).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sinks_that_change_places_give_the_same_job()
    {
        const string one = "  raw: { type: iceberg, table: web.raw, mode: append, input: clickstream }\n";
        const string other = "  all: { type: iceberg, table: web.all, mode: append, input: clickstream }\n";

        var first = Generate(Clickstream.Replace("sinks:\n", $"sinks:\n{one}{other}", StringComparison.Ordinal));
        var second = Generate(Clickstream.Replace("sinks:\n", $"sinks:\n{other}{one}", StringComparison.Ordinal));

        Assert.Equal(first.Insert.ToString(), second.Insert.ToString());
        Assert.Equal(first.Explain.ToString(), second.Explain.ToString());
    }

    [Theory]
    [InlineData("execution.state-recovery.ignore-unclaimed-state")]
    [InlineData("pipeline.name")]
    public void Options_that_break_the_promise_cannot_be_set(string option)
    {
        var read = Read($"{Clickstream.Replace("parallelism: 4 }", $"parallelism: 4, flink: {{ '{option}': x }} }}", StringComparison.Ordinal)}");

        Assert.Contains(read.Errors, error => error.ToString().Contains("cannot be set", StringComparison.Ordinal));
    }

    [Fact]
    public void Options_of_the_definition_win_over_those_of_other_keys()
    {
        var settings = Generate(Clickstream.Replace("parallelism: 4 }", "parallelism: 4, flink: { state.backend.type: rocksdb, parallelism.default: '8' } }", StringComparison.Ordinal)).Settings;

        Assert.Equal("SET 'parallelism.default' = '8'", settings.Single(setting => setting.Name == "parallelism.default").Statement.ToString());
        Assert.Equal("SET 'state.backend.type' = 'rocksdb'", settings.Single(setting => setting.Name == "state.backend.type").Statement.ToString());
    }

    [Fact]
    public void The_time_zone_is_set_where_no_record_s_time_would_be_shifted()
    {
        var zoned = Clickstream.Replace("parallelism: 4 }", "parallelism: 4, time_zone: Asia/Tokyo }", StringComparison.Ordinal);
        var typed = zoned.Replace("format: json", "format: json\n    schema: user_id STRING", StringComparison.Ordinal)
            .Replace("on_error: skip", "on_error: fail", StringComparison.Ordinal)
            .Replace("JSON_VALUE(value, '$.user_id') AS user_id,", "user_id", StringComparison.Ordinal).Replace("        event_timestamp\n", "", StringComparison.Ordinal);

        Assert.Contains("gives event_timestamp, which Flink would shift by the time zone Asia/Tokyo", Assert.Single(Run(zoned).Errors).Message, StringComparison.Ordinal);
        Assert.Equal("SET 'table.local-time-zone' = 'Asia/Tokyo'", Generate(typed).Settings.Single(setting => setting.Name == "table.local-time-zone").Statement.ToString());
    }

    [Fact]
    public void A_source_begins_at_the_offsets_that_are_given()
    {
        var script = Run(Clickstream, new Dictionary<string, ImmutableArray<(int, long)>> { ["clickstream"] = [(0, 42), (1, 0)] }).Script!.ToString();

        Assert.Contains("  'scan.startup.mode' = 'specific-offsets',\n  'scan.startup.specific-offsets' = 'partition:0,offset:42;partition:1,offset:0',\n", script, StringComparison.Ordinal);
        Assert.DoesNotContain("latest-offset", script, StringComparison.Ordinal);
    }

    private static FlinkScript Generate(string definition, string warehouse = "/warehouse")
    {
        var result = Run(definition, warehouse: warehouse);
        Assert.Empty(result.Errors);
        return result.Script!;
    }

    private static FlinkResult Run(string text, IReadOnlyDictionary<string, ImmutableArray<(int, long)>>? begins = null, string warehouse = "/warehouse")
    {
        var read = Read(text, warehouse);
        Assert.Empty(read.Errors);
        var plan = PipelinePlanner.Plan(read.Definition!, isForFlink: true);
        Assert.Empty(plan.Errors);
        return new FlinkGenerator(read.Definition!, WrittenDefinition.Read("pipeline.yaml", text), plan.Flows, new FlinkTraits(), _ => "PEM", begins).Generate();
    }

    private static DefinitionResult Read(string text, string warehouse = "/warehouse") => DefinitionReader.Read("pipeline.yaml", text, new DefinitionInputs
    {
        Environment = name => name == "KAFKA_PASSWORD" ? "it's \"odd\" \\" : null,
        ReadSecretFile = _ => "",
        BaseDirectory = "/work",
        Overrides = [],
        Warehouse = warehouse,
    });
}
