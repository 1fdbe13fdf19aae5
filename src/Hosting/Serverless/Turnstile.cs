namespace Matih.Hosting.Serverless;

/// <summary>
/// Lets one caller in at a time, in the order in which they come. A semaphore would do the same, but goes on in the thread pool,
/// where a simulation cannot follow. Thread-safe.
/// </summary>
internal sealed class Turnstile
{
    private readonly Lock _lock = new();
    private readonly LinkedList<TaskCompletionSource> _waiting = [];
    private bool _isTaken;

    /// <summary>Disposing what it gives lets the next caller in.</summary>
    /// <exception cref="OperationCanceledException">Cancelled before it was this caller's turn.</exception>
    public async ValueTask<Passage> EnterAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        TaskCompletionSource turn;
        lock (_lock)
        {
            if (!_isTaken)
            {
                _isTaken = true;
                return new Passage(this);
            }
            turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.AddLast(turn);
        }
        await using (cancellationToken.UnsafeRegister(_ => GiveUp(turn, cancellationToken), null)) await turn.Task;
        return new Passage(this);
    }

    private void GiveUp(TaskCompletionSource turn, CancellationToken cancellationToken)
    {
        lock (_lock)
            if (!_waiting.Remove(turn)) return;
        turn.SetCanceled(cancellationToken);
    }

    private void Leave()
    {
        TaskCompletionSource next;
        lock (_lock)
        {
            if (_waiting.First is not { } first)
            {
                _isTaken = false;
                return;
            }
            next = first.Value;
            _waiting.RemoveFirst();
        }
        next.SetResult();
    }

    public readonly struct Passage(Turnstile turnstile) : IDisposable
    {
        public void Dispose() => turnstile.Leave();
    }
}
