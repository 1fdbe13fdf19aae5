using Matih.Telemetry;
using Microsoft.Extensions.Logging;

namespace Matih.Functions;

/// <summary>The engine's log entries in the host's log, with their fields as properties that can be asked for.</summary>
internal sealed class HostLog(ILogger logger) : IEngineLog
{
    public void Write(LogEntry entry)
    {
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
