using System.Collections.Concurrent;
using System.Text;
using System.Threading.Channels;

namespace Matih.Fixtures;

/// <summary>
/// Processes that run one command after the other, so that a tool is loaded once and not once a command. A few work side by
/// side; each is started when a command finds none idle, and ends with the tests, whose end closes its standard input.
/// Thread-safe. To a caller it looks as if a process had run for each command.
/// </summary>
/// <remarks>
/// A request is a line of arguments, an answer a line of exit code, standard output and standard error, separated by spaces.
/// Texts are in base64 with a mark before them, so that an empty one is not lost.
/// </remarks>
internal sealed class ToolWorkers(string name, Func<Task<ExternalProcess>> start)
{
    /// <summary>More would only wait for each other: commands compute, and the smallest machine that runs all tests has two cores.</summary>
    private const int CountMax = 2;

    private readonly SemaphoreSlim _free = new(CountMax);
    private readonly ConcurrentBag<Worker> _idle = [];

    /// <summary>Runs one command in an idle worker, or in a new one.</summary>
    /// <exception cref="TimeoutException">It did not answer in time; the worker was killed.</exception>
    /// <exception cref="InvalidOperationException">The worker ended; the message holds what it said. The next command gets a new one.</exception>
    public async Task<ProcessOutput> RunAsync(params IEnumerable<string> arguments)
    {
        string[] all = [.. arguments];
        await _free.WaitAsync();
        try
        {
            if (!_idle.TryTake(out var worker)) worker = new Worker(await start());
            ProcessOutput output;
            try
            {
                output = await worker.RunAsync(string.Join(' ', all.Prepend(name)), all);
            }
            catch
            {
                await worker.DisposeAsync();
                throw;
            }
            _idle.Add(worker);
            return output;
        }
        finally
        {
            _free.Release();
        }
    }

    private sealed class Worker : IAsyncDisposable
    {
        private readonly ExternalProcess _process;
        private readonly Channel<string?> _answers = Channel.CreateUnbounded<string?>();
        private readonly Task _reading;

        public Worker(ExternalProcess process)
        {
            _process = process;
            _reading = process.Output.ForEachAsync(line => _answers.Writer.TryWrite(line));
        }

        public async Task<ProcessOutput> RunAsync(string commandLine, string[] arguments)
        {
            using var timeout = new CancellationTokenSource(ExternalProcess.WaitMax);
            string? answer;
            try
            {
                await _process.Input.WriteLineAsync(string.Join(' ', arguments.Select(Encode)).AsMemory(), timeout.Token);
                await _process.Input.FlushAsync(timeout.Token);
                answer = await _answers.Reader.ReadAsync(timeout.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"no answer after {ExternalProcess.WaitMax}: {commandLine}\nstderr:\n{_process.Error.Text}");
            }
            catch (IOException)
            {
                answer = null;
            }
            if (answer is null) throw new InvalidOperationException($"The worker ended under: {commandLine}\nstderr:\n{_process.Error.Text}");
            var parts = answer.Split(' ');
            return new ProcessOutput(commandLine, int.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture), Decode(parts[1]), Decode(parts[2]));
        }

        public async ValueTask DisposeAsync()
        {
            await _process.DisposeAsync();
            await _reading;
        }

        private static string Encode(string text) => "=" + Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

        private static string Decode(string text) => Encoding.UTF8.GetString(Convert.FromBase64String(text[1..]));
    }
}
