using Matih.Telemetry;

namespace Matih.Host.Output;

/// <summary>Shows how far a run is while it runs. A closed family; disposing ends the display.</summary>
internal abstract class ProgressDisplay : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private Task _showing = Task.CompletedTask;

    /// <summary>Gives the terminal back before the process is ended at once.</summary>
    public virtual void Abandon()
    {
    }

    public void Start() => _showing = ShowAsync(_end.Token);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _showing;
        _end.Dispose();
    }

    /// <summary>Shows until the token is cancelled, then returns.</summary>
    protected abstract Task ShowAsync(CancellationToken end);

    /// <summary>Waits for the next look; false at the end.</summary>
    protected static async Task<bool> WaitAsync(TimeSpan time, TimeProvider clock, CancellationToken end)
    {
        try
        {
            await Task.Delay(time, clock, end);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <param name="kind">auto, live, plain or none.</param>
    /// <param name="isTerminal">Whether the standard error stream is one, which decides auto.</param>
    public static ProgressDisplay Create(
        string kind, bool isTerminal, LogForm form, IReadOnlyList<FlowProgress> flows, EngineLogWriter log, TimeProvider clock) => kind switch
    {
        "none" => new NoProgress(),
        "plain" => new PlainProgress(flows, log, clock),
        "live" => new LiveProgress(flows, log, clock),
        _ => isTerminal && form == LogForm.Text ? new LiveProgress(flows, log, clock) : new PlainProgress(flows, log, clock),
    };
}

/// <summary>Shows nothing.</summary>
internal sealed class NoProgress : ProgressDisplay
{
    protected override Task ShowAsync(CancellationToken end) => Task.CompletedTask;
}
