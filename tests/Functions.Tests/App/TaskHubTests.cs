using System.Net;
using Matih.Functions.TestHost.Apps;
using Matih.Functions.TestHost.Storage;

namespace Matih.Functions.Tests.App;

/// <summary>What the app's loops share with others, and what their service can hold.</summary>
public sealed class TaskHubTests(SharedStorage storage)
{
    private const string HubName = "AzureFunctionsJobHost__extensions__durableTask__hubName";

    private async Task<PipelineApp> StartAsync(string site, string? hub, string sinks, string? lake = null, string interval = "1s", string idleTimeout = "2s", string? account = null)
    {
        var settings = new Dictionary<string, string?>
        {
            [HubName] = hub,
            ["WEBSITE_SITE_NAME"] = site,
            // What a host had taken that did not end it comes back after this.
            ["AzureFunctionsJobHost__extensions__durableTask__storageProvider__workItemQueueVisibilityTimeout"] = "00:00:10",
        };
        if (lake is not null) settings["LAKE"] = lake;
        return await PipelineApp.StartAsync(new PipelineSetup(account ?? (await storage.StartedAsync()).ConnectionString, "none")
        {
            Definition = $$"""
                metadata: { name: clicks }
                catalogs:
                  lake: { type: file, warehouse: "${LAKE}" }
                sources:
                  clicks: { type: kafka, connection: "${KAFKA_CONNECTION}", topic: clicks, consumer_group: g, format: raw }
                sinks:
                {{sinks}}
                orchestration: { checkpoint_interval: {{interval}}, idle_timeout: {{idleTimeout}} }
                """,
            Settings = settings,
        });
    }

    private const string Sink = "  lake: { type: iceberg, table: web.clicks }";

    [Fact]
    public async Task Two_apps_on_one_storage_account_keep_their_pipelines_of_one_name_apart()
    {
        await using var first = await StartAsync("matih-hub-first", null, Sink);
        await using var second = await StartAsync("matih-hub-second", null, Sink);

        await first.PostAsync("pipelines/clicks/pause");
        await first.WaitForStateAsync("paused");
        Assert.Equal("not-started", (await second.GetAsync("pipelines")).GetProperty("pipelines")[0].GetProperty("state").GetString());

        (await second.HandInAsync(second.Produce(10))).Expect();
        await second.WaitUntilCommittedAsync();
        Assert.Equal("paused", (await first.GetAsync("pipelines")).GetProperty("pipelines")[0].GetProperty("state").GetString());
    }

    [Fact]
    public async Task A_pipeline_whose_sinks_all_fail_with_long_messages_shows_it_and_takes_commands()
    {
        // A warehouse under a file, with a path that every message repeats; its characters take six each in JSON.
        var file = Path.GetTempFileName();
        var lake = file + string.Concat(Enumerable.Repeat("/" + new string('ü', 100), 8));
        var sinks = string.Join('\n', Enumerable.Range(0, 12).Select(i => $"  lake{i}: {{ type: iceberg, table: web.clicks{i} }}"));
        await using var app = await StartAsync("matih-hub-long", "matihlong", sinks, lake);

        await app.PostAsync("pipelines/clicks/start");
        var failing = await app.WaitForStateAsync("retrying", "failed");
        Assert.Equal("store", failing.GetProperty("last_error").GetProperty("code").GetString());
        Assert.EndsWith("…", failing.GetProperty("last_error").GetProperty("message").GetString(), StringComparison.Ordinal);
        await app.PostAsync("pipelines/clicks/stop");
        await app.WaitForStateAsync("stopped");
        File.Delete(file);
    }

    [Fact]
    public async Task A_host_that_is_stopped_waits_for_the_commit_that_it_is_at_and_nobody_makes_it_again()
    {
        // Without checkpoints in between: commits are the first one, and the last one.
        await using var app = await StartAsync("matih-hub-stopped", "matihstopped", Sink, interval: "1h", idleTimeout: "1h");
        var commits = app.Instance.Hold("commit");
        await app.PostAsync("pipelines/clicks/start");
        await commits.Reached;

        var stopping = app.Instance.StopAsync();

        // One that stops without grace ends by itself; the time only says how much of that is noticed here, and not below.
        Assert.NotSame(stopping, await Task.WhenAny(stopping, Task.Delay(TimeSpan.FromSeconds(3))));
        commits.Release();
        await stopping;
        await app.At(0).RestartAsync();
        await app.PostAsync("pipelines/clicks/stop");
        await app.WaitForStateAsync("stopped");
        Assert.Equal(2, commits.Count);
    }

    [Fact]
    public async Task An_app_whose_storage_is_gone_says_so()
    {
        var meter = StorageMeter.Start(await storage.StartedAsync());
        await using var app = await StartAsync("matih-hub-lost", "matihlost", Sink, account: meter.ConnectionString);
        await app.PostAsync("pipelines/clicks/start");
        // From now on nobody listens there.
        await meter.DisposeAsync();
        using var client = new HttpClient { BaseAddress = app.Instance.Worker.HttpAddress };

        foreach (var (method, path) in new[] { (HttpMethod.Get, "api/pipelines"), (HttpMethod.Get, "api/pipelines/clicks"), (HttpMethod.Post, "api/pipelines/clicks/stop") })
        {
            using var request = new HttpRequestMessage(method, path);
            using var answer = await client.SendAsync(request);
            var text = await answer.Content.ReadAsStringAsync();

            Assert.True(answer.StatusCode == HttpStatusCode.ServiceUnavailable, $"{path}: {answer.StatusCode} {text}");
            Assert.Contains("\"code\": \"store\"", text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("pause")]
    [InlineData("start")]
    public async Task A_loop_whose_definition_was_taken_out_of_the_app_can_be_stopped_and_nothing_else(string before)
    {
        await using var app = await StartAsync("matih-hub-gone", $"matihgone{before}", Sink);
        await app.PostAsync($"pipelines/clicks/{before}");
        File.Delete(app.DefinitionFile);
        await app.Instance.KillWorkerAsync();
        await app.Instance.StartWorkerAsync();

        Assert.Equal(HttpStatusCode.NotFound, await app.TryPostAsync("pipelines/clicks/resume", 0));
        await app.PostAsync("pipelines/clicks/stop");

        // It has ended: there is nothing of that name any more.
        var end = HttpStatusCode.Accepted;
        for (var limit = DateTime.UtcNow.AddMinutes(2); end != HttpStatusCode.NotFound && DateTime.UtcNow < limit; await Task.Delay(200)) end = await app.TryPostAsync("pipelines/clicks/stop", 0);
        Assert.Equal(HttpStatusCode.NotFound, end);
        Assert.Equal(HttpStatusCode.NotFound, await app.TryPostAsync("pipelines/clicks/start", 0));
    }
}
