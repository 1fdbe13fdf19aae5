using System.Text;

namespace Matih.Fixtures;

/// <summary>The lines of a text stream so far, with waiting for one that satisfies a condition. Thread-safe.</summary>
public sealed class LineLog
{
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];
    private TaskCompletionSource _changed = NewSignal();
    private bool _ended;

    public IReadOnlyList<string> Lines
    {
        get { lock (_lock) return [.. _lines]; }
    }

    public string Text
    {
        get
        {
            lock (_lock)
            {
                var text = new StringBuilder();
                foreach (var line in _lines) text.Append(line).Append('\n');
                return text.ToString();
            }
        }
    }

    /// <summary>The first line, from the stream's beginning on, that satisfies the condition.</summary>
    /// <exception cref="TimeoutException">None came in time.</exception>
    /// <exception cref="EndOfStreamException">The stream ended without one.</exception>
    public async Task<string> WaitForAsync(Func<string, bool> condition, TimeSpan? waitMax = null)
    {
        using var timeout = new CancellationTokenSource(waitMax ?? ExternalProcess.WaitMax);
        for (var next = 0; ;)
        {
            Task changed;
            bool ended;
            lock (_lock)
            {
                for (; next < _lines.Count; next++)
                    if (condition(_lines[next])) return _lines[next];
                changed = _changed.Task;
                ended = _ended;
            }
            if (ended) throw new EndOfStreamException($"The output ended without the awaited line:\n{Text}");
            try
            {
                await changed.WaitAsync(timeout.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"No awaited line within {waitMax ?? ExternalProcess.WaitMax}; so far:\n{Text}");
            }
        }
    }

    /// <summary>Waits for a line that contains the text.</summary>
    public Task<string> WaitForAsync(string text, TimeSpan? waitMax = null) =>
        WaitForAsync(line => line.Contains(text, StringComparison.Ordinal), waitMax);

    /// <summary>Calls back with each line as it comes, from the first on, and with null at the end.</summary>
    public async Task ForEachAsync(Action<string?> handle)
    {
        for (var next = 0; ;)
        {
            string[] lines;
            Task changed;
            bool ended;
            lock (_lock)
            {
                lines = [.. _lines[next..]];
                changed = _changed.Task;
                ended = _ended;
            }
            foreach (var line in lines) handle(line);
            next += lines.Length;
            if (ended) break;
            await changed;
        }
        handle(null);
    }

    internal async Task ReadAsync(StreamReader reader)
    {
        try
        {
            while (await reader.ReadLineAsync() is { } line) Add(line);
        }
        catch (Exception exception) when (exception is ObjectDisposedException or IOException)
        {
            // The process was killed and disposed while it spoke; what it said until then is kept.
        }
        End();
    }

    /// <summary>Adds a line to a log that reads no stream.</summary>
    internal void Add(string line)
    {
        lock (_lock) _lines.Add(line);
        Signal(ended: false);
    }

    /// <summary>Nothing comes any more.</summary>
    internal void End() => Signal(ended: true);

    private void Signal(bool ended)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            _ended |= ended;
            changed = _changed;
            _changed = NewSignal();
        }
        changed.SetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
