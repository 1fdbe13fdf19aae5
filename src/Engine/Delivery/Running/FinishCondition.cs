using Matih.Delivery.Lanes;

namespace Matih.Delivery.Running;

/// <summary>Whether a run of some mode has done what it was started for.</summary>
internal sealed class FinishCondition(
    RunMode mode, RecordLimit limit, FlowSession session, TimeProvider clock, long startedAt, IReadOnlyDictionary<int, long>? caughtUpAt)
{
    private static readonly TimeSpan SlowestFirstRecord = TimeSpan.FromMinutes(1);

    public bool IsMet => mode switch
    {
        RunMode.Once once => limit.IsReached || IsIdle(once.IdleTimeout),
        RunMode.UntilCaughtUp => session.Lanes.All(lane => lane.HasReached(caughtUpAt!)),
        RunMode.For limited => clock.GetElapsedTime(startedAt) >= limited.Duration,
        _ => false,
    };

    /// <summary>The partitions that a micro-batch ends without having read to their end: waiting for them was given up.</summary>
    public IEnumerable<int> GivenUp => mode is RunMode.Once && !limit.IsReached ? Unread : [];

    /// <summary>
    /// Nothing came for the time-out, and not because the broker was slow to give the first record: every partition has been
    /// read to its end. A partition that cannot be read delays this by a minute and no longer.
    /// </summary>
    private bool IsIdle(TimeSpan idleTimeout)
    {
        var silence = clock.GetElapsedTime(session.LastActivity);
        return silence >= idleTimeout && (!Unread.Any() || silence >= idleTimeout + SlowestFirstRecord);
    }

    /// <remarks>No end is reported of a partition whose position lies above its last stable offset; the topic's ends, as last looked up, tell.</remarks>
    private IEnumerable<int> Unread => session.Lanes.SelectMany(lane => lane.FindUnread(session.KnownEnds));

    /// <summary>How long until time alone could meet it; null where it cannot.</summary>
    public TimeSpan? TimeLeft => mode switch
    {
        RunMode.Once once when clock.GetElapsedTime(session.LastActivity) < once.IdleTimeout => once.IdleTimeout - clock.GetElapsedTime(session.LastActivity),
        RunMode.Once => TimeSpan.FromSeconds(1), // The ends are awaited; a lane signals them, this is for the longest wait.
        RunMode.For limited => limited.Duration - clock.GetElapsedTime(startedAt),
        _ => null,
    };
}
