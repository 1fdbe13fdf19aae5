using System.Text.Json;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Flink;

/// <summary><c>matih flink status</c> against a real cluster.</summary>
public sealed class FlinkStatusTests(SharedFlink flink, SharedKafka kafka)
{
    private const string Definition = """
        metadata: { name: "${NAME}" }
        sources:
          clicks: { type: kafka, connection: "${BROKER}", topic: "${TOPIC}", consumer_group: g, format: json, start_offset: earliest, on_error: skip }
        sinks:
          lake: { type: iceberg, table: web.clicks, mode: append }
        orchestration: { engine: flink, checkpoint_interval: 500ms, parallelism: 1 }
        """;

    [Fact]
    public async Task A_job_s_state_checkpoints_records_and_lag_are_shown_until_it_ends()
    {
        var topic = KafkaBroker.NewName("status");
        var client = await kafka.ClientAsync();
        await client.CreateTopicAsync(topic);
        await client.ProduceTextAsync(topic, Enumerable.Range(0, 700).Select(i => $$"""{"n":{{i}}}"""));
        var pipeline = new FlinkPipeline(TemporaryDirectory.New(), await flink.SessionAsync(), (await kafka.BrokerAsync()).Bootstrap, topic);
        pipeline.Write(Definition);
        var job = await pipeline.DeployAsync();
        await pipeline.WaitForRowsAsync("web.clicks", 700);

        // Flink refreshes its metrics every ten seconds, each of them by itself.
        JsonElement status;
        var limit = DateTime.UtcNow + ExternalProcess.WaitMax;
        do status = JsonDocument.Parse((await pipeline.CommandAsync("flink", "status", pipeline.Name, "--json")).Expect().StandardOutput).RootElement;
        while (!IsWhole(status) && DateTime.UtcNow < limit);
        var text = (await pipeline.CommandAsync("flink", "status", job)).Expect().StandardOutput;
        var watch = pipeline.CommandAsync("flink", "status", pipeline.Name, "--watch", "--json", "--interval", "100ms");
        await pipeline.StopAsync(job);
        var watched = JsonLines.Parse((await watch).Expect().StandardOutput);
        var ended = await pipeline.CommandAsync("flink", "status", job);

        Assert.Equal((job, pipeline.Name, "RUNNING", true), (status.GetProperty("job").GetString(), status.GetProperty("name").GetString(), status.GetProperty("state").GetString(), status.GetProperty("running").GetBoolean()));
        Assert.Equal((700, 0, 0), (status.GetProperty("records").GetInt64(), status.GetProperty("records_behind").GetInt64(), status.GetProperty("restarts").GetInt64()));
        Assert.True(status.GetProperty("records_per_second").GetDouble() >= 0);
        Assert.True(status.GetProperty("event_time_lag_ms").GetInt64() > 0);
        var checkpoints = status.GetProperty("checkpoints");
        Assert.True(checkpoints.GetProperty("completed").GetInt64() > 0);
        // Those that begin before all tasks run fail, on a busy machine.
        Assert.Contains($" completed, {checkpoints.GetProperty("failed").GetInt64()} failed", text, StringComparison.Ordinal);
        Assert.Contains($"/{job}/chk-", checkpoints.GetProperty("last_path").GetString(), StringComparison.Ordinal);
        Assert.Contains("  records      700 read, ", text, StringComparison.Ordinal);
        Assert.Contains("  lag          0 records to read, ", text, StringComparison.Ordinal);
        Assert.Equal("FINISHED", watched[^1].GetProperty("state").GetString());
        Assert.All(watched, line => Assert.Equal(job, line.GetProperty("job").GetString()));
        Assert.Equal(3, ended.ExitCode);
    }

    private static bool IsWhole(JsonElement status) =>
        new[] { "records", "records_behind", "records_per_second", "restarts", "event_time_lag_ms" }.All(name => status.GetProperty(name).ValueKind == JsonValueKind.Number) && status.GetProperty("records").GetInt64() == 700;

    [Fact]
    public async Task Running_is_not_believed_while_tasks_wait_for_slots()
    {
        await using var small = await FlinkSession.StartAsync(slots: 1);
        var pipeline = new FlinkPipeline(TemporaryDirectory.New(), small, "", KafkaBroker.NewName("slots"));
        pipeline.Write(Definition.Replace("""{ type: kafka, connection: "${BROKER}", topic: "${TOPIC}", consumer_group: g, format: json, start_offset: earliest, on_error: skip }""",
            """{ type: flink, connector: datagen, options: { rows-per-second: 1 }, schema: "id INT" }""", StringComparison.Ordinal).Replace("parallelism: 1", "parallelism: 2", StringComparison.Ordinal));

        var deployed = await pipeline.TryDeployAsync("--wait", "1s");
        // It is being made first.
        JsonElement json = default;
        for (var look = 0; look < 100; look++)
        {
            json = JsonDocument.Parse((await pipeline.CommandAsync("flink", "status", pipeline.Name, "--json")).StandardOutput).RootElement;
            if (json.GetProperty("state").GetString() == "RUNNING") break;
        }
        var status = await pipeline.CommandAsync("flink", "status", pipeline.Name);

        Assert.Equal((3, 3), (deployed.ExitCode, status.ExitCode));
        Assert.Contains("RUNNING, but not all of its tasks run", status.StandardOutput, StringComparison.Ordinal);
        Assert.Equal(("RUNNING", false), (json.GetProperty("state").GetString(), json.GetProperty("running").GetBoolean()));
    }
}
