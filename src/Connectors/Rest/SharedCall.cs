namespace Matih.Connectors.Rest;

/// <summary>A call that several callers share: who asks while it runs gets the same result. Thread-safe.</summary>
/// <param name="call">Ends by itself: a caller that gives up does not cancel it for the others.</param>
internal sealed class SharedCall<T>(Func<Task<T>> call)
{
    private readonly Lock _lock = new();
    private Task<T>? _running;

    public Task<T> RunAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_running is null || _running.IsCompleted) _running = call();
            return _running.WaitAsync(cancellationToken);
        }
    }
}
