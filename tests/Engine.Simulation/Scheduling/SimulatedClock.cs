namespace Matih.Engine.Simulation.Scheduling;

/// <summary>
/// The clock of one process. Its wall time is off by the process's skew and jumps; timers and durations follow simulated
/// time, as a monotonic clock does.
/// </summary>
internal sealed class SimulatedClock(Simulator simulator, SimulatedContext context, TimeSpan skew) : TimeProvider
{
    public static readonly DateTimeOffset Epoch = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);

    private TimeSpan _offset = skew;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => Epoch + simulator.Now + _offset;

    public override long GetTimestamp() => simulator.Now.Ticks;

    public void Jump(TimeSpan by) => _offset += by;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimulatedTimer(simulator, context, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class SimulatedTimer(Simulator simulator, SimulatedContext context, TimerCallback callback, object? state) : ITimer
    {
        private SimulatedEvent? _next;
        private TimeSpan _period;
        private bool _isDisposed;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _next?.Cancel();
            _next = null;
            _period = period;
            if (_isDisposed) return false;
            if (dueTime != Timeout.InfiniteTimeSpan) _next = simulator.After(dueTime, Fire);
            return true;
        }

        private void Fire()
        {
            context.Post(() =>
            {
                if (!_isDisposed) callback(state);
            });
            _next = _period > TimeSpan.Zero ? simulator.After(_period, Fire) : null;
        }

        public void Dispose()
        {
            _isDisposed = true;
            _next?.Cancel();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
