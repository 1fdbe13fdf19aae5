namespace Matih.Delivery.Lanes;

/// <summary>
/// Lets one waiter sleep until somebody has news for it; any number may set it, also before it is waited for. Thread-safe.
/// Waits go on where they were begun (in the caller's synchronization context, where there is one).
/// </summary>
internal sealed class AsyncSignal
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _waiter;
    private bool _isSet;

    public void Set()
    {
        lock (_gate)
        {
            if (_waiter is null)
            {
                _isSet = true;
                return;
            }
            _waiter.TrySetResult();
            _waiter = null;
        }
    }

    /// <summary>Completes when the signal has been set since the last wait.</summary>
    /// <exception cref="OperationCanceledException">Cancelled before.</exception>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        await WaitAsync(TimeSpan.MaxValue, clock: null, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Completes when the signal has been set since the last wait, when the time is over, and when cancelled (without exception).</summary>
    /// <param name="timeMax"><see cref="TimeSpan.MaxValue"/> for no limit; none or a negative one completes soon.</param>
    public async Task WaitAsync(TimeSpan timeMax, TimeProvider? clock, CancellationToken cancellationToken)
    {
        TaskCompletionSource waiter;
        lock (_gate)
        {
            if (_isSet)
            {
                _isSet = false;
                return;
            }
            waiter = _waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        using var timer = timeMax == TimeSpan.MaxValue ? null
            : clock!.CreateTimer(GiveUp, waiter, timeMax < TimeSpan.Zero ? TimeSpan.Zero : timeMax, Timeout.InfiniteTimeSpan);
        using var registration = cancellationToken.UnsafeRegister(GiveUp, waiter);
        await waiter.Task;
    }

    private void GiveUp(object? given)
    {
        lock (_gate)
        {
            var waiter = (TaskCompletionSource)given!;
            if (_waiter == waiter) _waiter = null;
            waiter.TrySetResult();
        }
    }
}
