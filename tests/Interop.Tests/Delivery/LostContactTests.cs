using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Delivery;

/// <summary>What a probe, the log and verification say of a broker that is gone under a run with nothing to read.</summary>
public sealed partial class LostContactTests : IDisposable
{
    /// <summary>From the broker's death until health has to say so; what runs beside others on a busy machine says so late.</summary>
    private static readonly TimeSpan SeenWithin = Soak.IsOn ? TimeSpan.FromMinutes(1) : ExternalProcess.WaitMax;

    private readonly HttpClient _client = new();

    public void Dispose() => _client.Dispose();

    /// <summary>How the broker dies, and options of the run. Each takes minutes: the soak has them all.</summary>
    public static TheoryData<string, string[]> Deaths => Soak.IsOn
        ? new() { { "killed", [] }, { "frozen", [] }, { "killed", ["--member"] }, { "frozen", ["--member"] } }
        : new() { { "frozen", [] }, { "killed", ["--member"] } };

    [Theory, LongTest]
    [MemberData(nameof(Deaths))]
    public async Task A_broker_that_dies_under_an_idle_run_is_seen_in_health(string how, string[] options)
    {
        // A broker of its own, because it is killed.
        await using var broker = await KafkaBroker.StartAsync();
        var client = await broker.ClientAsync();
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), broker.Bootstrap, "orders");
        await client.CreateTopicAsync(pipeline.Topic, 2);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await using var run = pipeline.Start(["--health", "0", .. options]);
        var url = Url().Match(await run.Error.WaitForAsync("Health is served")).Value;
        await OrderPipeline.WaitForRowsAsync(run, 100);
        var calm = await UntilAsync(url, flow => flow.GetProperty("lag").ValueKind == JsonValueKind.Object && Lag(flow) == (0, 0));
        Assert.InRange(Age(calm, "last_contact"), TimeSpan.Zero, SeenWithin / 2);

        var died = TimeProvider.System.GetTimestamp();
        await (how == "killed" ? broker.KillAsync() : broker.PauseAsync());
        var cut = await UntilAsync(url, flow => flow.GetProperty("reason").ValueKind == JsonValueKind.String);

        Assert.InRange(TimeProvider.System.GetElapsedTime(died), TimeSpan.Zero, SeenWithin);
        Assert.Matches("^Flow orders/lake has had no answer from Kafka for [0-9]+ s; at most 30 s are expected[.]", cut.GetProperty("reason").GetString());
        using var ready = await _client.GetAsync(new Uri($"{url}/ready"), TestContext.Current.CancellationToken);
        using var live = await _client.GetAsync(new Uri($"{url}/live"), TestContext.Current.CancellationToken);
        Assert.Equal((503, 200), ((int)ready.StatusCode, (int)live.StatusCode));
        Assert.InRange(Age(cut, "lag"), TimeSpan.FromSeconds(25), SeenWithin + TimeSpan.FromSeconds(10));
        await run.Error.WaitForAsync("\"event\":\"contact-lost\"");

        await (how == "killed" ? broker.RestartAsync() : broker.ResumeAsync());
        await run.Error.WaitForAsync("\"event\":\"contact-back\"");
        await UntilAsync(url, flow => flow.GetProperty("reason").ValueKind == JsonValueKind.Null);
        await using var fresh = await KafkaClient.ConnectAsync(broker.Bootstrap);
        await fresh.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(100, 100));
        await OrderPipeline.WaitForRowsAsync(run, 200);
        run.Send(ProcessSignal.Terminate);
        (await run.WaitForExitAsync()).Expect(0);
        Assert.Equal((200, 200, 200), await pipeline.CountAsync());
        Assert.Single(run.Error.Lines, line => line.Contains("\"event\":\"contact-lost\"", StringComparison.Ordinal));
    }

    private static TimeSpan Age(JsonElement flow, string what) => TimeSpan.FromSeconds(flow.GetProperty(what).GetProperty("age_seconds").GetDouble());

    private static (long Unread, long Uncommitted) Lag(JsonElement flow) =>
        (flow.GetProperty("lag").GetProperty("unread").GetInt64(), flow.GetProperty("lag").GetProperty("uncommitted").GetInt64());

    /// <summary>Health has no signal: it is asked, as a probe asks, until it says so.</summary>
    private async Task<JsonElement> UntilAsync(string url, Func<JsonElement, bool> holds)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(ExternalProcess.WaitMax);
        JsonElement flow = default;
        while (!limit.IsCancellationRequested)
        {
            flow = (await _client.GetFromJsonAsync<JsonElement>(new Uri(url), TestContext.Current.CancellationToken)).GetProperty("flows")[0];
            if (holds(flow)) return flow;
            await Task.WhenAny(Task.Delay(200, limit.Token));
        }
        throw new TimeoutException($"Health still says {flow}.");
    }

    [GeneratedRegex("http://127[.]0[.]0[.]1:[0-9]+/health")]
    private static partial Regex Url();
}
