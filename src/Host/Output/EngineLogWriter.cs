using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Matih.Host.Runtime;
using Matih.Telemetry;

namespace Matih.Host.Output;

/// <summary>The form of log lines.</summary>
internal enum LogForm { Text, Json }

/// <summary>
/// Writes the engine's log entries as lines: for people <c>time severity message</c>, for machines one JSON object each.
/// Thread-safe.
/// </summary>
internal sealed class EngineLogWriter(LogForm form, LogSeverity severityMin, TimeProvider clock, Terminal terminal) : IEngineLog
{
    public void Write(LogEntry entry)
    {
        if (entry.Severity < severityMin) return;
        terminal.WriteLine(form == LogForm.Json ? Json(entry) : Text(entry));
    }

    private string Text(LogEntry entry) =>
        string.Create(CultureInfo.InvariantCulture, $"{clock.GetUtcNow():yyyy-MM-dd HH:mm:ss.fff}Z {Name(entry.Severity),-7} {entry.Message}");

    private string Json(LogEntry entry)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, JsonOutput.Compact))
        {
            json.WriteStartObject();
            json.WriteString("time", clock.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            json.WriteString("level", Name(entry.Severity));
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

    internal static string Name(LogSeverity severity) => severity switch
    {
        LogSeverity.Debug => "debug",
        LogSeverity.Information => "info",
        LogSeverity.Warning => "warning",
        _ => "error",
    };

    /// <summary>The log that options and environment ask for.</summary>
    /// <exception cref="UsageException">A variable holds something else.</exception>
    public static EngineLogWriter Create(string? form, string? level, HostSettings settings, TimeProvider clock, Terminal terminal) =>
        new(FormOf(form, settings), SeverityOf(level, settings), clock, terminal);

    internal static LogForm FormOf(string? option, HostSettings settings) => (option ?? settings.NonEmpty(HostSettings.LogVariable)) switch
    {
        null or "text" => LogForm.Text,
        "json" => LogForm.Json,
        var other => throw new UsageException($"{HostSettings.LogVariable} is '{other}'; it can be text or json."),
    };

    internal static LogSeverity SeverityOf(string? option, HostSettings settings) => (option ?? settings.NonEmpty(HostSettings.LogLevelVariable)) switch
    {
        null or "info" => LogSeverity.Information,
        "debug" => LogSeverity.Debug,
        "warning" => LogSeverity.Warning,
        "error" => LogSeverity.Error,
        var other => throw new UsageException($"{HostSettings.LogLevelVariable} is '{other}'; it can be debug, info, warning or error."),
    };
}
