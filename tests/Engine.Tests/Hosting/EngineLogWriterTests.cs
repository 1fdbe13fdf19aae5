using System.Text.Json;
using Matih.Hosting;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Hosting;

public sealed class EngineLogWriterTests
{
    private readonly StringWriter _output = new();

    [Fact]
    public void A_text_line_holds_time_severity_and_message()
    {
        var log = new EngineLogWriter(LogForm.Text, LogSeverity.Information, new NoonClock(), _output.WriteLine);

        log.Warning("disk", "The disk is nearly full.", ("free", 12L));
        log.Debug("detail", "Not shown.");

        Assert.Equal("2026-05-01 12:00:00.250Z warning The disk is nearly full.\n", _output.ToString());
    }

    [Fact]
    public void A_json_line_is_one_object_whose_fields_keep_their_types()
    {
        var log = new EngineLogWriter(LogForm.Json, LogSeverity.Debug, new NoonClock(), _output.WriteLine);

        log.Information("committed", "Two\nlines \"quoted\".", ("rows", 5L), ("share", 0.5), ("flow", "a/b"), ("none", null), ("ok", true), ("nan", double.NaN), ("snapshot", (SnapshotId?)new SnapshotId(9007199254740993)));

        var line = Assert.Single(_output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        var json = JsonDocument.Parse(line).RootElement;
        Assert.Equal("2026-05-01T12:00:00.250Z", json.GetProperty("time").GetString());
        Assert.Equal("info", json.GetProperty("level").GetString());
        Assert.Equal("committed", json.GetProperty("event").GetString());
        Assert.Equal("Two\nlines \"quoted\".", json.GetProperty("message").GetString());
        Assert.Equal(5, json.GetProperty("rows").GetInt64());
        Assert.Equal(0.5, json.GetProperty("share").GetDouble());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("none").ValueKind);
        Assert.True(json.GetProperty("ok").GetBoolean());
        Assert.Equal("9007199254740993", json.GetProperty("snapshot").GetString());
        Assert.Equal("NaN", json.GetProperty("nan").GetString());
    }

    private sealed class NoonClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 5, 1, 12, 0, 0, 250, TimeSpan.Zero);
    }
}
