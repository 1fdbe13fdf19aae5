using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Matih.Fixtures;
using Matih.Functions.TestHost;
using Matih.Functions.TestHost.Apps;

namespace Matih.Functions.Tests.App;

/// <summary>The real worker with thirty definitions, and with calls that mean none of them. No Durable, no Kafka.</summary>
public sealed class ManyPipelinesTests
{
    private static string Definition(string name, int sourceCount = 1)
    {
        var sources = string.Join('\n', Enumerable.Range(0, sourceCount).Select(i => $"  s{i}: {{ type: kafka, connection: \"b:9092\", topic: t{i}, consumer_group: g-{name}, format: raw }}"));
        var sinks = string.Join('\n', Enumerable.Range(0, sourceCount).Select(i => $"  k{i}: {{ type: iceberg, input: s{i}, table: n.{name.Replace('.', '_').ToUpperInvariant()}{i} }}"));
        return string.Create(CultureInfo.InvariantCulture, $"metadata: {{ name: {name} }}\nsources:\n{sources}\nsinks:\n{sinks}\n");
    }

    private static async Task<WorkerProcess> StartAsync(params string[] names)
    {
        var folder = TemporaryDirectory.NewUnowned();
        foreach (var name in names) await File.WriteAllTextAsync(Path.Combine(folder, $"{name}.yaml"), Definition(name, sourceCount: 2));
        var worker = await WorkerProcess.StartAsync(BuiltApps.Functions, new Dictionary<string, string?> { ["MATIH_PIPELINES"] = folder });
        worker.DurableClient = """{"rpcBaseUrl":"http://127.0.0.1:1/","taskHubName":"none"}""";
        return worker;
    }

    [Fact]
    public async Task Thirty_pipelines_have_a_function_for_each_source_under_names_that_the_host_takes()
    {
        // Names that differ only where functions may not: dots, lengths, and where name and source meet.
        string[] names = ["a.b", "a-b", "a_b", "a-b-s0", new('p', 100), new string('p', 99) + "q", .. Enumerable.Range(0, 24).Select(i => $"9.{i}")];

        await using var worker = await StartAsync(names);

        var triggers = worker.Functions.Where(function => function.IsTriggeredBy("kafkaTrigger")).ToList();
        Assert.Equal(60, triggers.Count);
        Assert.Equal(worker.Functions.Count, worker.Functions.Select(function => function.Name).Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.All(worker.Functions, function => Assert.Matches("^[A-Za-z][A-Za-z0-9_-]{0,126}$", function.Name));
        Assert.Equal(names.Select(name => $"g-{name}").Order(StringComparer.Ordinal), triggers.Select(function => function.Trigger.GetProperty("consumerGroup").GetString()!).Distinct().Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("GET", "pipelines/clicks")]
    [InlineData("GET", "pipelines/CLICK.S")]
    [InlineData("GET", "pipelines/click.s%20")]
    [InlineData("GET", "pipelines/%2e%2e%2fclick.s")]
    [InlineData("GET", "pipelines/%F0%9F%98%80/verify")]
    [InlineData("POST", "pipelines/none/start")]
    [InlineData("POST", "pipelines/click.s/explode")]
    [InlineData("POST", "pipelines/click.s/Start")]
    [InlineData("POST", "pipelines/click.s/verify")]
    public async Task A_call_that_means_no_pipeline_or_no_command_is_answered_with_what_there_is(string method, string path)
    {
        await using var worker = await StartAsync("click.s");
        using var client = new HttpClient { BaseAddress = worker.HttpAddress };
        using var request = new HttpRequestMessage(new HttpMethod(method), $"api/{path}");

        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.StartsWith("unknown-", json.RootElement.GetProperty("code").GetString(), StringComparison.Ordinal);
        Assert.Contains(path.StartsWith("pipelines/click.s/", StringComparison.Ordinal) ? "checkpoint, pause, resume, start, stop" : "click.s", json.RootElement.GetProperty("remedy").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "pipelines", false)]
    [InlineData("GET", "pipelines", true)]
    [InlineData("GET", "pipelines/click.s", false)]
    [InlineData("POST", "pipelines/click.s/stop", false)]
    [InlineData("POST", "pipelines/click.s/stop", true)]
    [InlineData("POST", "pipelines/none/stop", false)]
    public async Task A_task_hub_that_does_not_answer_is_said_as_an_error_that_may_pass(string method, string path, bool isSilent)
    {
        await using var worker = await StartAsync("click.s");
        // It takes connections and says nothing.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        if (isSilent) worker.DurableClient = $$"""{"rpcBaseUrl":"http://{{silent.LocalEndpoint}}/","taskHubName":"none"}""";
        using var client = new HttpClient { BaseAddress = worker.HttpAddress };
        using var request = new HttpRequestMessage(new HttpMethod(method), $"api/{path}");

        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);

        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.StatusCode == HttpStatusCode.ServiceUnavailable, $"{answer.StatusCode}: {text}");
        using var json = JsonDocument.Parse(text);
        Assert.Equal("store", json.RootElement.GetProperty("code").GetString());
        var message = json.RootElement.GetProperty("message").GetString();
        Assert.StartsWith("The task hub of Durable Functions did not answer: ", message, StringComparison.Ordinal);
        Assert.Equal(isSilent, message!.EndsWith("nothing came within 15 s.", StringComparison.Ordinal));
        Assert.Contains("AzureWebJobsStorage", json.RootElement.GetProperty("remedy").GetString(), StringComparison.Ordinal);
    }
}
