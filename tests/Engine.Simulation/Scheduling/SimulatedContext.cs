namespace Matih.Engine.Simulation.Scheduling;

/// <summary>
/// The one thread of a simulated process: what its tasks do next waits here until the simulator picks it. A stopped
/// process (SIGSTOP) keeps its callbacks and runs none.
/// </summary>
internal sealed class SimulatedContext(Simulator simulator, int id) : SynchronizationContext
{
    private readonly List<(SendOrPostCallback Callback, object? State)> _queue = [];
    private bool _isPaused;

    public int Id { get; } = id;

    public bool HasWork => _queue.Count != 0;

    public bool IsPaused
    {
        get => _isPaused;
        set
        {
            _isPaused = value;
            if (value) simulator.MarkIdle(this);
            else if (HasWork) simulator.MarkReady(this);
        }
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (!simulator.IsOwnThread(d)) return;
        _queue.Add((d, state));
        if (!_isPaused) simulator.MarkReady(this);
    }

    public void Post(Action act) => Post(static state => ((Action)state!)(), act);

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("A simulated process has one thread; nothing can wait for it.");

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Runs the oldest callback, or now and then a younger one, as threads that are scheduled anyhow would.</summary>
    public void RunOne(Random choices)
    {
        var index = _queue.Count > 1 && choices.Next(4) == 0 ? choices.Next(_queue.Count) : 0;
        var (callback, state) = _queue[index];
        _queue.RemoveAt(index);
        if (_queue.Count == 0) simulator.MarkIdle(this);
        Run(() => callback(state));
    }

    /// <summary>Runs something at once, as the process.</summary>
    public void Run(Action act)
    {
        var before = Current;
        SetSynchronizationContext(this);
        try
        {
            act();
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }
}
