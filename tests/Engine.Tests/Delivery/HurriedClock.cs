namespace Matih.Engine.Tests.Delivery;

/// <summary>
/// A clock that a test sets forward or back, and that can run faster than the real one, so that back-off and patience pass
/// within a test. Its timestamps, which measure durations, follow the speed and never the jumps.
/// </summary>
internal sealed class HurriedClock : TimeProvider
{
    private readonly DateTimeOffset _startedAt = System.GetUtcNow();
    private readonly long _startedTimestamp = System.GetTimestamp();

    /// <summary>How many of this clock's seconds pass in a real one.</summary>
    public int Speed { get; set; } = 1;

    /// <summary>How far the wall clock was moved.</summary>
    public TimeSpan Jump { get; set; }

    /// <summary>How far durations were moved on.</summary>
    public TimeSpan Elapsed { get; set; }

    public override long TimestampFrequency => System.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => _startedAt + System.GetElapsedTime(_startedTimestamp) * Speed + Jump + Elapsed;

    public override long GetTimestamp() =>
        (System.GetTimestamp() - _startedTimestamp) * Speed + (long)(Elapsed.TotalSeconds * TimestampFrequency);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        System.CreateTimer(callback, state, Hurried(dueTime), Hurried(period));

    private TimeSpan Hurried(TimeSpan time) => time <= TimeSpan.Zero ? time : time / Speed;
}
