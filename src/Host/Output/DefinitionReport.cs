using Matih.Hosting;
using Matih.Telemetry;

namespace Matih.Host.Output;

/// <summary>
/// Shows what is wrong with a definition: for people one line each, <c>file:line:column: path: message</c>, and their number; where
/// the log is JSON one entry each, and <c>failed</c> as the last one, as for every failure.
/// </summary>
internal static class DefinitionReport
{
    public static void Show(PipelineLoad load, LogForm form, EngineLogWriter log, TextWriter error)
    {
        if (form == LogForm.Text)
        {
            WriteText(load, error);
            return;
        }
        foreach (var finding in load.Findings) log.Write(finding);
        if (load.Failure is { } failure) log.Write(FailureEntry.Of(failure));
    }

    public static void WriteText(PipelineLoad load, TextWriter error)
    {
        foreach (var finding in load.Findings) error.WriteLine($"{(finding.Severity == LogSeverity.Warning ? "warning: " : "")}{finding.Message}");
        if (load.Failure is not { } failure) return;
        var count = load.Findings.Count(finding => finding.Severity == LogSeverity.Error);
        error.WriteLine(count == 0 ? failure.Message : $"{Quantity.Of(count, "error")}.");
    }
}
