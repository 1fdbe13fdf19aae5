using Matih.Hosting;
using Matih.Telemetry;
using Microsoft.Extensions.Logging;

namespace Matih.Functions;

/// <summary>The engine's log entries in the host's log.</summary>
/// <param name="severityMin">The least severity that is handed on; the host then has a level of its own.</param>
internal sealed class HostLog(ILogger logger, LogSeverity severityMin) : IEngineLog
{
    /// <summary>The category of the entries.</summary>
    public const string Category = "Matih";

    /// <summary>The log that the settings ask for. A level that is none must not leave the app without functions.</summary>
    public static HostLog Create(HostSettings settings, ILoggerFactory loggers)
    {
        var word = settings.NonEmpty(HostSettings.LogLevelVariable);
        var severityMin = word is null ? LogSeverity.Information : SeverityWord.Find(word);
        var log = new HostLog(loggers.CreateLogger(Category), severityMin ?? LogSeverity.Information);
        if (severityMin is null) log.Warning("log-level", $"{HostSettings.LogLevelVariable} is '{word}'; it can be {SeverityWord.Choices}. Info is taken.");
        return log;
    }

    public void Write(LogEntry entry)
    {
        if (entry.Severity < severityMin) return;
        var level = entry.Severity switch
        {
            LogSeverity.Debug => LogLevel.Debug,
            LogSeverity.Information => LogLevel.Information,
            LogSeverity.Warning => LogLevel.Warning,
            _ => LogLevel.Error,
        };
        if (!logger.IsEnabled(level)) return;
        List<KeyValuePair<string, object?>> state = [new("event", entry.Event), .. entry.Fields.Select(field => new KeyValuePair<string, object?>(field.Name, field.Value))];
        logger.Log(level, default, state, null, (_, _) => entry.Message);
    }
}
