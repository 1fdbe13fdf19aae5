using System.Text.Json;
using Matih.Delivery;
using Matih.Host.Output;
using Matih.Hosting;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Host;

/// <summary>Who collects a log as JSON must not find text in it, whatever is wrong.</summary>
public sealed class DefinitionReportTests
{
    private static readonly PipelineException Failure = new(FailureKind.BadDefinition, "The definition has 2 errors.", "Correct it.");

    private readonly StringWriter _text = new();
    private readonly StringWriter _json = new();

    [Fact]
    public void People_get_a_line_for_each_error_and_their_number()
    {
        Show(LogForm.Text, new PipelineLoad(null, [Warning("p.yaml:3:5: s: old"), Error("p.yaml:3:5: s: no topic"), Error("p.yaml:9:1: no sink")], Failure));

        Assert.Equal("warning: p.yaml:3:5: s: old\np.yaml:3:5: s: no topic\np.yaml:9:1: no sink\n2 errors.\n", _text.ToString());
    }

    [Fact]
    public void A_log_of_json_gets_an_entry_for_each_error_and_the_failure_as_the_last()
    {
        Show(LogForm.Json, new PipelineLoad(null, [Warning("old"), Error("no topic"), Error("no sink")], Failure));

        var entries = Entries();
        Assert.Equal(["definition-warning", "definition-error", "definition-error", "failed"], entries.Select(entry => Text(entry, "event")));
        Assert.Equal("The definition has 2 errors.", Text(entries[3], "message"));
        Assert.Equal((2, "bad-definition"), (entries[3].GetProperty("exit_code").GetInt32(), Text(entries[3], "kind")));
        Assert.Empty(_text.ToString());
    }

    [Theory]
    [InlineData(LogForm.Text)]
    [InlineData(LogForm.Json)]
    public void A_file_that_cannot_be_read_is_the_failure_alone(LogForm form)
    {
        var failure = new PipelineException(FailureKind.BadDefinition, "p.yaml: there is no such file.", "Correct it.");

        Show(form, new PipelineLoad(null, [], failure));

        if (form == LogForm.Text) Assert.Equal("p.yaml: there is no such file.\n", _text.ToString());
        else Assert.Equal(("failed", "p.yaml: there is no such file."), (Text(Assert.Single(Entries()), "event"), Text(Entries()[0], "message")));
    }

    private void Show(LogForm form, PipelineLoad load) =>
        DefinitionReport.Show(load, form, new EngineLogWriter(LogForm.Json, LogSeverity.Information, TimeProvider.System, _json.WriteLine), _text);

    private static LogEntry Warning(string message) => new(LogSeverity.Warning, "definition-warning", message);

    private static LogEntry Error(string message) => new(LogSeverity.Error, "definition-error", message);

    private JsonElement[] Entries() => [.. _json.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];

    private static string? Text(JsonElement entry, string name) => entry.GetProperty(name).GetString();
}
