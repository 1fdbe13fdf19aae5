using Matih.Delivery.Lanes;
using Matih.Telemetry;

namespace Matih.Delivery.Opening;

/// <summary>
/// Holds the flows of one pipeline back until each of them was checked, so that none creates a table or writes where another
/// is refused. A flow that never arrives has failed, and that stops the others.
/// </summary>
internal sealed class StartGate(int flowCount, TimeProvider clock)
{
    // Not disposed: whoever arrives last may still be at work when the first leaves.
    private readonly CancellationTokenSource _opened = new();
    private int _arrivedCount;

    /// <summary>Whether there are flows to wait for.</summary>
    public bool IsNeeded => flowCount > 1;

    /// <summary>Arrives, and waits for the others. To be called once by each flow.</summary>
    /// <exception cref="OperationCanceledException">The run was stopped before all had arrived.</exception>
    public async ValueTask PassAsync(FlowProgress progress, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _arrivedCount) == flowCount) _opened.Cancel();
        var signal = new AsyncSignal();
        using var registration = _opened.Token.UnsafeRegister(static waiter => ((AsyncSignal)waiter!).Set(), signal);
        while (!_opened.IsCancellationRequested)
        {
            await signal.WaitAsync(FlowContext.BeatInterval, clock, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            progress.NoteBeat(clock.GetTimestamp());
        }
    }
}
