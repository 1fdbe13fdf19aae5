using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Matih.Host.Demo;

/// <summary>
/// A <c>matih run</c> in a process of its own. It stops cleanly by itself when this process is gone; what it says goes to a
/// file.
/// </summary>
internal sealed partial class WorkerProcess : IAsyncDisposable
{
    private const int Terminate = 15;
    private const int TailLines = 15;

    private readonly Process _process;
    private readonly Task _reading;
    private readonly Queue<string> _tail = new();

    private WorkerProcess(Process process, string logFile)
    {
        _process = process;
        Id = process.Id;
        _reading = Task.WhenAll(ReadAsync(process.StandardError, logFile), process.StandardOutput.ReadToEndAsync());
        Ended = WaitAsync();
    }

    public int Id { get; }

    /// <summary>Ends with the process, with its exit code.</summary>
    public Task<int> Ended { get; }

    /// <summary>The last lines that it said.</summary>
    public string Tail
    {
        get
        {
            lock (_tail) return string.Join('\n', _tail);
        }
    }

    /// <param name="arguments">What follows <c>matih</c>.</param>
    /// <param name="environment">Variables to set; null removes one.</param>
    public static WorkerProcess Start(IEnumerable<string> arguments, IEnumerable<KeyValuePair<string, string?>> environment, string logFile)
    {
        var executable = Environment.ProcessPath ?? throw new InvalidOperationException("The path of this program is not known.");
        // Run as `dotnet matih.dll`, the program is not the executable.
        string[] program = Path.GetFileNameWithoutExtension(executable) == "dotnet" ? [Path.Combine(AppContext.BaseDirectory, "matih.dll")] : [];
        var start = new ProcessStartInfo(executable, program.Concat(arguments))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            if (value is null) start.Environment.Remove(name);
            else start.Environment[name] = value;
        }
        return new WorkerProcess(Process.Start(start) ?? throw new InvalidOperationException($"{executable} did not start."), logFile);
    }

    /// <summary>Ends it as a power cut would.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await Ended;
    }

    /// <summary>Asks for a last checkpoint and a clean end.</summary>
    /// <exception cref="TimeoutException">It did not end.</exception>
    public async Task<int> StopAsync(TimeSpan wait)
    {
        if (!Ended.IsCompleted) Signal(Id, Terminate);
        return await Ended.WaitAsync(wait);
    }

    public async ValueTask DisposeAsync()
    {
        if (!Ended.IsCompleted) await KillAsync();
        _process.Dispose();
    }

    private async Task<int> WaitAsync()
    {
        await _process.WaitForExitAsync();
        await _reading;
        return _process.ExitCode;
    }

    private async Task ReadAsync(StreamReader lines, string logFile)
    {
        await using var file = new StreamWriter(logFile, append: true) { AutoFlush = true };
        while (await lines.ReadLineAsync() is { } line)
        {
            await file.WriteLineAsync(line);
            lock (_tail)
            {
                _tail.Enqueue(line);
                if (_tail.Count > TailLines) _tail.Dequeue();
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Signal(int processId, int signal);
}
