namespace Matih.Telemetry;

/// <summary>How much a log entry matters to an operator.</summary>
public enum LogSeverity { Debug, Information, Warning, Error }

/// <summary>Something that an operator may want to know.</summary>
/// <param name="Severity">How urgent.</param>
/// <param name="Event">A stable kebab-case name for machines, e.g. <c>committed</c>.</param>
/// <param name="Message">A sentence for people. Never holds secrets.</param>
/// <param name="Fields">The same facts for machines.</param>
public sealed record LogEntry(LogSeverity Severity, string Event, string Message, params IReadOnlyList<(string Name, object? Value)> Fields);

/// <summary>Where the engine's log entries go. Thread-safe; returns quickly.</summary>
public interface IEngineLog
{
    void Write(LogEntry entry);
}

/// <summary>Shorthands for the severities.</summary>
public static class EngineLog
{
    public static void Information(this IEngineLog log, string @event, string message, params IReadOnlyList<(string Name, object? Value)> fields) =>
        log.Write(new LogEntry(LogSeverity.Information, @event, message, fields));

    public static void Warning(this IEngineLog log, string @event, string message, params IReadOnlyList<(string Name, object? Value)> fields) =>
        log.Write(new LogEntry(LogSeverity.Warning, @event, message, fields));

    public static void Debug(this IEngineLog log, string @event, string message, params IReadOnlyList<(string Name, object? Value)> fields) =>
        log.Write(new LogEntry(LogSeverity.Debug, @event, message, fields));

    /// <summary>A log that keeps nothing.</summary>
    public static IEngineLog None { get; } = new Silence();

    private sealed class Silence : IEngineLog
    {
        public void Write(LogEntry entry)
        {
        }
    }
}
