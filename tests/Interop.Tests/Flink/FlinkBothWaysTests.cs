using System.Globalization;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Flink;

/// <summary>
/// A pipeline goes from <c>matih run</c> to a real Flink job and back, while a producer goes on. Every record is counted by
/// readers that are not ours.
/// </summary>
public sealed class FlinkBothWaysTests(SharedFlink flink, SharedKafka kafka, SharedRestCatalog rest)
{
    private const string Table = "web.events";

    private const string Definition = """
        metadata: { name: "${NAME}", version: "1.0.0" }
        sources:
          clicks:
            type: kafka
            connection: ${BROKER}
            topic: ${TOPIC}
            consumer_group: ${NAME}
            format: json
            start_offset: earliest
            on_error: skip
        transformations:
          - { name: parsed, type: sql_transform, input: clicks, sql: "SELECT JSON_VALUE(value, '$.n') AS n FROM {{ input }}" }
        sinks:
          lake: { type: iceberg, input: parsed, table: web.events, mode: append }
        orchestration: { engine: flink, checkpoint_interval: 500ms, parallelism: 2 }
        """;

    private const string Sinks = """
        sinks:
          lake: { type: iceberg, input: parsed, table: web.events, mode: append }

        """;

    [Fact]
    public async Task Both_ways_under_load_each_record_is_in_the_table_once()
    {
        var pipeline = await NewAsync("bothways", Definition, partitions: 3);
        await using var load = await LoadAsync(pipeline, partitions: 3);
        await load.ReachAsync(1000);
        (await RunAsync(pipeline)).Expect();

        var first = await pipeline.DeployAsync();
        await load.MoreAsync(1000);
        var refused = await RunAsync(pipeline);
        var second = await pipeline.DeployAsync("--replace", "--set", "orchestration.parallelism=1");
        await load.MoreAsync(1000);
        var savepoint = await pipeline.StopAsync(second);
        await load.MoreAsync(1000);
        var fresh = await pipeline.TryDeployAsync();
        var verified = await pipeline.CommandAsync("verify", "pipeline.yaml", "--warehouse", pipeline.Warehouse);
        (await RunAsync(pipeline, savepoint)).Expect();

        await pipeline.DeployAsync();
        await load.MoreAsync(1000);
        var last = await pipeline.StopAsync(pipeline.Name);
        var stale = await RunAsync(pipeline, savepoint);
        var count = await load.StopAsync();
        (await RunAsync(pipeline, last)).Expect();
        var proven = (await pipeline.CommandAsync("verify", "pipeline.yaml", "--warehouse", pipeline.Warehouse)).Expect();

        await AssertEachOnceAsync(pipeline, Table, count);
        Assert.Equal((5, 5, 5), (refused.ExitCode, fresh.ExitCode, stale.ExitCode));
        Assert.Contains("start with --from-savepoint", refused.StandardError, StringComparison.Ordinal);
        Assert.Contains($"holds commits of Flink job {second}", fresh.StandardError, StringComparison.Ordinal);
        Assert.Contains($"The savepoint is of Flink job {second}", stale.StandardError, StringComparison.Ordinal);
        Assert.Contains("Not proven: a Flink job writes these records", verified.StandardOutput, StringComparison.Ordinal);
        Assert.DoesNotContain("VIOLATION", proven.StandardOutput, StringComparison.Ordinal);
        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task Two_sinks_in_a_rest_and_a_sql_catalog_go_to_flink_and_back()
    {
        const string sinks = """
            catalogs:
              served: { type: rest, uri: "${REST}" }
              base: { type: sql, uri: "sqlite:${FOLDER}/catalog.db", warehouse: "${FOLDER}/sql", catalog_name: base }
            sinks:
              lake: { type: iceberg, input: parsed, catalog: served, table: "bothways.${NAME}", mode: append }
              copy: { type: iceberg, input: parsed, catalog: base, table: web.copies, mode: append }

            """;
        var pipeline = await NewAsync("twosinks", Definition.Replace(Sinks, sinks, StringComparison.Ordinal), partitions: 2);
        var folder = TemporaryDirectory.New();
        var server = await rest.ServerAsync();
        (pipeline.Secrets["REST"], pipeline.Secrets["FOLDER"]) = (server.Uri, folder);
        await using var load = await LoadAsync(pipeline, partitions: 2);
        await load.ReachAsync(500);
        var deployed = await pipeline.DeployAsync();
        await load.MoreAsync(1000);
        var savepoint = await pipeline.StopAsync(deployed);
        (await RunAsync(pipeline, savepoint)).Expect();
        var count = await load.StopAsync();
        (await RunAsync(pipeline)).Expect();
        await pipeline.DeployAsync();
        await pipeline.StopAsync(pipeline.Name);

        await AssertEachOnceAsync(IcebergTarget.Rest(server.Uri, $"bothways.{pipeline.Name}"), count);
        await AssertEachOnceAsync(IcebergTarget.Sqlite(Path.Combine(folder, "catalog.db"), Path.Combine(folder, "sql"), "web.copies", "base"), count);
    }

    [Fact]
    public async Task What_a_job_may_not_continue_from_is_refused_before_anything_changes()
    {
        var pipeline = await NewAsync("continues", Definition, partitions: 1);
        var other = await NewAsync("elsewhere", Definition, partitions: 1);
        var client = await kafka.ClientAsync();
        foreach (var topic in new[] { pipeline.Topic, other.Topic }) await client.ProduceTextAsync(topic, Events(0, 100));
        var foreign = await other.StopAsync(await other.DeployAsync());
        var first = await pipeline.DeployAsync();
        await pipeline.WaitForReadAsync(100);
        var elsewhere = await pipeline.TryDeployAsync("--replace", "--set", "sinks.lake.table=web.other");
        var retopic = await pipeline.TryDeployAsync("--replace", "--set", $"sources.clicks.topic={other.Topic}");
        pipeline.Write(Definition.Replace("clicks", "visits", StringComparison.Ordinal));
        var source = await pipeline.TryDeployAsync("--replace");
        pipeline.Write(Definition);
        var savepoint = await pipeline.StopAsync(first);

        var wrong = await pipeline.TryDeployAsync("--from", foreign);
        var mistyped = await pipeline.TryDeployAsync("--from", $"{savepoint}x");
        var begins = await pipeline.TryDeployAsync();
        (await RunAsync(pipeline, savepoint)).Expect();

        Assert.Equal((5, 5, 5, 5, 5, 5), (elsewhere.ExitCode, retopic.ExitCode, source.ExitCode, wrong.ExitCode, mistyped.ExitCode, begins.ExitCode));
        Assert.Contains("Table web.other was given to no Flink job", elsewhere.StandardError, StringComparison.Ordinal);
        foreach (var changed in new[] { retopic, source }) Assert.Contains("a job that continues from a savepoint would read both", changed.StandardError, StringComparison.Ordinal);
        Assert.Contains($"reads topic '{other.Topic}'", wrong.StandardError, StringComparison.Ordinal);
        Assert.Contains("cannot be read", mistyped.StandardError, StringComparison.Ordinal);
        Assert.Contains($"holds commits of Flink job {first}", begins.StandardError, StringComparison.Ordinal);
        await AssertEachOnceAsync(pipeline, Table, 100);
    }

    [Fact]
    public async Task A_continuation_that_was_never_submitted_is_made_up_for_by_its_id_and_by_its_savepoint()
    {
        var pipeline = await NewAsync("continued", Definition, partitions: 1);
        await (await kafka.ClientAsync()).ProduceTextAsync(pipeline.Topic, Events(0, 100));
        var savepoint = await pipeline.StopAsync(await pipeline.DeployAsync());
        var id = Guid.NewGuid().ToString("N");
        // Flink takes no state for this one, so that the job is given the records and never begins.
        var failed = await pipeline.TryDeployAsync("--job-id", id, "--from", savepoint, "--set", "orchestration.flink.pipeline.max-parallelism=7");

        var begins = await pipeline.TryDeployAsync();
        var continued = await pipeline.TryDeployAsync("--job-id", id);
        if (continued.ExitCode != 0) continued = await pipeline.TryDeployAsync("--from", savepoint);
        (await RunAsync(pipeline, await pipeline.StopAsync(pipeline.Name))).Expect();

        Assert.NotEqual(0, failed.ExitCode);
        Assert.Equal(5, begins.ExitCode);
        Assert.Contains($"Continue with --from {savepoint}", begins.StandardError, StringComparison.Ordinal);
        continued.Expect();
        await AssertEachOnceAsync(pipeline, Table, 100);
    }

    [Fact]
    public async Task A_job_whose_last_commit_failed_is_not_taken_back_before_it_is_committed()
    {
        var pipeline = await NewAsync("lastcommit", Definition, partitions: 1);
        await (await kafka.ClientAsync()).ProduceTextAsync(pipeline.Topic, Events(0, 400));
        await pipeline.DeployAsync("--set", "orchestration.checkpoint_interval=1h", "--set", "orchestration.max_retries=0");
        var metadata = Path.Combine(pipeline.TableFolder(Table), "metadata");
        await pipeline.WaitForReadAsync(400);

        // The committer finds no table, so that its last commit is refused.
        Directory.Move(metadata, $"{metadata}.away");
        var stop = await pipeline.CommandAsync("flink", "stop", pipeline.Name);
        foreach (var written in Directory.Exists(metadata) ? Directory.GetFiles(metadata) : []) File.Move(written, Path.Combine($"{metadata}.away", Path.GetFileName(written)), overwrite: false);
        if (Directory.Exists(metadata)) Directory.Delete(metadata, recursive: true);
        Directory.Move($"{metadata}.away", metadata);
        var savepoint = FlinkPipeline.SavepointIn(stop.StandardError);
        var refused = await RunAsync(pipeline, savepoint);
        for (var look = 0; look < 50 && refused.StandardError.Contains("it may still write", StringComparison.Ordinal); look++) refused = await RunAsync(pipeline, savepoint);
        var again = await pipeline.DeployAsync("--from", savepoint);
        var whole = await pipeline.StopAsync(again);
        (await RunAsync(pipeline, whole)).Expect();

        Assert.Equal((3, 5), (stop.ExitCode, refused.ExitCode));
        Assert.Contains($"Deploy again with nothing else changed and with --from {savepoint}\n", stop.StandardError, StringComparison.Ordinal);
        Assert.Contains("ended in state FAILED, not in FINISHED: its last commit may be missing in the table", refused.StandardError, StringComparison.Ordinal);
        await AssertEachOnceAsync(pipeline, Table, 400);
    }

    [Fact]
    public async Task A_job_that_failed_before_its_first_commit_gives_the_records_back_where_the_run_had_ended()
    {
        var pipeline = await NewAsync("neverbegan", Definition.Replace("on_error: skip", "on_error: fail", StringComparison.Ordinal), partitions: 1);
        var client = await kafka.ClientAsync();
        await client.ProduceTextAsync(pipeline.Topic, Events(0, 100));
        (await RunAsync(pipeline)).Expect();
        await client.ProduceTextAsync(pipeline.Topic, ["not json", .. Events(100, 100)]);
        var job = Guid.NewGuid().ToString("N");
        await pipeline.TryDeployAsync("--job-id", job, "--set", "orchestration.max_retries=0", "--set", "orchestration.checkpoint_interval=1h");

        string[] back = ["run", "pipeline.yaml", "--until-caught-up", "--warehouse", pipeline.Warehouse, "--set", "sources.clicks.on_error=skip"];
        var forgotten = await pipeline.CommandAsync([.. back, "--from-ended-job", Guid.NewGuid().ToString("N")]);
        var output = await pipeline.CommandAsync([.. back, "--from-ended-job", job]);
        for (var look = 0; look < 50 && output.StandardError.Contains("it may still write", StringComparison.Ordinal); look++) output = await pipeline.CommandAsync([.. back, "--from-ended-job", job]);
        output.Expect();

        Assert.Equal(5, forgotten.ExitCode);
        await AssertEachOnceAsync(pipeline, Table, 200);
    }

    [Fact]
    public async Task A_savepoint_of_a_job_that_runs_and_one_that_is_not_its_last_are_refused()
    {
        var pipeline = await NewAsync("notlast", Definition, partitions: 1);
        var client = await kafka.ClientAsync();
        await client.ProduceTextAsync(pipeline.Topic, Events(0, 100));
        var job = await pipeline.DeployAsync();
        await pipeline.WaitForRowsAsync(Table, 100);
        var early = (await pipeline.CommandAsync("flink", "savepoint", job)).Expect().StandardOutput.Trim();

        var running = await RunAsync(pipeline, early);
        var last = await pipeline.StopAsync(job);
        var older = await RunAsync(pipeline, early);
        await client.AddPartitionsAsync(pipeline.Topic, 2);
        var added = await RunAsync(pipeline, last);

        Assert.Equal((5, 5, 5), (running.ExitCode, older.ExitCode, added.ExitCode));
        Assert.Contains("is in state RUNNING: it may still write", running.StandardError, StringComparison.Ordinal);
        Assert.Contains($"finished with savepoint {last}", older.StandardError, StringComparison.Ordinal);
        Assert.Contains("holds no position of partition 1", added.StandardError, StringComparison.Ordinal);
        await AssertEachOnceAsync(pipeline, Table, 100);
    }

    [Fact]
    public async Task A_savepoint_with_its_state_in_files_of_its_own_is_read()
    {
        const int partitions = 800;
        var pipeline = await NewAsync("manyparts", Definition, partitions);
        var client = await kafka.ClientAsync();
        await client.ProduceAsync(pipeline.Topic, Events(0, partitions).Select((text, i) => KafkaRecord.Text(text, i)));
        var job = await pipeline.DeployAsync("--set", "orchestration.parallelism=1");
        await pipeline.WaitForRowsAsync(Table, partitions);
        var savepoint = await pipeline.StopAsync(job);
        await client.ProduceAsync(pipeline.Topic, Events(partitions, partitions).Select((text, i) => KafkaRecord.Text(text, i)));

        (await RunAsync(pipeline, savepoint)).Expect();

        Assert.True(Directory.GetFiles(savepoint["file:".Length..]).Length > 1);
        await AssertEachOnceAsync(pipeline, Table, 2 * partitions);
    }

    [Fact(Skip = "starts a cluster of its own twice; make soak runs it", SkipType = typeof(Soak), SkipUnless = nameof(Soak.IsOn)), LongTest]
    public async Task A_cluster_that_has_forgotten_the_job_is_asked_to_run_and_stop_it_again()
    {
        await using var session = await FlinkSession.StartAsync(isSeparate: true);
        var pipeline = await NewAsync("forgotten", Definition, partitions: 2, session);
        await using var load = await LoadAsync(pipeline, partitions: 2);
        await load.ReachAsync(500);
        await pipeline.DeployAsync();
        await load.MoreAsync(500);
        var savepoint = await pipeline.StopAsync(pipeline.Name);
        await session.KillAsync();
        await session.RestartAsync();

        var refused = await RunAsync(pipeline, savepoint);
        var job = await pipeline.DeployAsync("--from", savepoint);
        await load.MoreAsync(500);
        var again = await pipeline.StopAsync(job);
        var count = await load.StopAsync();
        (await RunAsync(pipeline, again)).Expect();

        Assert.Equal(5, refused.ExitCode);
        Assert.Contains("does not know job", refused.StandardError, StringComparison.Ordinal);
        await AssertEachOnceAsync(pipeline, Table, count);
    }

    /// <summary>Both readers see as many rows as records were produced, and the reference implementation each number once.</summary>
    private static async Task AssertEachOnceAsync(FlinkPipeline pipeline, string table, long count)
    {
        await AssertEachOnceAsync(pipeline.TableFolder(table), count);
        var counted = await DuckDb.QueryAsync($"SELECT count(*) AS n, count(DISTINCT n) AS d FROM iceberg_scan('{pipeline.TableFolder(table)}')");
        Assert.Equal((count, count), (counted[0].GetProperty("n").GetInt64(), counted[0].GetProperty("d").GetInt64()));
    }

    private static async Task AssertEachOnceAsync(IcebergTarget table, long count)
    {
        var numbers = await IcebergReference.CountByAsync(table, "n");
        Assert.Equal((count, count), (numbers.Count, numbers.Sum(row => row.GetProperty("count").GetInt64())));
        await IcebergReference.CheckAsync(table);
    }

    private static Task<ProcessOutput> RunAsync(FlinkPipeline pipeline, string? savepoint = null) =>
        pipeline.CommandAsync(["run", "pipeline.yaml", "--until-caught-up", "--warehouse", pipeline.Warehouse, .. savepoint is null ? [] : new[] { "--from-savepoint", savepoint }]);

    private static IEnumerable<string> Events(int first, int count) => Enumerable.Range(first, count).Select(i => string.Create(CultureInfo.InvariantCulture, $$"""{"n":"{{i}}"}"""));

    private async Task<ProducerLoad> LoadAsync(FlinkPipeline pipeline, int partitions)
    {
        var client = await kafka.ClientAsync();
        return new ProducerLoad(async number => await client.ProduceTextAsync(pipeline.Topic, Events(number * ProducerLoad.Batch, ProducerLoad.Batch), number % partitions));
    }

    private async Task<FlinkPipeline> NewAsync(string stem, string definition, int partitions, FlinkSession? session = null)
    {
        var topic = KafkaBroker.NewName(stem);
        await (await kafka.ClientAsync()).CreateTopicAsync(topic, partitions);
        var pipeline = new FlinkPipeline(TemporaryDirectory.New(), session ?? await flink.SessionAsync(), (await kafka.BrokerAsync()).Bootstrap, topic);
        pipeline.Write(definition);
        return pipeline;
    }
}
