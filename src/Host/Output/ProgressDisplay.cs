using Matih.Hosting;
using Matih.Telemetry;

namespace Matih.Host.Output;

/// <summary>Shows how far a run is while it runs. A closed family; disposing ends the display.</summary>
internal abstract class ProgressDisplay : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private Task _showing = Task.CompletedTask;

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

    /// <param name="kind">auto, live, plain or none. What is redrawn in place needs a terminal; without one live is plain.</param>
    public static ProgressDisplay Create(
        string kind, LogForm form, IReadOnlyList<FlowProgress> flows, EngineLogWriter log, Terminal terminal, TimeProvider clock) => kind switch
        {
            "none" => new NoProgress(),
            "live" or "auto" when terminal.CanRedraw && (form == LogForm.Text || kind == "live") => new LiveProgress(flows, terminal, clock),
            _ => new PlainProgress(flows, log, clock),
        };
}

/// <summary>Shows nothing.</summary>
internal sealed class NoProgress : ProgressDisplay
{
    protected override Task ShowAsync(CancellationToken end) => Task.CompletedTask;
}
