using System.Globalization;

namespace Matih.Bench.Functions;

/// <summary>Processor time of a process that goes on running.</summary>
internal static class ProcessCpu
{
    /// <summary>Linux counts in ticks, of which there are a hundred in a second on all its platforms that .NET runs on (proc(5), USER_HZ).</summary>
    private const double TicksPerSecond = 100;

    /// <summary>CPU seconds since its start, user plus system, of all threads, those that have ended included.</summary>
    public static double SecondsOf(int processId)
    {
        // The name of the program, in parentheses, may hold blanks; utime and stime are the 14th and 15th field.
        var text = File.ReadAllText($"/proc/{processId}/stat");
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }
}
