using Matih.Delivery;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Hosting;

public sealed class PipelineLoadingTests
{
    private const string Sources = """
        metadata: { name: p }
        sources:
          s: { type: kafka, connection: "broker:9092", topic: t, consumer_group: g, format: raw }
        sinks:
        """;

    [Fact]
    public void A_right_definition_is_planned()
    {
        var load = Load(Sources + "\n  k: { type: iceberg, input: s, table: n.t }\n");

        Assert.Null(load.Failure);
        Assert.Equal("p/k", Assert.Single(load.Pipeline!.Flows).Plan.Name.ToString());
        Assert.DoesNotContain(load.Findings, finding => finding.Severity == LogSeverity.Error);
    }

    [Fact]
    public void Every_error_is_a_finding_with_its_place_and_the_failure_counts_them()
    {
        var load = Load(Sources + "\n  k: { type: iceberg, input: s, tabel: n.t }\n  l: { type: iceberg, input: nothing, table: n.u }\n");

        Assert.Null(load.Pipeline);
        var errors = load.Findings.Where(finding => finding.Severity == LogSeverity.Error).ToArray();
        Assert.True(errors.Length >= 2, string.Join('\n', errors.Select(error => error.Message)));
        var misspelled = errors.Single(error => error.Message.Contains("tabel", StringComparison.Ordinal));
        Assert.Equal("definition-error", misspelled.Event);
        Assert.Contains(("line", (object?)5), misspelled.Fields);
        Assert.Contains(misspelled.Fields, field => field.Name == "path" && (string)field.Value! == "sinks.k.tabel");
        Assert.Equal(FailureKind.BadDefinition, load.Failure!.Kind);
        Assert.StartsWith($"The definition has {errors.Length} errors. The first is {errors[0].Message}", load.Failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_is_a_failure_without_findings()
    {
        var load = PipelineLoading.Load(new PipelineRequest("nowhere.yaml", [], null), Settings.Of());

        Assert.Empty(load.Findings);
        Assert.Equal("nowhere.yaml: there is no such file.", load.Failure!.Message);
    }

    [Fact]
    public void Without_a_client_library_the_properties_are_not_checked_and_that_is_a_warning()
    {
        var load = Load(Sources + "\n  k: { type: iceberg, input: s, table: n.t }\n", (HostSettings.LibrdkafkaVariable, "/none.so"));

        Assert.NotNull(load.Pipeline);
        var warning = Assert.Single(load.Findings, finding => finding.Message.StartsWith("the Kafka properties are not checked: ", StringComparison.Ordinal));
        Assert.Equal((LogSeverity.Warning, "definition-warning"), (warning.Severity, warning.Event));
    }

    private static PipelineLoad Load(string definition, params (string, string)[] variables)
    {
        var folder = TemporaryDirectory.New();
        var file = Path.Combine(folder, "p.yaml");
        File.WriteAllText(file, definition);
        return PipelineLoading.Load(new PipelineRequest(file, [], folder), Settings.Of(variables));
    }
}
