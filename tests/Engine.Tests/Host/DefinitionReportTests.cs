using System.Text.Json;
using Matih.Definition;
using Matih.Host.Output;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Host;

/// <summary>Who collects a log as JSON must not find text in it, whatever is wrong.</summary>
public sealed class DefinitionReportTests
{
    private readonly StringWriter _text = new();
    private readonly StringWriter _json = new();
    private readonly DefinitionError[] _errors = [new("p.yaml", 3, 5, "sources.s.topic", "no topic"), new("p.yaml", 9, 1, "", "no sink")];

    [Fact]
    public void People_get_a_line_for_each_error_and_their_number()
    {
        var report = new DefinitionReport(_text);

        report.Warn([_errors[0]]);
        report.Fail([.. _errors]);

        Assert.Equal("warning: p.yaml:3:5: sources.s.topic: no topic\np.yaml:3:5: sources.s.topic: no topic\np.yaml:9:1: no sink\n2 errors.\n", _text.ToString());
    }

    [Fact]
    public void A_log_of_json_gets_an_entry_for_each_error_with_its_place_and_the_failure_as_the_last()
    {
        var report = Json();

        report.Warn("the Kafka properties are not checked");
        report.Fail([.. _errors]);

        var entries = Entries();
        Assert.Equal(["definition-warning", "definition-error", "definition-error", "failed"], entries.Select(entry => entry.GetProperty("event").GetString()));
        Assert.Equal(("p.yaml", 3, 5, "sources.s.topic"), (Text(entries[1], "file"), entries[1].GetProperty("line").GetInt32(), entries[1].GetProperty("column").GetInt32(), Text(entries[1], "path")));
        Assert.Equal("The definition has 2 errors. The first is p.yaml:3:5: sources.s.topic: no topic", Text(entries[3], "message"));
        Assert.Equal((2, "BadDefinition"), (entries[3].GetProperty("exit_code").GetInt32(), Text(entries[3], "kind")));
        Assert.Empty(_text.ToString());
    }

    [Fact]
    public void A_file_that_is_not_there_is_a_failure_in_the_log_too()
    {
        Json().Fail("p.yaml: there is no such file.");

        var entry = Assert.Single(Entries());
        Assert.Equal(("failed", "p.yaml: there is no such file."), (Text(entry, "event"), Text(entry, "message")));
    }

    private DefinitionReport Json() => new(_text, new EngineLogWriter(LogForm.Json, LogSeverity.Information, TimeProvider.System, new Terminal(_json)));

    private JsonElement[] Entries() => [.. _json.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];

    private static string? Text(JsonElement entry, string name) => entry.GetProperty(name).GetString();
}
