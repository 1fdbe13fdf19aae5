namespace Matih.Delivery;

/// <summary>Whether a run of some mode has done what it was started for.</summary>
internal sealed class FinishCondition(
    RunMode mode, RecordLimit limit, FlowSession session, TimeProvider clock, long startedAt, IReadOnlyDictionary<int, long>? caughtUpAt)
{
    public bool IsMet => mode switch
    {
        RunMode.Once once => limit.IsReached || clock.GetElapsedTime(session.LastActivityTimestamp) >= once.IdleTimeout,
        RunMode.UntilCaughtUp => session.Lanes.All(lane => lane.HasReached(caughtUpAt!)),
        RunMode.For limited => clock.GetElapsedTime(startedAt) >= limited.Duration,
        _ => false,
    };

    /// <summary>How long until time alone could meet it; null where it cannot.</summary>
    public TimeSpan? TimeLeft => mode switch
    {
        RunMode.Once once => once.IdleTimeout - clock.GetElapsedTime(session.LastActivityTimestamp),
        RunMode.For limited => limited.Duration - clock.GetElapsedTime(startedAt),
        _ => null,
    };
}
