using Matih.Delivery;
using Matih.Host.Runtime;
using Matih.Hosting;
using Matih.Telemetry;

namespace Matih.Host.Output;

/// <summary>How a failure is shown by verbs that log.</summary>
internal static class FailureReport
{
    /// <summary>Who reads the log as JSON finds the failure in it, too; false where it is still to be shown as text.</summary>
    public static bool TakeJson(PipelineException failure, LogForm form, EngineLogWriter log)
    {
        if (form == LogForm.Json) log.Write(FailureEntry.Of(failure));
        return form == LogForm.Json;
    }

    /// <summary>The same for a broken invariant, whose stack would be lines of text.</summary>
    public static bool TakeJson(Exception bug, LogForm form, EngineLogWriter log)
    {
        if (form != LogForm.Json || bug is PipelineException or UsageException) return false;
        log.Write(new LogEntry(LogSeverity.Error, "crashed", $"An internal error; please report it: {bug.Message}", ("stack", bug.ToString()), ("exit_code", HostExit.Crash)));
        return true;
    }
}
