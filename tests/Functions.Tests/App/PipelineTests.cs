using Matih.Fixtures;
using Matih.Functions.TestHost;

namespace Matih.Functions.Tests.App;

/// <summary>The whole app, with real Durable: every record is in the table once, whatever the trigger and the processes do.</summary>
public sealed class PipelineTests(SharedStorage storage)
{
    [Fact]
    public async Task Batches_are_staged_and_committed_and_the_loop_falls_asleep_and_wakes()
    {
        await using var app = await RunningApp.StartAsync(storage, "matihsleep");

        (await app.HandInAsync(app.Produce(100))).Expect();
        await app.WaitUntilCommittedAsync();
        await app.AssertExactAsync();

        await app.WaitForStateAsync("idle");
        (await app.HandInAsync(app.Produce(50))).Expect();
        await app.WaitUntilCommittedAsync();
        await app.AssertExactAsync();
    }

    [Fact]
    public async Task The_hourly_timer_puts_small_files_together_and_every_record_stays_once()
    {
        await using var app = await RunningApp.StartAsync(storage, "matihmaintain");
        for (var i = 0; i < 6; i++)
        {
            (await app.HandInAsync(app.Produce(20))).Expect();
            await app.WaitUntilCommittedAsync();
        }

        (await app.MaintainAsync()).Expect();
        await app.AssertExactAsync();
        (await app.HandInAsync(app.Produce(20))).Expect();
        await app.WaitUntilCommittedAsync();

        await app.AssertExactAsync();
        Assert.Contains("maintenance of table", app.Instance.Worker.Log.Text, StringComparison.Ordinal);
        Assert.Contains(": put ", app.Instance.Worker.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Batches_that_come_twice_in_another_order_and_not_at_all_are_in_the_table_once()
    {
        await using var app = await RunningApp.StartAsync(storage, "matihorder");
        var (first, second) = (app.Produce(40), app.Produce(40));
        app.Produce(40);
        var last = app.Produce(40);

        (await app.HandInAsync(first)).Expect();
        (await app.HandInAsync([.. second.Reverse(), .. first])).Expect();
        (await app.HandInAsync(last)).Expect();
        (await app.HandInAsync(last)).Expect();
        // With a hole, as after a rebalance away and back: refused, or covered where a commit has read it already.
        await app.HandInAsync([.. first, .. last]);
        // The end of the topic that the trigger drops.
        app.Produce(10);
        await app.WaitUntilCommittedAsync();

        await app.AssertExactAsync();
    }

    [Fact]
    public async Task A_batch_that_the_trigger_dropped_while_the_loop_slept_is_found_by_the_timer()
    {
        await using var app = await RunningApp.StartAsync(storage, "matihdropped");
        (await app.HandInAsync(app.Produce(10))).Expect();
        await app.WaitUntilCommittedAsync();
        await app.WaitForStateAsync("idle");
        app.Produce(10);

        (await app.TickAsync()).Expect();
        await app.WaitUntilCommittedAsync();

        await app.AssertExactAsync();
    }

    [Fact]
    public async Task Signals_that_are_lost_cost_time_and_nothing_else()
    {
        await using var app = await RunningApp.StartAsync(storage, "matihdeaf");
        (await app.HandInAsync(app.Produce(10))).Expect();
        await app.WaitUntilCommittedAsync();
        await app.WaitForStateAsync("idle");
        app.Instance.LoseMessages();

        (await app.HandInAsync(app.Produce(10))).Expect();
        Assert.Contains("Pipeline clicks: its loop could not be told that records were staged", app.Instance.Worker.Log.Text, StringComparison.Ordinal);
        app.Instance.DeliverMessages();
        (await app.TickAsync()).Expect();
        await app.WaitUntilCommittedAsync();

        await app.AssertExactAsync();
    }

    [Fact]
    public async Task Workers_that_are_killed_within_batches_lose_and_double_nothing()
    {
        await using var app = await RunningApp.StartAsync(storage, "matihkilled");
        (await app.HandInAsync(app.Produce(10))).Expect();
        for (var round = 0; round < 3; round++)
        {
            var batch = app.Produce(5000);
            var handingIn = app.HandInAsync(batch);
            await Task.WhenAny(handingIn, Task.Delay(40 * round));
            await app.Instance.KillWorkerAsync();
            await Task.WhenAny(handingIn);
            await app.Instance.StartWorkerAsync();
            (await app.HandInAsync(batch)).Expect();
        }
        await app.WaitUntilCommittedAsync();

        await app.AssertExactAsync();
    }

    [Fact]
    public async Task A_job_host_that_is_killed_and_started_again_loses_and_doubles_nothing()
    {
        await using var app = await RunningApp.StartAsync(storage, "matihhost");
        (await app.HandInAsync(app.Produce(1000))).Expect();
        await app.Instance.KillHostAsync();
        (await app.HandInAsync(app.Produce(1000))).Expect();
        await app.Instance.StartHostAsync();
        (await app.HandInAsync(app.Produce(10))).Expect();
        (await app.TickAsync()).Expect();
        await app.WaitUntilCommittedAsync();

        await app.AssertExactAsync();
    }

    [Fact]
    public async Task Two_instances_stage_and_commit_side_by_side()
    {
        await using var app = await RunningApp.StartAsync(storage, "matihtwo", instanceCount: 2);
        for (var round = 0; round < 10; round++)
        {
            var batch = app.Produce(60);
            var (mine, other) = (batch.Where(record => record.Partition == 0), batch.Where(record => record.Partition == 1));
            // After a rebalance both may be handed the same records.
            var results = await Task.WhenAll(app.HandInAsync(round % 3 == 0 ? batch : mine, instance: round % 2), app.HandInAsync(round % 3 == 0 ? batch : other, instance: 1 - round % 2));
            foreach (var result in results) result.Expect();
        }
        await app.WaitUntilCommittedAsync();

        await app.AssertExactAsync();
    }

    [Fact]
    public async Task An_instance_that_is_stopped_ends_its_step_and_hands_the_loop_over()
    {
        await using var app = await RunningApp.StartAsync(storage, "matihhandover", instanceCount: 2);
        foreach (var (stopped, other) in new[] { (0, 1), (1, 0) })
        {
            (await app.HandInAsync(app.Produce(2000), stopped)).Expect();
            await app.PostAsync("pipelines/clicks/checkpoint");

            await app.At(stopped).StopAsync();
            (await app.HandInAsync(app.Produce(10), other)).Expect();
            await app.WaitUntilCommittedAsync();

            await app.At(stopped).RestartAsync();
        }

        await app.AssertExactAsync();
    }

    [Fact]
    public async Task A_person_pauses_resumes_stops_and_starts_a_pipeline()
    {
        await using var app = await RunningApp.StartAsync(storage, "matihperson");
        (await app.HandInAsync(app.Produce(10))).Expect();
        await app.WaitUntilCommittedAsync();

        await app.PostAsync("pipelines/clicks/pause");
        await app.WaitForStateAsync("paused");
        (await app.HandInAsync(app.Produce(10))).Expect();
        Assert.Equal("staged-waiting", (await app.GetAsync("pipelines/clicks")).GetProperty("flows")[0].GetProperty("state").GetString());
        await app.PostAsync("pipelines/clicks/resume");
        await app.WaitUntilCommittedAsync();

        (await app.HandInAsync(app.Produce(10))).Expect();
        await app.PostAsync("pipelines/clicks/stop");
        await app.WaitForStateAsync("stopped");
        await app.WaitUntilCommittedAsync();
        (await app.HandInAsync(app.Produce(10))).Expect();
        (await app.TickAsync()).Expect();
        Assert.Equal("stopped", (await app.WaitForStateAsync("stopped")).GetProperty("state").GetString());
        Assert.Equal("staged-waiting", (await app.GetAsync("pipelines/clicks")).GetProperty("flows")[0].GetProperty("state").GetString());
        await app.PostAsync("pipelines/clicks/start");
        await app.WaitUntilCommittedAsync();

        // A stop has a last commit, also of what is paused.
        await app.PostAsync("pipelines/clicks/pause");
        await app.WaitForStateAsync("paused");
        (await app.HandInAsync(app.Produce(10))).Expect();
        await app.PostAsync("pipelines/clicks/stop");
        await app.WaitForStateAsync("stopped");
        Assert.Equal("up-to-date", (await app.GetAsync("pipelines/clicks")).GetProperty("flows")[0].GetProperty("state").GetString());

        await app.AssertExactAsync();
        Assert.Equal("proven", (await app.GetAsync("pipelines/clicks/verify")).GetProperty("result").GetString());
    }

    [Fact]
    public async Task A_pipeline_moves_from_functions_to_the_command_and_back()
    {
        await using var app = await RunningApp.StartAsync(storage, "matihmoves");
        (await app.HandInAsync(app.Produce(50))).Expect();
        await app.WaitUntilCommittedAsync();
        (await app.HandInAsync(app.Produce(50))).Expect();
        await app.PostAsync("pipelines/clicks/stop");
        await app.WaitForStateAsync("stopped");

        var file = Path.Combine(app.Pipelines, "clicks.yaml");
        app.Produce(50);
        (await app.MatihAsync("run", file, "--until-caught-up", "--log", "json")).Expect();
        app.Produce(50);
        (await app.MatihAsync("run", file, "--once", "--set", "orchestration.idle_timeout=1s", "--log", "json")).Expect();
        await app.AssertExactAsync();

        await app.PostAsync("pipelines/clicks/start");
        (await app.HandInAsync(app.Produce(50))).Expect();
        await app.WaitUntilCommittedAsync();
        await app.AssertExactAsync();
    }

    [Fact]
    public async Task A_broken_file_is_one_error_and_the_others_are_served()
    {
        await using var app = await RunningApp.StartAsync(storage, "matihbroken", prepare: app => File.WriteAllText(Path.Combine(app.Pipelines, "broken.yaml"), "metadata: { name: broken }\n"));

        var all = await app.GetAsync("pipelines");
        (await app.HandInAsync(app.Produce(10))).Expect();
        await app.WaitUntilCommittedAsync();

        Assert.Equal("broken.yaml", all.GetProperty("broken")[0].GetProperty("file").GetString());
        Assert.Equal("clicks", all.GetProperty("pipelines")[0].GetProperty("name").GetString());
        await app.AssertExactAsync();
    }

    [Fact]
    public async Task The_functions_of_the_app_name_settings_and_never_their_values()
    {
        await using var worker = await WorkerProcess.StartAsync(BuiltApps.Functions, new Dictionary<string, string?> { ["MATIH_PIPELINES"] = WriteSecured(), ["BROKERS"] = "broker:9093", ["KAFKA_PASSWORD"] = "planted-secret" });

        var trigger = worker.Functions.Single(function => function.Name == "ingest-secured-payments").Trigger;
        Assert.Equal(("%BROKERS%", "%KAFKA_PASSWORD%", "SaslSsl", "ScramSha512", "Many"), (
            trigger.GetProperty("brokerList").GetString(), trigger.GetProperty("password").GetString(), trigger.GetProperty("protocol").GetString(), trigger.GetProperty("authenticationMode").GetString(), trigger.GetProperty("cardinality").GetString()));
        Assert.DoesNotContain(worker.Functions, function => function.Name == "ingest" || function.RawBindings.Any(raw => raw.Contains("planted-secret", StringComparison.Ordinal)));
        Assert.Equal(
            ["command", "commit", "ingest-secured-payments", "maintain", "pipeline", "pipelines", "status", "verify", "watch"],
            worker.Functions.Select(function => function.Name).Order(StringComparer.Ordinal));
    }

    private static string WriteSecured()
    {
        var folder = TemporaryDirectory.NewUnowned();
        File.WriteAllText(Path.Combine(folder, "secured.yaml"), """
            metadata: { name: secured }
            connections:
              main:
                bootstrap_servers: "${BROKERS}"
                security: { protocol: sasl_ssl, mechanism: SCRAM-SHA-512, username: matih, password: "${KAFKA_PASSWORD}" }
            sources:
              payments: { type: kafka, connection: main, topic: payments, consumer_group: g, format: raw }
            sinks:
              lake: { type: iceberg, table: finance.payments }
            """);
        return folder;
    }
}
