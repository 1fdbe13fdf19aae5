using Matih.Delivery;
using Matih.Telemetry;

namespace Matih.Hosting;

/// <summary>The log entry of a failure that ends a run or a call: message, kind, remedy and exit code.</summary>
public static class FailureEntry
{
    public static LogEntry Of(PipelineException failure) =>
        new(LogSeverity.Error, "failed", failure.Message, ("kind", FailureWord.Of(failure.Kind)), ("remedy", failure.Remedy), ("exit_code", failure.ExitCode));
}
