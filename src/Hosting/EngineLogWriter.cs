using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Matih.Telemetry;

namespace Matih.Hosting;

/// <summary>The form of log lines.</summary>
public enum LogForm { Text, Json }

/// <summary>
/// Writes the engine's log entries as lines: for people <c>time severity message</c>, for machines one JSON object each.
/// Thread-safe where <paramref name="writeLine"/> is.
/// </summary>
/// <param name="writeLine">Takes each line, without its end.</param>
public sealed class EngineLogWriter(LogForm form, LogSeverity severityMin, TimeProvider clock, Action<string> writeLine) : IEngineLog
{
    public void Write(LogEntry entry)
    {
        if (entry.Severity < severityMin) return;
        writeLine(form == LogForm.Json ? Json(entry) : Text(entry));
    }

    private string Text(LogEntry entry) =>
        string.Create(CultureInfo.InvariantCulture, $"{clock.GetUtcNow():yyyy-MM-dd HH:mm:ss.fff}Z {SeverityWord.Of(entry.Severity),-7} {entry.Message}");

    private string Json(LogEntry entry)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, HostJson.Compact))
        {
            json.WriteStartObject();
            json.WriteInstant("time", clock.GetUtcNow());
            json.WriteString("level", SeverityWord.Of(entry.Severity));
            json.WriteString("event", entry.Event);
            json.WriteString("message", entry.Message);
            foreach (var (name, value) in entry.Fields) WriteField(json, name, value);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteField(Utf8JsonWriter json, string name, object? value)
    {
        switch (value)
        {
            case null: json.WriteNull(name); break;
            case bool truth: json.WriteBoolean(name, truth); break;
            case int number: json.WriteNumber(name, number); break;
            case long number: json.WriteNumber(name, number); break;
            case double number when double.IsFinite(number): json.WriteNumber(name, number); break;
            default: json.WriteString(name, Convert.ToString(value, CultureInfo.InvariantCulture)); break;
        }
    }
}
