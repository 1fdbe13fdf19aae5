using System.Text.RegularExpressions;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Host;

/// <summary>Metrics and traces of real processes, read by programs that are not ours.</summary>
public sealed partial class MetricsTests : IDisposable
{
    private const string Secret = "hunter2-planted";
    private readonly ClickPipeline _pipeline = new();

    public void Dispose() => _pipeline.Dispose();

    [Fact]
    public async Task The_page_is_what_Prometheus_reads_and_tells_what_the_table_holds()
    {
        _pipeline.Produce(100);
        await using var run = _pipeline.Start("--health", "0", "--set", "orchestration.checkpoint_interval=100ms", "--set", $"sources.clicks.properties.client.rack={Secret}");
        var url = MetricsUrl().Match(await run.Error.WaitForAsync("Health is served")).Value + "metrics";
        await run.Error.WaitForAsync("100 rows committed");

        using var client = new HttpClient();
        var page = await client.GetStringAsync(new Uri(url), TestContext.Current.CancellationToken);

        Assert.Equal("", await PrometheusTools.LintAsync(page));
        var samples = (await PrometheusTools.ReadAsync(page)).SelectMany(family => family.Samples).ToArray();
        Assert.All(samples, sample => Assert.Equal(("clicks", "lake"), (sample.Labels["pipeline"], sample.Labels["sink"])));
        Assert.Equal(await _pipeline.RowCountAsync(), Value("matih_rows_committed_total"));
        Assert.Equal((100, 0, 0), (Value("matih_records_read_total"), Value("matih_lag_records", ("topic", "clicks")), Value("matih_failures_total", ("kind", "kafka"))));
        Assert.Equal((0, 0), (Value("matih_lag_partition", ("partition", "0")), Value("matih_lag_partition", ("partition", "1"))));
        Assert.Equal(Value("matih_commits_total"), Value("matih_commit_duration_seconds_count"));
        Assert.Equal(Value("matih_commits_total"), Value("matih_commit_duration_seconds_bucket", ("le", "+Inf")));
        Assert.InRange(Value("matih_commit_age_seconds"), 0, 600);
        Assert.InRange(Value("matih_freshness_seconds"), 0, 600);
        Assert.InRange(Value("matih_memory_used_bytes"), 0, Value("matih_memory_ceiling_bytes"));
        foreach (var hidden in new[] { Secret, "127.0.0.1", "localhost", "clicks-test", _pipeline.Directory, "JSON_VALUE" })
            Assert.DoesNotContain(hidden, page, StringComparison.OrdinalIgnoreCase);
        run.Send(ProcessSignal.Terminate);
        (await run.WaitForExitAsync()).Expect(0);

        double Value(string name, params (string Key, string Value)[] labels) =>
            Assert.Single(samples, sample => sample.Name == name && labels.All(wanted => sample.Labels.GetValueOrDefault(wanted.Key) == wanted.Value)).Value;
    }

    [Fact]
    public async Task A_micro_batch_sends_its_metrics_and_spans_to_the_collector_that_the_environment_names()
    {
        await using var collector = OtlpCollector.Start();
        _pipeline.Produce(100);

        (await _pipeline.RunWithAsync(new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Endpoint,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_EXPORTER_OTLP_HEADERS"] = "x-key=opensesame",
            ["OTEL_RESOURCE_ATTRIBUTES"] = "deployment.environment=test",
        }, "--once")).Expect(0);

        Assert.Equal(["/v1/metrics", "/v1/traces"], collector.Requests.Select(request => request.Path).Distinct().Order(StringComparer.Ordinal));
        Assert.All(collector.Requests, request => Assert.Equal(("application/x-protobuf", "opensesame"), (request.ContentType, request.Key)));
        Assert.Equal(("matih", "test"), (collector.Resource["service.name"], collector.Resource["deployment.environment"]));
        var flow = new[] { ("pipeline", "clicks"), ("sink", "lake") };
        Assert.Equal((100, 100, 0), (collector.Greatest("matih.records.read", flow), collector.Greatest("matih.rows.committed", flow), collector.Greatest("matih.failures", flow)));
        Assert.Equal((0, 0), (collector.Greatest("matih.lag.records", [.. flow, ("topic", "clicks")]), collector.Greatest("matih.lag.partition", [.. flow, ("partition", "1")])));
        Assert.Equal(collector.Greatest("matih.commits", flow), collector.Greatest("matih.commit.duration", flow));
        Assert.NotNull(collector.Greatest("matih.commit.age", flow));
        var ledger = (await _pipeline.TableAsync("ledger"))[0];
        var commit = Assert.Single(collector.Spans, span => span.Name == "matih.commit" && span.Attributes["matih.commit.id"] == ledger.GetProperty("commit").GetString());
        Assert.Equal(("clicks", "Committed"), (commit.Attributes["pipeline"], commit.Attributes["matih.commit.outcome"]));
        Assert.Contains(collector.Spans, span => span.Name == "matih.open");
    }

    [Theory]
    [InlineData("OTEL_SDK_DISABLED", "true")]
    [InlineData("OTEL_METRICS_EXPORTER", "none")]
    public async Task The_environment_can_leave_signals_out(string variable, string value)
    {
        await using var collector = OtlpCollector.Start();
        _pipeline.Produce(10);

        (await _pipeline.RunWithAsync(new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Endpoint,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            [variable] = value,
        }, "--once")).Expect(0);

        Assert.Equal(variable == "OTEL_SDK_DISABLED" ? [] : ["/v1/traces"], collector.Requests.Select(request => request.Path).Distinct());
    }

    [Fact]
    public async Task A_collector_that_cannot_be_reached_is_said_once_and_stops_nothing()
    {
        _pipeline.Produce(10);

        var output = (await _pipeline.RunWithAsync(new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1",
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_EXPORTER_OTLP_HEADERS"] = $"x-key={Secret}",
        }, "--once")).Expect(0);

        Assert.Equal(10, await _pipeline.RowCountAsync());
        Assert.Single(output.StandardError.Split('\n'), line => line.Contains("Metrics or traces could not be sent", StringComparison.Ordinal));
        Assert.DoesNotContain(Secret, output.StandardError, StringComparison.Ordinal);
    }

    [GeneratedRegex("http://127[.]0[.]0[.]1:[0-9]+/")]
    private static partial Regex MetricsUrl();
}
