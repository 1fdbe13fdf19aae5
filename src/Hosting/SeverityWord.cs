using Matih.Telemetry;

namespace Matih.Hosting;

/// <summary>Severities as words, in settings and in log lines.</summary>
public static class SeverityWord
{
    /// <summary>What a setting can say, for messages.</summary>
    public const string Choices = "debug, info, warning or error";

    public static string Of(LogSeverity severity) => severity switch
    {
        LogSeverity.Debug => "debug",
        LogSeverity.Information => "info",
        LogSeverity.Warning => "warning",
        LogSeverity.Error => "error",
        _ => throw new ArgumentOutOfRangeException(nameof(severity), severity, null),
    };

    /// <summary>The severity of a word; null where it is none.</summary>
    public static LogSeverity? Find(string word) => Enum.GetValues<LogSeverity>().Where(severity => Of(severity) == word).Select(severity => (LogSeverity?)severity).FirstOrDefault();
}
