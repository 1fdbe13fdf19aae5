using Matih.Host.Runtime;
using Matih.Hosting;
using Matih.Telemetry;

namespace Matih.Host.Output;

/// <summary>The log that the options <c>--log</c> and <c>--log-level</c> ask for, or else the environment.</summary>
internal static class LogOptions
{
    /// <exception cref="UsageException">A variable holds something else.</exception>
    public static EngineLogWriter CreateLog(string? form, string? level, HostSettings settings, TimeProvider clock, Terminal terminal) =>
        new(FormOf(form, settings), SeverityOf(level, settings), clock, terminal.WriteLine);

    public static LogForm FormOf(string? option, HostSettings settings) => (option ?? settings.NonEmpty(CommandVariables.Log)) switch
    {
        null or "text" => LogForm.Text,
        "json" => LogForm.Json,
        var other => throw new UsageException($"{CommandVariables.Log} is '{other}'; it can be text or json."),
    };

    public static LogSeverity SeverityOf(string? option, HostSettings settings) => (option ?? settings.NonEmpty(HostSettings.LogLevelVariable)) switch
    {
        null => LogSeverity.Information,
        var word => SeverityWord.Find(word) ?? throw new UsageException($"{HostSettings.LogLevelVariable} is '{word}'; it can be {SeverityWord.Choices}."),
    };
}
