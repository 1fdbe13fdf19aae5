using Matih.Fixtures;
using Matih.Functions.TestHost;

namespace Matih.Functions.Tests.App;

/// <summary>What the real worker sends of its metrics and spans, and to whom.</summary>
public sealed class TelemetryTests(SharedStorage storage)
{
    private const string ClientId = "1d5a4a0d-7f5b-4f0a-9d62-6b7a0c2e5e11";

    private static readonly (string Key, string Value)[] Flow = [("pipeline", "clicks"), ("sink", "lake")];

    [Fact]
    public async Task A_commit_is_measured_and_sent_to_the_collector_that_the_settings_name()
    {
        await using var collector = OtlpCollector.Start();
        await using var app = await RunningApp.StartAsync(storage, "matihotlp", prepare: app =>
        {
            app.Set("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Endpoint);
            app.Set("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
            app.Set("WEBSITE_SITE_NAME", "app");
        });

        (await app.HandInAsync(app.Produce(100))).Expect();
        await app.WaitUntilCommittedAsync();
        (await app.MaintainAsync()).Expect();
        await app.Instance.StopAsync();

        Assert.Equal(["/v1/metrics", "/v1/traces"], collector.Requests.Select(request => request.Path).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal("app", collector.Resource["service.name"]);
        Assert.Equal((100, 100, 0), (collector.Greatest("matih.records.committed", Flow), collector.Greatest("matih.rows.committed", Flow), collector.Greatest("matih.failures", Flow)));
        Assert.Equal(0, collector.Greatest("matih.lag.records", [.. Flow, ("topic", "clicks")]));
        Assert.True(collector.Greatest("matih.records.staged", Flow) is > 0 and <= 100, "what the commit read itself was not staged");
        Assert.True(collector.Greatest("matih.commit.duration", Flow) >= 1);
        Assert.Equal(Documented(), collector.Points.Select(point => point.Metric).Distinct().Order(StringComparer.Ordinal));
        Assert.Contains(collector.Spans, span => span.Name == "matih.commit" && span.Attributes["pipeline"] == "clicks");
    }

    [Theory]
    [InlineData($"ClientId={ClientId};Authorization=AAD", ClientId)]
    [InlineData("Authorization=AAD", null)]
    public async Task A_commit_is_measured_and_sent_to_Application_Insights_as_the_identity_of_the_app(string authentication, string? clientId)
    {
        await using var insights = await InsightsEndpoint.StartAsync();
        await using var app = await RunningApp.StartAsync(storage, $"matihinsights{authentication.Length}", prepare: app =>
        {
            foreach (var (name, value) in insights.Settings) app.Set(name, value);
            app.Set("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", authentication);
            app.Set("WEBSITE_SITE_NAME", "app");
        });

        (await app.HandInAsync(app.Produce(100))).Expect();
        await app.WaitUntilCommittedAsync();
        await app.Instance.StopAsync();

        Assert.All(insights.TokenRequests, request => Assert.Equal((clientId, "https://monitor.azure.com/"), request));
        Assert.NotEmpty(insights.TokenRequests);
        Assert.Equal(0, insights.RefusedCount);
        Assert.Equal(["app"], insights.Roles.Distinct());
        Assert.Equal((100, 0), (insights.Metrics.Where(metric => metric.Name == "matih.rows.committed").Sum(metric => metric.Value), insights.Greatest("matih.lag.records", [.. Flow, ("topic", "clicks")])));
        Assert.NotNull(insights.Greatest("matih.commit.age", Flow));
        Assert.Contains(insights.Spans, span => span.Name == "matih.commit" && span.Properties["pipeline"] == "clicks");
    }

    [Fact]
    public async Task Without_settings_nothing_of_OpenTelemetry_is_loaded()
    {
        await using var app = await RunningApp.StartAsync(storage, "matihsilent");

        (await app.HandInAsync(app.Produce(10))).Expect();
        await app.WaitUntilCommittedAsync();

        var loaded = await File.ReadAllTextAsync($"/proc/{app.Instance.Worker.Process.Id}/maps");
        Assert.Contains("Matih.Functions.dll", loaded, StringComparison.Ordinal);
        Assert.DoesNotContain("OpenTelemetry", loaded, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("APPLICATIONINSIGHTS_CONNECTION_STRING", "no connection", "their exporters could not be made")]
    [InlineData("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "me", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING is not of the form")]
    public async Task Settings_that_are_wrong_are_said_and_stop_nothing(string name, string value, string said)
    {
        await using var app = await RunningApp.StartAsync(storage, $"matihwrong{value.Length}", prepare: app =>
        {
            app.Set("APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey=6b7a0c2e-7f5b-4f0a-9d62-0d5a4a0d5e11;IngestionEndpoint=http://127.0.0.1:1/");
            app.Set(name, value);
        });

        await app.Instance.Worker.Log.WaitForAsync(said);
        (await app.HandInAsync(app.Produce(10))).Expect();
        await app.WaitUntilCommittedAsync();
        await app.AssertExactAsync();
    }

    /// <summary>The metrics of docs/metrics.md.</summary>
    private static IEnumerable<string> Documented() => File.ReadLines(Path.Combine(SourceTree.Root, "docs", "metrics.md"))
        .Where(line => line.StartsWith("| `matih.", StringComparison.Ordinal)).Select(line => line.Split('`')[1]).Order(StringComparer.Ordinal);
}
