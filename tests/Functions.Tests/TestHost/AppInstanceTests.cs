using System.Net.Http.Json;
using Matih.Fixtures;
using Matih.Functions.TestHost;
using Matih.Functions.TestHost.Storage;

namespace Matih.Functions.Tests.TestHost;

/// <summary>The test host with real Durable: orchestrations of a worker survive the death of either process.</summary>
public sealed class AppInstanceTests(SharedStorage storage)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private int _hubCount;

    [Fact]
    public async Task An_orchestration_waits_for_events_and_timers_calls_activities_and_continues_as_new()
    {
        await using var app = await StartAsync(await SettingsAsync());
        using var client = Client(app);

        await StartLoopAsync(client, "events", rounds: 2, Hour);
        await SignalAsync(client, "events", 10);
        await SignalAsync(client, "events", 20);
        await StartLoopAsync(client, "timer", rounds: 1, TimeSpan.FromMilliseconds(1));

        Assert.Equal("""Completed {"Sum":32,"By":"add"}""", await EndAsync(client, "events"));
        Assert.Equal("""Completed {"Sum":1,"By":"add"}""", await EndAsync(client, "timer"));
    }

    [Fact]
    public async Task A_failed_activity_fails_its_orchestration_with_the_functions_own_message()
    {
        await using var app = await StartAsync(await SettingsAsync());
        using var client = Client(app);

        await StartLoopAsync(client, "failing", rounds: 1, Hour);
        await SignalAsync(client, "failing", -5);

        var end = await EndAsync(client, "failing");
        Assert.StartsWith("Failed ", end, StringComparison.Ordinal);
        Assert.Contains("The sum -5 is negative.", end, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_batch_function_signals_an_orchestration()
    {
        var settings = await SettingsAsync();
        settings["SIGNALLED_INSTANCE"] = "signalled";
        await using var app = await StartAsync(settings);
        using var client = Client(app);
        await StartLoopAsync(client, "signalled", rounds: 1, Hour);

        var record = new KafkaTestRecord("t", 0, 0, null, [1], DateTimeOffset.UnixEpoch);
        (await app.Worker.InvokeAsync("batch", KafkaBatch.Of(record, record with { Offset = 1 }))).Expect();

        Assert.Equal("""Completed {"Sum":3,"By":"add"}""", await EndAsync(client, "signalled"));
    }

    [Fact]
    public Task An_activity_fails_with_its_worker() => KillAsync("worker", "Failed Microsoft.DurableTask.TaskFailedException: Task 'add' (#1) failed");

    [Fact]
    public Task An_activity_runs_again_after_its_host_died() => KillAsync("host", """Completed {"Sum":14,"By":"add"}""");

    [Fact]
    public Task An_activity_runs_again_after_its_instance_died() => KillAsync("both", """Completed {"Sum":14,"By":"add"}""");

    [Fact]
    public async Task Two_instances_share_a_task_hub()
    {
        var settings = await SettingsAsync();
        await using var first = await StartAsync(settings);
        await using var second = await StartAsync(settings);
        using var client = Client(second);
        using (var other = Client(first)) await StartLoopAsync(other, "shared", rounds: 1, Hour);

        await SignalAsync(client, "shared", 4);

        Assert.Equal("""Completed {"Sum":5,"By":"add"}""", await EndAsync(client, "shared"));
    }

    [Fact]
    public async Task A_meter_counts_what_goes_to_storage()
    {
        await using var meter = StorageMeter.Start(await storage.StartedAsync());
        var settings = await SettingsAsync();
        settings["AzureWebJobsStorage"] = meter.ConnectionString;
        await using var app = await StartAsync(settings);
        using var client = Client(app);
        var before = meter.Counts;

        await StartLoopAsync(client, "metered", rounds: 1, Hour);
        await SignalAsync(client, "metered", 1);
        await EndAsync(client, "metered");

        var counts = meter.Counts.Since(before);
        TestContext.Current.TestOutputHelper!.WriteLine($"{counts}\n{string.Join('\n', meter.Operations)}");
        // The start, the event, the activity and its result are a message each, which is put, got and deleted.
        Assert.InRange(counts.Queue - counts.QueuePolls, 8, counts.Total);
        Assert.InRange(counts.Table, 4, counts.Total);
        Assert.Contains("queue GET", meter.Operations.Keys);
        Assert.Equal(meter.Counts.Blob > 0, meter.Operations.Keys.Any(operation => operation.StartsWith("blob", StringComparison.Ordinal)));
    }

    private async Task KillAsync(string killed, string expected)
    {
        var settings = await SettingsAsync();
        // What a killed host had taken comes back after this.
        settings["AzureFunctionsJobHost__extensions__durableTask__storageProvider__workItemQueueVisibilityTimeout"] = "00:00:10";
        var hanging = Path.Combine(Directory.CreateTempSubdirectory("matih-test-").FullName, "hanging");
        await File.WriteAllTextAsync(hanging, "");
        settings["HANGING_FILE"] = hanging;
        try
        {
            await using var app = await StartAsync(settings);
            using (var client = Client(app))
            {
                await StartLoopAsync(client, "killed", rounds: 1, Hour);
                await SignalAsync(client, "killed", 13);
            }
            await app.Worker.Process.Output.WaitForAsync("add hangs");
            File.Delete(hanging);

            if (killed == "worker") await app.KillWorkerAsync();
            else if (killed == "host") await app.KillHostAsync();
            else await app.KillAsync();
            if (killed != "host") await app.StartWorkerAsync();
            if (killed != "worker") await app.StartHostAsync();

            using var after = Client(app);
            Assert.StartsWith(expected, await EndAsync(after, "killed"), StringComparison.Ordinal);
        }
        finally
        {
            TemporaryDirectory.Delete(Path.GetDirectoryName(hanging)!);
        }
    }

    private async Task<Dictionary<string, string?>> SettingsAsync() => new()
    {
        ["AzureWebJobsStorage"] = (await storage.StartedAsync()).ConnectionString,
        ["TaskHub"] = $"hub{Interlocked.Increment(ref _hubCount)}{Guid.NewGuid():N}"[..24],
    };

    private static Task<AppInstance> StartAsync(Dictionary<string, string?> settings) => AppInstance.StartAsync(BuiltApps.TestWorker, settings);

    private static HttpClient Client(AppInstance app) => new() { BaseAddress = app.Worker.HttpAddress, Timeout = TimeSpan.FromMinutes(10) };

    private static async Task StartLoopAsync(HttpClient client, string id, int rounds, TimeSpan timer)
    {
        using var answer = await client.PostAsJsonAsync(new Uri($"api/loops/{id}", UriKind.Relative), new { Rounds = rounds, Sum = 0, Timer = timer });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private static async Task SignalAsync(HttpClient client, string id, int value)
    {
        using var answer = await client.PostAsync(new Uri($"api/loops/{id}/signals/{value}", UriKind.Relative), null);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private static async Task<string> EndAsync(HttpClient client, string id)
    {
        using var answer = await client.GetAsync(new Uri($"api/loops/{id}", UriKind.Relative));
        var text = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode ? text : throw new InvalidOperationException(text);
    }
}
