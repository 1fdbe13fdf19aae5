using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Matih.Fixtures;

/// <summary>The signals that tests send, by their Linux numbers.</summary>
public enum ProcessSignal
{
    Interrupt = 2,
    Quit = 3,
    Kill = 9,
    Terminate = 15,
    Continue = 18,
    Stop = 19,
}

/// <summary>How a process ended and all that it said.</summary>
public sealed record ProcessOutput(string CommandLine, int ExitCode, string StandardOutput, string StandardError)
{
    /// <summary>The same output, where the exit code is one of those expected.</summary>
    /// <exception cref="InvalidOperationException">It is not; the message holds everything the process said.</exception>
    public ProcessOutput Expect(params ReadOnlySpan<int> exitCodes)
    {
        if (exitCodes.IsEmpty ? ExitCode == 0 : exitCodes.Contains(ExitCode)) return this;
        throw new InvalidOperationException($"exit code {ExitCode} from: {CommandLine}\nstdout:\n{StandardOutput}\nstderr:\n{StandardError}");
    }
}

/// <summary>
/// A program run beside the tests: its output is captured line by line and can be awaited, signals go to it alone, and
/// disposing it kills it with all its children. It has no terminal and reads an empty or given standard input.
/// </summary>
public sealed class ExternalProcess : IAsyncDisposable
{
    /// <summary>How long a wait lasts when the caller names no limit: far above any healthy duration on a busy machine.</summary>
    public static readonly TimeSpan WaitMax = TimeSpan.FromMinutes(Environment.GetEnvironmentVariable("MATIH_SOAK") == "1" ? 10 : 5);

    /// <summary>How long a program may take that first installs what it needs.</summary>
    public static readonly TimeSpan InstallationMax = TimeSpan.FromMinutes(15);

    private readonly Process _process;
    private readonly Task _outputEnded;

    private ExternalProcess(string commandLine, Process process)
    {
        CommandLine = commandLine;
        _process = process;
        _outputEnded = Task.WhenAll(Output.ReadAsync(process.StandardOutput), Error.ReadAsync(process.StandardError));
    }

    public string CommandLine { get; }
    public int Id => _process.Id;
    public bool HasExited => _process.HasExited;

    /// <summary>Lines of standard output so far.</summary>
    public LineLog Output { get; } = new();

    /// <summary>Lines of standard error so far.</summary>
    public LineLog Error { get; } = new();

    /// <summary>Where the process reads from; open only when started with <c>keepInputOpen</c>.</summary>
    public StreamWriter Input => _process.StandardInput;

    /// <param name="environment">Variables set for the process; a null value removes the inherited one.</param>
    public static ExternalProcess Start(
        string fileName,
        IEnumerable<string> arguments,
        string? workingDirectory = null,
        IReadOnlyDictionary<string, string?>? environment = null,
        bool keepInputOpen = false)
    {
        var start = new ProcessStartInfo(fileName, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = workingDirectory ?? "",
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            if (value is null) start.Environment.Remove(name);
            else start.Environment[name] = value;
        }
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{fileName} did not start.");
        if (!keepInputOpen) process.StandardInput.Close();
        return new ExternalProcess(string.Join(' ', start.ArgumentList.Prepend(fileName)), process);
    }

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="TimeoutException">It did not end in time; it was killed, and the message holds what it said.</exception>
    public static async Task<ProcessOutput> RunAsync(
        string fileName,
        IEnumerable<string> arguments,
        TimeSpan? waitMax = null,
        string? workingDirectory = null,
        IReadOnlyDictionary<string, string?>? environment = null,
        string? input = null)
    {
        await using var process = Start(fileName, arguments, workingDirectory, environment, keepInputOpen: input is not null);
        if (input is not null)
        {
            await process.Input.WriteAsync(input);
            process.Input.Close();
        }
        return await process.WaitForExitAsync(waitMax);
    }

    /// <summary>Waits until the process has ended and all its output is read, that of children which still hold its output too.</summary>
    /// <exception cref="TimeoutException">It still runs.</exception>
    public async Task<ProcessOutput> WaitForExitAsync(TimeSpan? waitMax = null)
    {
        using var timeout = new CancellationTokenSource(waitMax ?? WaitMax);
        try
        {
            await _process.WaitForExitAsync(timeout.Token);
            await _outputEnded.WaitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"still running after {waitMax ?? WaitMax}: {CommandLine}\nstdout:\n{Output.Text}\nstderr:\n{Error.Text}");
        }
        return new ProcessOutput(CommandLine, _process.ExitCode, Output.Text, Error.Text);
    }

    /// <summary>Sends a signal to this process only. Nothing happens where it has ended.</summary>
    public void Send(ProcessSignal signal)
    {
        if (!_process.HasExited) Signal(_process.Id, signal);
    }

    /// <summary>Sends a signal to a process by its id. False where there is no such process.</summary>
    public static bool Signal(int processId, ProcessSignal signal) => Kill(processId, (int)signal) == 0;

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            // A stopped process takes its SIGKILL all the same; its children are found through /proc.
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }
        _process.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int processId, int signal);
}
