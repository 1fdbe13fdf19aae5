namespace Matih.Engine.Tests.Connectors;

/// <summary>
/// A clock that stands still, except that a short wait (a client's pause between two attempts) passes as soon as somebody
/// waits. Longer ones, which are limits, pass when a test advances the clock. Thread-safe.
/// </summary>
internal sealed class LeapingClock : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<Waiting> _waiting = [];
    private TimeSpan _now;

    /// <summary>The waits that are pauses; longer ones are limits.</summary>
    public TimeSpan LeapMax { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>What has passed.</summary>
    public TimeSpan Elapsed
    {
        get { lock (_lock) return _now; }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Elapsed.Ticks;

    public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 11, 29, 0, 0, 0, TimeSpan.Zero) + Elapsed;

    public void Advance(TimeSpan time)
    {
        List<Waiting> due;
        lock (_lock)
        {
            _now += time;
            due = _waiting.FindAll(timer => timer.DueAt <= _now);
            _waiting.RemoveAll(due.Contains);
        }
        foreach (var timer in due) timer.Fire();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Waiting(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    private void Set(Waiting timer, TimeSpan dueTime)
    {
        lock (_lock)
        {
            _waiting.Remove(timer);
            if (dueTime < TimeSpan.Zero) return;
            timer.DueAt = _now + dueTime;
            _waiting.Add(timer);
        }
        if (dueTime < LeapMax) ThreadPool.QueueUserWorkItem(_ => Advance(dueTime));
    }

    private sealed class Waiting(LeapingClock clock, Action fire) : ITimer
    {
        public TimeSpan DueAt { get; set; }

        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            clock.Set(this, dueTime);
            return true;
        }

        public void Dispose() => clock.Set(this, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
