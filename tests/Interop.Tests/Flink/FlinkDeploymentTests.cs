using System.Globalization;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Flink;

/// <summary>Pipelines on a real Flink cluster with a real broker; a table is read by Iceberg's reference implementation and DuckDB.</summary>
public sealed class FlinkDeploymentTests(SharedFlink flink, SharedKafka kafka)
{
    /// <summary>The first document that people start from, with a column for what the topic's records carry.</summary>
    private const string Clickstream = """
        metadata: { name: "${NAME}", version: "1.0.0", owner: analytics-team }
        sources:
          clickstream:
            type: kafka
            connection: ${BROKER}
            topic: ${TOPIC}
            consumer_group: pipeline-clickstream-v1
            format: json
            start_offset: earliest
            on_error: skip
        transformations:
          - name: parse_events
            type: sql_transform
            input: clickstream
            sql: |
              SELECT
                JSON_VALUE(value, '$.user_id') AS user_id,
                JSON_VALUE(value, '$.event_type') AS event_type,
                JSON_VALUE(value, '$.page_url') AS page_url,
                event_timestamp
              FROM {{ input }}
        sinks:
          analytics_lake: { type: iceberg, table: web.clickstream_events, mode: append, partition_by: [date] }
        orchestration: { engine: flink, checkpoint_interval: 500ms, parallelism: 2 }
        """;

    [Fact]
    public async Task The_clickstream_pipeline_gives_on_flink_what_it_gives_here()
    {
        var pipeline = await NewAsync("clicks", Clickstream, Clicks(0, 500).Append("not json").Append("").Concat(Clicks(500, 500)));

        var job = await pipeline.DeployAsync();
        await pipeline.WaitForRowsAsync("web.clickstream_events", 1000);
        var status = (await pipeline.CommandAsync("flink", "status", job)).Expect();
        await pipeline.StopAsync(pipeline.Name);
        var run = await pipeline.CommandAsync("run", "pipeline.yaml", "--until-caught-up", "--warehouse", pipeline.Warehouse, "--set", "sinks.analytics_lake.table=web.ours");

        run.Expect();
        Assert.Contains("RUNNING", status.StandardOutput, StringComparison.Ordinal);
        Assert.Equal(await pipeline.RowsAsync("web.ours"), await pipeline.RowsAsync("web.clickstream_events"));
        await IcebergReference.CheckAsync(pipeline.TableFolder("web.clickstream_events"));
        var counted = await DuckDb.QueryAsync($"SELECT count(*) AS n FROM iceberg_scan('{pipeline.TableFolder("web.clickstream_events")}')");
        Assert.Equal(1000, counted[0].GetProperty("n").GetInt64());
    }

    [Fact]
    public async Task The_definition_of_the_documentation_and_two_levels_of_namespaces_run_in_a_folder_with_a_blank()
    {
        var text = await File.ReadAllTextAsync(Path.Combine(SourceTree.Root, "docs", "flink.md"));
        var start = text.IndexOf("```yaml\n", StringComparison.Ordinal) + "```yaml\n".Length;
        var pipeline = await NewAsync("documented", text[start..text.IndexOf("```", start, StringComparison.Ordinal)], Clicks(0, 100));
        pipeline.Secrets["KAFKA_CONNECTION"] = (await kafka.BrokerAsync()).Bootstrap;
        var warehouse = Path.Combine(TemporaryDirectory.New(), "the lake");
        string[] own = ["--warehouse", warehouse, "--kafka-connector", "flink-connector-kafka", "--set", $"metadata.name={pipeline.Name}", "--set", $"sources.clicks.topic={pipeline.Topic}", "--set", "orchestration.checkpoint_interval=500ms"];

        (await pipeline.CommandAsync(["deploy", "pipeline.yaml", .. own])).Expect();
        await pipeline.WaitForReadAsync(100);
        await pipeline.StopAsync(pipeline.Name);
        (await pipeline.CommandAsync(["deploy", "pipeline.yaml", .. own, "--set", $"metadata.name={pipeline.Name}-deep", "--set", "sinks.lake.table=analytics.web.clicks"])).Expect();
        await pipeline.StopAsync($"{pipeline.Name}-deep");
        var missing = await pipeline.CommandAsync(["deploy", "pipeline.yaml", .. own, "--set", $"metadata.name={pipeline.Name}-none", "--set", "sources.clicks.topic=nobody.has.this"]);

        Assert.Equal(100, await IcebergReference.CountAsync(Path.Combine(warehouse, "web", "clicks")));
        Assert.True(Directory.Exists(Path.Combine(warehouse, "analytics", "web", "clicks", "metadata")));
        Assert.False(Directory.Exists(warehouse.Replace(" ", "%20", StringComparison.Ordinal)));
        Assert.Equal(3, missing.ExitCode);
        Assert.Contains("Could not look up topic nobody.has.this", missing.StandardError, StringComparison.Ordinal);
        Assert.DoesNotContain("submitting", missing.StandardError, StringComparison.Ordinal);
    }

    [Fact(Skip = "FlinkBothWaysTests replace a job under load; make soak runs it", SkipType = typeof(Soak), SkipUnless = nameof(Soak.IsOn)), LongTest]
    public async Task An_upgrade_continues_from_a_savepoint_and_a_second_job_is_refused()
    {
        var pipeline = await NewAsync("upgrade", Clickstream, Clicks(0, 300));
        var first = await pipeline.DeployAsync();
        var client = await kafka.ClientAsync();
        await pipeline.WaitForRowsAsync("web.clickstream_events", 300);

        var refused = await pipeline.TryDeployAsync();
        await client.ProduceTextAsync(pipeline.Topic, Clicks(300, 300));
        var second = await pipeline.DeployAsync("--replace", "--set", "orchestration.parallelism=1");
        await client.ProduceTextAsync(pipeline.Topic, Clicks(600, 300));
        await pipeline.WaitForRowsAsync("web.clickstream_events", 900);
        await pipeline.StopAsync(second);

        Assert.Equal(3, refused.ExitCode);
        Assert.Contains($"A job called {pipeline.Name} runs on", refused.StandardError, StringComparison.Ordinal);
        Assert.Contains(first, refused.StandardError, StringComparison.Ordinal);
        Assert.Equal(900, (await IcebergReference.CountByAsync(pipeline.TableFolder("web.clickstream_events"), "page_url")).Count);
    }

    [Fact(Skip = "FlinkBothWaysTests see the same refusals; make soak runs it", SkipType = typeof(Soak), SkipUnless = nameof(Soak.IsOn)), LongTest]
    public async Task Each_engine_refuses_a_table_that_the_other_writes()
    {
        var pipeline = await NewAsync("either", Clickstream, Clicks(0, 20));
        string[] run = ["run", "pipeline.yaml", "--until-caught-up", "--warehouse", pipeline.Warehouse];
        string[] other = ["--set", "sinks.analytics_lake.table=web.ours", "--set", "sources.clickstream.consumer_group=ours"];
        (await pipeline.CommandAsync([.. run, .. other])).Expect();
        var job = await pipeline.DeployAsync();

        var deployed = await pipeline.TryDeployAsync(["--replace", .. other]);
        var started = await pipeline.CommandAsync(run);
        await pipeline.WaitForRowsAsync("web.clickstream_events", 20);
        await pipeline.StopAsync(pipeline.Name);
        var startedAfter = await pipeline.CommandAsync(run);

        Assert.Equal((5, 5, 5), (deployed.ExitCode, started.ExitCode, startedAfter.ExitCode));
        Assert.Contains("a savepoint of before knows nothing of that", deployed.StandardError, StringComparison.Ordinal);
        Assert.Contains(job, startedAfter.StandardError, StringComparison.Ordinal);
        Assert.Equal(20, await IcebergReference.CountAsync(pipeline.TableFolder("web.clickstream_events")));
    }

    [Fact]
    public async Task A_bad_record_under_on_error_fail_ends_the_job_and_says_where_it_lies()
    {
        var pipeline = await NewAsync("strict", Clickstream.Replace("on_error: skip", "on_error: fail", StringComparison.Ordinal), Clicks(0, 3).Append("not json"));

        var output = await pipeline.TryDeployAsync("--set", "orchestration.max_retries=0");
        for (var look = 0; look < 100 && output.ExitCode == 0; look++) output = await pipeline.CommandAsync("flink", "status", pipeline.Name);

        Assert.Equal(3, output.ExitCode);
        Assert.Contains("The record at offset 3 of partition 0 of topic", output.StandardError + output.StandardOutput, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_that_runs_is_neither_doubled_by_another_submission_nor_stopped_by_one_that_flink_refuses()
    {
        var pipeline = await NewAsync("running", Clickstream, Clicks(0, 10));
        var id = Guid.NewGuid().ToString("N");
        var job = await pipeline.DeployAsync("--job-id", id);

        var again = await pipeline.TryDeployAsync("--job-id", id);
        var second = await pipeline.TryDeployAsync();
        pipeline.Write(Clickstream.Replace("    event_timestamp\n", "    nope\n", StringComparison.Ordinal).Replace("SELECT\n", "SELECT DISTINCT\n", StringComparison.Ordinal));
        var refused = await pipeline.TryDeployAsync("--replace");
        var validated = await pipeline.CommandAsync("validate", "pipeline.yaml", "--gateway", (await flink.SessionAsync()).Gateway);
        var status = await pipeline.CommandAsync("flink", "status", job);
        await pipeline.StopAsync(job);
        pipeline.Write(Clickstream);
        var stopped = await pipeline.TryDeployAsync("--job-id", id);

        Assert.Equal(id, job);
        again.Expect();
        Assert.Contains($"job {id} is there already, in state RUNNING; nothing is submitted", again.StandardError, StringComparison.Ordinal);
        Assert.Contains($"as job {id} on", again.StandardOutput, StringComparison.Ordinal);
        Assert.Equal((3, 2, 3), (second.ExitCode, refused.ExitCode, stopped.ExitCode));
        Assert.Contains($"Job {id} of {pipeline.Name} was stopped with savepoint file:", stopped.StandardError, StringComparison.Ordinal);
        Assert.Contains($"A job called {pipeline.Name} runs on", second.StandardError, StringComparison.Ordinal);
        Assert.Equal((2, refused.StandardError.Split('\n')[^2]), (validated.ExitCode, validated.StandardError.Split('\n')[^2]));
        Assert.Contains("pipeline.yaml:17:20: transformations.parse_events.sql: Encountered \"value\"", refused.StandardError, StringComparison.Ordinal);
        status.Expect();
    }

    [Fact]
    public async Task Sinks_that_change_places_in_an_upgrade_go_on_with_their_own_topics()
    {
        const string one = "  one: { type: iceberg, table: web.one, mode: append, input: first }\n";
        const string two = "  two: { type: iceberg, table: web.two, mode: append, input: second }\n";
        const string definition = """
            metadata: { name: "${NAME}" }
            sources:
              a: { type: kafka, connection: "${BROKER}", topic: "${TOPIC}", consumer_group: two, format: json, start_offset: earliest }
              b: { type: kafka, connection: "${BROKER}", topic: "${OTHER}", consumer_group: two, format: json, start_offset: earliest }
            transformations:
              - { name: first, type: sql_transform, input: a, sql: "SELECT JSON_VALUE(value, '$.page_url') AS page_url FROM {{ input }}" }
              - { name: second, type: sql_transform, input: b, sql: "SELECT JSON_VALUE(value, '$.page_url') AS page_url FROM {{ input }}" }
            sinks:

            """;
        const string orchestration = "orchestration: { engine: flink, checkpoint_interval: 500ms, parallelism: 1 }\n";
        var pipeline = await NewAsync("places", $"{definition}{one}{two}{orchestration}", Clicks(0, 30));
        var client = await kafka.ClientAsync();
        var other = pipeline.Secrets["OTHER"] = KafkaBroker.NewName("places-other");
        await client.CreateTopicAsync(other);
        await client.ProduceTextAsync(other, Clicks(1000, 50));

        await pipeline.DeployAsync();
        await pipeline.WaitForRowsAsync("web.one", 30);
        await pipeline.WaitForRowsAsync("web.two", 50);
        pipeline.Write($"{definition}{two}{one}{orchestration}");
        await pipeline.DeployAsync("--replace");
        await client.ProduceTextAsync(pipeline.Topic, Clicks(30, 20));
        await client.ProduceTextAsync(other, Clicks(1050, 20));
        await pipeline.WaitForRowsAsync("web.one", 50);
        await pipeline.WaitForRowsAsync("web.two", 70);
        await pipeline.StopAsync(pipeline.Name);

        Assert.Equal(Pages(0, 50), await pipeline.RowsAsync("web.one"));
        Assert.Equal(Pages(1000, 70), await pipeline.RowsAsync("web.two"));

        static IEnumerable<string> Pages(int first, int count) => Enumerable.Range(first, count).Select(i => $$"""{"page_url":"/p{{i}}"}""").Order(StringComparer.Ordinal);
    }

    [Fact]
    public async Task A_window_and_a_join_that_only_flink_runs_reach_their_tables()
    {
        const string definition = """
            metadata: { name: "${NAME}" }
            sources:
              events:
                type: kafka
                connection: ${BROKER}
                topic: ${TOPIC}
                consumer_group: minutes
                format: json
                schema: "user_id STRING, amount DOUBLE, event_timestamp TIMESTAMP(3)"
                start_offset: earliest
            transformations:
              - name: per_minute
                type: sql_transform
                input: events
                sql: |
                  SELECT user_id, window_start, SUM(amount) AS total, COUNT(*) AS n
                  FROM TABLE(TUMBLE(TABLE {{ input }}, DESCRIPTOR(event_timestamp), INTERVAL '5' MINUTES))
                  GROUP BY user_id, window_start, window_end
              - { name: large, type: sql_transform, input: events, sql: "SELECT user_id, amount FROM {{ input }} WHERE amount > 4" }
            sinks:
              totals: { type: iceberg, table: web.totals, mode: append, input: per_minute, partition_by: [day(window_start)] }
              large: { type: iceberg, table: web.large, mode: append, input: large }
            orchestration: { engine: flink, checkpoint_interval: 500ms, parallelism: 1 }
            """;
        var records = Enumerable.Range(0, 100).Select(i => string.Create(CultureInfo.InvariantCulture, $$"""{"user_id":"u{{i % 2}}","amount":{{i % 10}},"event_timestamp":"2026-05-01 12:0{{i / 20}}:00"}"""))
            .Append("""{"user_id":"late","amount":0,"event_timestamp":"2026-05-01 13:00:00"}""");
        var pipeline = await NewAsync("windows", definition, records);

        var job = await pipeline.DeployAsync();
        await pipeline.WaitForRowsAsync("web.large", 50);
        await pipeline.WaitForRowsAsync("web.totals", 2);
        pipeline.Write(definition.Replace("'5' MINUTES", "'10' MINUTES", StringComparison.Ordinal));
        var changed = await pipeline.TryDeployAsync("--replace");
        await pipeline.StopAsync(job);

        Assert.Equal(5, changed.ExitCode);
        Assert.Contains("are not those of the job that has written table web.", changed.StandardError, StringComparison.Ordinal);

        var totals = await IcebergReference.ScanAsync(pipeline.TableFolder("web.totals"));
        Assert.Equal([("u0", 200.0, 50L), ("u1", 250.0, 50L)], totals.Select(row => (row.GetProperty("user_id").GetString()!, row.GetProperty("total").GetDouble(), row.GetProperty("n").GetInt64())).Order());
        var info = await IcebergReference.InfoAsync(pipeline.TableFolder("web.totals"));
        Assert.Contains("day", info.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hostile_names_come_back_from_flink_as_they_were()
    {
        const string definition = """
            metadata: { name: "${NAME}" }
            sources:
              select:
                type: kafka
                connection: ${BROKER}
                topic: ${TOPIC}
                consumer_group: select
                format: json
                schema: [ { name: "value", type: STRING }, { name: "@a $b #c.d:e-f g", type: STRING } ]
                start_offset: earliest
            transformations:
              - name: table
                type: sql_transform
                input: select
                sql: |
                  SELECT value, `@a $b #c.d:e-f g`, value AS `ta``ble`, value AS `it's -- x`, value AS `a;b`, value AS `/* c */`, value AS `größe 😀`, value AS offset, 'x''y' AS `\`
                  FROM {{ input }};
            sinks:
              from: { type: iceberg, table: order.group, mode: append }
            orchestration: { engine: flink, checkpoint_interval: 500ms, parallelism: 1 }
            """;
        var pipeline = await NewAsync("hostile", definition, ["""{"value":"1","@a $b #c.d:e-f g":"2"}"""]);

        var job = await pipeline.DeployAsync();
        await pipeline.WaitForRowsAsync("order.group", 1);
        await pipeline.StopAsync(job);

        var row = (await IcebergReference.ScanAsync(pipeline.TableFolder("order.group")))[0];
        Assert.Equal(@"value=1, @a $b #c.d:e-f g=2, ta`ble=1, it's -- x=1, a;b=1, /* c */=1, größe 😀=1, offset=1, \=x'y", string.Join(", ", row.EnumerateObject().Select(field => $"{field.Name}={field.Value}")));
    }

    [Fact(Skip = "starts a cluster of its own three times; make soak runs it", SkipType = typeof(Soak), SkipUnless = nameof(Soak.IsOn)), LongTest]
    public async Task A_killed_task_manager_and_a_killed_cluster_lose_and_double_nothing()
    {
        await using var session = await FlinkSession.StartAsync(isSeparate: true);
        var pipeline = await NewAsync("killed", Clickstream, Clicks(0, 2000), session);
        var client = await kafka.ClientAsync();
        var job = await pipeline.DeployAsync();
        await pipeline.WaitForRowsAsync("web.clickstream_events", 2000);

        await session.KillAsync("taskmanager");
        await client.ProduceTextAsync(pipeline.Topic, Clicks(2000, 2000));
        await session.RestartAsync();
        await pipeline.WaitForRowsAsync("web.clickstream_events", 4000);
        await session.KillAsync();
        await client.ProduceTextAsync(pipeline.Topic, Clicks(4000, 2000));
        await session.RestartAsync();
        var begins = await pipeline.TryDeployAsync();
        var second = await pipeline.DeployAsync("--from", $"file://{session.NewestCheckpointOf(job)!}");
        await pipeline.WaitForRowsAsync("web.clickstream_events", 6000);
        await pipeline.StopAsync(second);

        Assert.Equal(5, begins.ExitCode);
        Assert.Contains($"has forgotten the job: it is the highest chk-N with a file _metadata in the folder {job}", begins.StandardError, StringComparison.Ordinal);
        Assert.Equal(6000, (await IcebergReference.CountByAsync(pipeline.TableFolder("web.clickstream_events"), "page_url")).Count);
    }

    [Fact]
    public async Task Scram_over_tls_works_with_certificates_as_text()
    {
        var broker = await kafka.BrokerAsync();
        var definition = Clickstream.Replace("connection: ${BROKER}", "connection: secure", StringComparison.Ordinal) + $$"""

            connections:
              secure:
                type: kafka
                bootstrap_servers: {{broker.SaslSsl}}
                security:
                  protocol: sasl_ssl
                  mechanism: SCRAM-SHA-512
                  username: {{broker.User}}
                  password: ${SECRET}
                  ca: {{broker.CaPath}}
            """;
        var pipeline = await NewAsync("secure", definition, Clicks(0, 50));
        pipeline.Secrets["SECRET"] = broker.Password;

        var script = (await pipeline.CommandAsync("flink", "sql", "pipeline.yaml", "--warehouse", pipeline.Warehouse)).Expect();
        var job = await pipeline.DeployAsync();
        await pipeline.WaitForRowsAsync("web.clickstream_events", 50);
        await pipeline.StopAsync(job);

        Assert.Contains("password=\"${SECRET}\"", script.StandardOutput, StringComparison.Ordinal);
        Assert.DoesNotContain(broker.Password, script.StandardOutput, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Clicks(int first, int count) => Enumerable.Range(first, count)
        .Select(i => string.Create(CultureInfo.InvariantCulture, $$"""{"user_id":"u{{i % 7}}","event_type":"click","page_url":"/p{{i}}"}"""));

    /// <summary>Jobs share a cluster, so each pipeline has a name of its own.</summary>
    private async Task<FlinkPipeline> NewAsync(string stem, string definition, IEnumerable<string> records, FlinkSession? session = null)
    {
        var topic = KafkaBroker.NewName(stem);
        var client = await kafka.ClientAsync();
        await client.CreateTopicAsync(topic);
        await client.ProduceTextAsync(topic, records);
        var pipeline = new FlinkPipeline(TemporaryDirectory.New(), session ?? await flink.SessionAsync(), (await kafka.BrokerAsync()).Bootstrap, topic);
        pipeline.Write(definition);
        return pipeline;
    }
}
