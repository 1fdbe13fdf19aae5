using System.Net;
using System.Text;
using Matih.Fixtures;
using Matih.Functions.TestHost;

namespace Matih.Functions.Tests.TestHost;

/// <summary>The test host against a real worker: what reaches its functions, what comes back, and how it ends.</summary>
public sealed class WorkerProcessTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 30, 4, 5, 6, TimeSpan.Zero);

    private static Task<WorkerProcess> StartAsync(params (string Name, string? Value)[] environment) =>
        WorkerProcess.StartAsync(BuiltApps.TestWorker, environment.ToDictionary(setting => setting.Name, setting => setting.Value));

    [Fact]
    public async Task The_worker_lists_its_functions_with_settings_left_as_they_are()
    {
        await using var worker = await StartAsync(("Brokers", "broker:9092"), ("Schedule", "0 * * * * *"));

        Assert.Equal(
            ["add:activityTrigger", "batch:kafkaTrigger", "echo:httpTrigger", "end:httpTrigger", "hang:timerTrigger", "loop:orchestrationTrigger", "signal:httpTrigger", "start:httpTrigger", "tick:timerTrigger"],
            worker.Functions.Select(function => $"{function.Name}:{function.TriggerType}").Order(StringComparer.Ordinal));
        var batch = worker.Functions.Single(function => function.Name == "batch");
        Assert.Equal("Matih.Functions.TestWorker.TriggerFunctions.BatchAsync", batch.EntryPoint);
        Assert.Equal("Matih.Functions.TestWorker.dll", batch.ScriptFile);
        Assert.Equal("%Brokers%", batch.Trigger.GetProperty("brokerList").GetString());
        Assert.Contains(batch.RawBindings, raw => raw.Contains("durableClient", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_timer_function_gets_its_tick_and_its_log_and_failure_come_back()
    {
        await using var worker = await StartAsync();

        var ticked = await worker.InvokeAsync("tick", TimerTick.At(Now.AddMinutes(-1), Now));
        var late = await worker.InvokeAsync("tick", TimerTick.At(Now.AddMinutes(-1), Now, isPastDue: true));

        Assert.True(ticked.Expect().Succeeded);
        Assert.Contains("Information Matih.Functions.TestWorker.TriggerFunctions: ticked, next 2026-11-30T04:05:06", worker.Log.Text, StringComparison.Ordinal);
        Assert.Contains("past due on purpose", late.Failure?.Message, StringComparison.Ordinal);
        Assert.StartsWith("Result: Failure\nException: ", Assert.Throws<FunctionFailedException>(late.Expect).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_batch_arrives_as_the_Kafka_extension_sends_it()
    {
        await using var worker = await StartAsync();
        worker.DurableClient = """{"rpcBaseUrl":"http://127.0.0.1:1/","taskHubName":"none"}""";

        var result = await worker.InvokeAsync(
            "batch",
            KafkaBatch.Of(
                new KafkaTestRecord("t", 1, 300, "k"u8.ToArray(), "v"u8.ToArray(), DateTimeOffset.FromUnixTimeMilliseconds(5)) { Headers = [("h", "x"u8.ToArray()), ("n", null)] },
                new KafkaTestRecord("t", 0, 7, null, null, DateTimeOffset.FromUnixTimeMilliseconds(6)) { TimestampType = KafkaTimestampType.LogAppendTime },
                new KafkaTestRecord("t", 0, 8, [], [], DateTimeOffset.FromUnixTimeMilliseconds(6))));

        // Written by hand after the protobuf encoding: tag, length and bytes of each field.
        const string item = "1.0/AzureKafkaRecord/application/x-protobuf/";
        Assert.Equal(
            $"batch {item}0a0174100118ac0222016b2a01763204080510013a060a01681201783a030a016e" +
            $" {item}0a0174180732040806" + "1002" +
            $" {item}0a0174180822002a0032040806" + "1001",
            result.Expect().ReturnValue?.String);
    }

    [Fact]
    public async Task A_function_with_a_durable_client_says_what_it_needs()
    {
        await using var worker = await StartAsync();

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => worker.InvokeAsync("batch", KafkaBatch.Of()));

        Assert.Contains("The function batch takes a durable client (client), and no job host runs", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HTTP_functions_are_served_under_their_routes()
    {
        await using var worker = await StartAsync();
        using var client = new HttpClient { BaseAddress = worker.HttpAddress };
        using var request = new HttpRequestMessage(HttpMethod.Put, "api/echo/some%20name/3?q=a%26b") { Content = new StringContent("bödy", Encoding.UTF8, "text/plain") };
        request.Headers.Add("x-sent", "one");

        using var answer = await client.SendAsync(request);
        using var withoutRoute = await client.PutAsync(new Uri("api/nothing", UriKind.Relative), null);
        using var withoutMethod = await client.DeleteAsync(new Uri("api/echo/x", UriKind.Relative));
        using var failed = await client.PostAsync(new Uri("api/echo/x", UriKind.Relative), null);

        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        Assert.Equal("one", Assert.Single(answer.Headers.GetValues("x-echo")));
        Assert.Equal("PUT /api/echo/some%20name/3?q=a%26b name=some name q=a&b body=bödy", await answer.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.NotFound, withoutRoute.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, withoutMethod.StatusCode);
        Assert.Equal(HttpStatusCode.InternalServerError, failed.StatusCode);
    }

    [Fact]
    public async Task Cancelling_asks_the_function_to_end_and_awaits_its_answer()
    {
        await using var worker = await StartAsync();
        using var cancellation = new CancellationTokenSource();
        var hanging = worker.InvokeAsync("hang", TimerTick.At(Now, Now), cancellation.Token);
        await worker.Log.WaitForAsync("hanging");

        await cancellation.CancelAsync();

        Assert.False((await hanging).Succeeded);
        Assert.True((await worker.InvokeAsync("tick", TimerTick.At(Now, Now))).Succeeded);
    }

    [Fact]
    public async Task Killing_a_worker_fails_what_runs_in_it_and_leaves_another_alone()
    {
        await using var first = await StartAsync();
        await using var second = await StartAsync();
        var hanging = first.InvokeAsync("hang", TimerTick.At(Now, Now));
        await first.Log.WaitForAsync("hanging");

        await first.KillAsync();

        await Assert.ThrowsAsync<WorkerEndedException>(() => hanging);
        await Assert.ThrowsAsync<WorkerEndedException>(() => first.InvokeAsync("tick", TimerTick.At(Now, Now)));
        using var client = new HttpClient { BaseAddress = first.HttpAddress };
        using var answer = await client.PostAsync(new Uri("api/echo/x", UriKind.Relative), null);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.True((await second.InvokeAsync("tick", TimerTick.At(Now, Now))).Succeeded);
    }

    [Fact]
    public async Task A_worker_ends_when_it_is_asked_to()
    {
        await using var worker = await StartAsync();

        await worker.TerminateAsync(TimeSpan.FromSeconds(5));

        Assert.True(worker.Process.HasExited);
        Assert.True(worker.Ended.IsCompleted);
    }

    [Fact]
    public async Task A_worker_that_cannot_start_says_why()
    {
        var folder = Directory.CreateTempSubdirectory("matih-test-").FullName;
        try
        {
            var missing = await Assert.ThrowsAsync<FileNotFoundException>(() => WorkerProcess.StartAsync(folder));
            await File.WriteAllTextAsync(Path.Combine(folder, "worker.config.json"), """{"description":{"defaultExecutablePath":"dotnet","defaultWorkerPath":"none.dll"}}""");
            var broken = await Assert.ThrowsAsync<WorkerEndedException>(() => WorkerProcess.StartAsync(folder));

            Assert.Contains("worker.config.json does not exist", missing.Message, StringComparison.Ordinal);
            Assert.Contains("none.dll", broken.Message, StringComparison.Ordinal);
        }
        finally
        {
            TemporaryDirectory.Delete(folder);
        }
    }
}
