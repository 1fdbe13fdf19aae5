using Matih.Engine.Simulation.Scheduling;

namespace Matih.Engine.Simulation.Processes;

/// <summary>A wait of a process for the outside.</summary>
internal interface IPendingCall
{
    /// <summary>The process has died: nobody waits any more.</summary>
    void Abandon();
}

/// <summary>A call whose answer, whenever it comes, is handled in the process's own thread.</summary>
internal sealed class PendingCall<T> : IPendingCall
{
    private readonly TaskCompletionSource<T> _result = new();
    private readonly SimulatedContext _context;
    private readonly HashSet<IPendingCall> _pending;
    private readonly CancellationTokenRegistration _registration;
    private bool _isSettled;

    public PendingCall(CancellationToken cancellationToken, SimulatedContext context, HashSet<IPendingCall> pending)
    {
        _context = context;
        _pending = pending;
        pending.Add(this);
        _registration = cancellationToken.UnsafeRegister(static state => ((PendingCall<T>)state!).Abandon(), this);
    }

    public Task<T> Task => _result.Task;

    public void Answer(T result) => Settle(() => _result.SetResult(result));

    public void Fail(Exception failure) => Settle(() => _result.SetException(failure));

    public void Abandon() => Settle(() => _result.SetCanceled());

    private void Settle(Action act)
    {
        if (_isSettled) return;
        _isSettled = true;
        _registration.Unregister();
        _pending.Remove(this);
        _context.Post(act);
    }
}
