using System.Runtime.InteropServices;
using Matih.Fixtures;

namespace Matih.Bench;

/// <summary>Processor time, user plus system, of all threads: what the ratios are made of.</summary>
public static partial class CpuTime
{
    private const int Children = -1;

    /// <summary>Runs a program to its end and gives the CPU seconds that it took by itself.</summary>
    /// <remarks>getrusage(2) counts children once they have ended and been waited for; nothing else may end meanwhile.</remarks>
    public static async Task<(double Seconds, ProcessOutput Output)> OfProcessAsync(
        string fileName, IEnumerable<string> arguments, string? workingDirectory = null, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var before = OfEndedChildren();
        var output = (await ExternalProcess.RunAsync(fileName, arguments, TimeSpan.FromMinutes(10), workingDirectory, environment)).Expect();
        return (OfEndedChildren() - before, output);
    }

    /// <summary>CPU seconds of this process while the work ran, native threads included.</summary>
    public static async Task<double> OfWorkAsync(Func<Task> work)
    {
        // What earlier rounds left to collect is theirs.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = Environment.CpuUsage.TotalTime;
        await work();
        return (Environment.CpuUsage.TotalTime - before).TotalSeconds;
    }

    private static double OfEndedChildren()
    {
        if (GetResourceUsage(Children, out var usage) != 0) throw new InvalidOperationException("getrusage failed.");
        return usage.UserSeconds + usage.UserMicros / 1e6 + usage.SystemSeconds + usage.SystemMicros / 1e6;
    }

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static partial int GetResourceUsage(int who, out Usage usage);

    /// <summary>struct rusage of 64-bit Linux: two times, then 14 numbers that are not read.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Usage
    {
        public long UserSeconds;
        public long UserMicros;
        public long SystemSeconds;
        public long SystemMicros;
        private Rest _rest;
    }

    [System.Runtime.CompilerServices.InlineArray(14)]
    private struct Rest
    {
        private long _first;
    }
}
