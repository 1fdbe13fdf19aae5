using System.Collections.Immutable;
using Matih.Definition;
using Matih.Delivery;
using Matih.Telemetry;

namespace Matih.Host.Output;

/// <summary>
/// Takes what is wrong with a definition: for people one line each, <c>file:line:column: path: message</c>, and their number; where
/// the log is JSON one entry each, and <c>failed</c> as the last one, as for every failure.
/// </summary>
/// <param name="log">Takes the entries; null writes text.</param>
internal sealed class DefinitionReport(TextWriter error, EngineLogWriter? log = null)
{
    public static DefinitionReport Of(LogForm form, EngineLogWriter log) => new(Console.Error, form == LogForm.Json ? log : null);

    public void Warn(string message)
    {
        if (log is null) error.WriteLine($"warning: {message}");
        else log.Write(new LogEntry(LogSeverity.Warning, "definition-warning", message));
    }

    public void Warn(ImmutableArray<DefinitionError> warnings)
    {
        foreach (var warning in warnings)
            if (log is null) Warn(warning.ToString());
            else log.Write(Entry(LogSeverity.Warning, "definition-warning", warning));
    }

    /// <summary>The file cannot be read.</summary>
    public void Fail(string message)
    {
        if (log is null) error.WriteLine(message);
        else WriteFailed(message);
    }

    public void Fail(ImmutableArray<DefinitionError> errors)
    {
        var count = Quantity.Of(errors.Length, "error");
        foreach (var item in errors)
            if (log is null) error.WriteLine(item.ToString());
            else log.Write(Entry(LogSeverity.Error, "definition-error", item));
        if (log is null) error.WriteLine($"{count}.");
        else WriteFailed($"The definition has {count}. The first is {errors[0]}");
    }

    private void WriteFailed(string message) => FailureReport.Write(
        new PipelineException(FailureKind.BadDefinition, message, "Correct the definition; matih validate lists everything that is wrong with it."), log!);

    private static LogEntry Entry(LogSeverity severity, string name, DefinitionError item) =>
        new(severity, name, item.ToString(), ("file", item.File), ("line", item.Line), ("column", item.Column), ("path", item.Path));
}
