using System.Diagnostics;
using Matih.Delivery.Ledgers;

namespace Matih.Hosting;

/// <summary>Says in the ledger which process wrote it, and whether such a process can still be alive.</summary>
public static class ProcessHints
{
    /// <summary>This process.</summary>
    public static WriterHint Own => new(Environment.MachineName, Environment.ProcessId);

    /// <summary>
    /// True only for a process of this very machine that is gone. In containers every first process has the same id: a
    /// namesake of this process was its predecessor.
    /// </summary>
    public static bool IsGone(WriterHint writer)
    {
        if (writer.Host != Environment.MachineName) return false;
        if (writer.ProcessId == Environment.ProcessId) return true;
        try
        {
            using var process = Process.GetProcessById(writer.ProcessId);
            return process.HasExited;
        }
        catch (ArgumentException)
        {
            return true;
        }
        catch (Exception exception) when (exception is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
