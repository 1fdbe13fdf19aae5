using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Host;

/// <summary>The health of a real process, as a probe of an orchestrator asks for it.</summary>
public sealed partial class HealthTests : IDisposable
{
    private const string Secret = "hunter2-planted";
    private readonly ClickPipeline _pipeline = new();
    private readonly HttpClient _client = new();

    public void Dispose()
    {
        _client.Dispose();
        _pipeline.Dispose();
    }

    [Fact]
    public async Task A_continuous_run_tells_how_it_stands_and_nothing_of_its_definition()
    {
        _pipeline.Produce(100);
        await using var run = _pipeline.Start("--health", "0", "--set", "orchestration.checkpoint_interval=100ms", "--set", $"sources.clicks.properties.client.rack={Secret}");
        var url = await UrlAsync(run);
        await run.Error.WaitForAsync("100 rows committed");

        var (ready, _) = await GetAsync($"{url}/ready");
        var (live, _) = await GetAsync($"{url}/live");
        var (status, body) = await GetAsync(url);

        Assert.Equal((200, 200, 200), (ready, live, status));
        var flow = JsonDocument.Parse(body).RootElement.GetProperty("flows")[0];
        Assert.Equal("clicks/lake", flow.GetProperty("flow").GetString());
        Assert.Equal(100, flow.GetProperty("rows_committed").GetInt64());
        Assert.Equal(0, flow.GetProperty("retries_in_a_row").GetInt64());
        var snapshot = (await _pipeline.TableAsync("show")).GetProperty("current_snapshot").GetProperty("snapshot_id").GetString();
        Assert.Equal(snapshot, flow.GetProperty("last_commit").GetProperty("snapshot_id").GetString());
        foreach (var hidden in new[] { Secret, "127.0.0.1", "localhost", "clicks-test", _pipeline.Directory, "web.clicks", "JSON_VALUE" })
            Assert.DoesNotContain(hidden, body, StringComparison.OrdinalIgnoreCase);
        run.Send(ProcessSignal.Terminate);
        (await run.WaitForExitAsync()).Expect(0);
    }

    [Fact]
    public async Task While_kafka_is_away_it_is_live_but_not_ready_and_says_so_without_the_hosts()
    {
        await using var run = MatihProcess.Start(
            ["run", _pipeline.DefinitionFile, "--health", "0", "--progress", "none", "--set", "orchestration.max_retries=1000"], _pipeline.Directory,
            new Dictionary<string, string?> { ["KAFKA_CONNECTION"] = "127.0.0.1:1", ["MATIH_WAREHOUSE"] = null });
        var url = await UrlAsync(run);
        await run.Error.WaitForAsync("Kafka client");

        var (ready, reasons) = await GetAsync($"{url}/ready");
        var (live, _) = await GetAsync($"{url}/live");

        Assert.Equal((503, 200), (ready, live));
        Assert.Contains("Flow clicks/lake ", reasons, StringComparison.Ordinal);
        Assert.DoesNotContain("127.0.0.1", reasons, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_of_limited_length_serves_nothing_unless_asked()
    {
        _pipeline.Produce(10);

        var silent = (await _pipeline.RunAsync("--until-caught-up")).Expect(0);
        var asked = (await _pipeline.RunAsync("--until-caught-up", "--health", "0")).Expect(0);

        Assert.DoesNotContain("Health is served", silent.StandardError, StringComparison.Ordinal);
        Assert.Contains("Health is served at http://127.0.0.1:", asked.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_that_was_asked_for_and_is_taken_ends_with_3()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();

        var output = await _pipeline.RunAsync("--health", other.LocalEndpoint.ToString()!);

        Assert.Equal(3, output.ExitCode);
        Assert.Equal(
            $"matih: Health cannot be served at {other.LocalEndpoint}: another program listens there.\n"
            + "End that program, or name another port with --health [HOST:]PORT or MATIH_HEALTH (0 takes a free one, off serves none).\n", output.StandardError);
    }

    private static async Task<string> UrlAsync(ExternalProcess run) => Url().Match(await run.Error.WaitForAsync("Health is served")).Value;

    private async Task<(int Status, string Body)> GetAsync(string url)
    {
        using var answer = await _client.GetAsync(new Uri(url), TestContext.Current.CancellationToken);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [GeneratedRegex("http://127[.]0[.]0[.]1:[0-9]+/health")]
    private static partial Regex Url();
}
