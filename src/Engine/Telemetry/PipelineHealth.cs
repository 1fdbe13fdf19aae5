using System.Collections.Immutable;

namespace Matih.Telemetry;

/// <summary>When a run counts as unwell.</summary>
/// <param name="CommitWaitMax">How long something may wait to be committed: the checkpoint interval and what an outage may take.</param>
public sealed record HealthLimits(TimeSpan CommitWaitMax)
{
    /// <summary>
    /// A coordinator that has not come round for that long is stuck. Default 5 min: it comes round every 10 s when idle, and
    /// the longest wait between two attempts is 90 s; to close and upload large files takes minutes only where something is wrong.
    /// </summary>
    public TimeSpan StallMax { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Without an answer of the brokers for longer than that, contact with them is lost.</summary>
    public TimeSpan ContactAgeMax { get; init; } = DefaultContactAgeMax;

    /// <summary>30 s: they are asked every few seconds, and a broker that restarts needs less.</summary>
    public static TimeSpan DefaultContactAgeMax { get; } = TimeSpan.FromSeconds(30);
}

/// <summary>One flow at one moment.</summary>
/// <param name="Flow">Its name, pipeline and sink.</param>
/// <param name="Progress">Its counters.</param>
/// <param name="Stuck">Why it is not live, a sentence; null where it is.</param>
/// <param name="Unready">Why it is not ready, a sentence; null where it is.</param>
/// <param name="ContactAge">How long ago the brokers last answered; null before the first answer.</param>
/// <param name="UncommittedAge">How long the oldest record has been waiting to be committed; null where none is.</param>
public sealed record FlowHealth(string Flow, FlowProgress Progress, string? Stuck, string? Unready, TimeSpan? ContactAge, TimeSpan? UncommittedAge)
{
    public FlowState State => Progress.State;
}

/// <summary>All flows of a run at one moment.</summary>
public sealed record HealthReading(ImmutableArray<FlowHealth> Flows)
{
    /// <summary>Every coordinator came round lately. Where not, only a restart helps, which is safe.</summary>
    public bool IsLive => Flows.All(flow => flow.Stuck is null);

    /// <summary>Every flow has opened its table, no attempt has failed since the last good checkpoint, the brokers answer, and nothing waits too long.</summary>
    public bool IsReady => Flows.All(flow => flow.Unready is null);

    /// <summary>Some flow leaves the work to another writer, and would take over from it.</summary>
    public bool IsStandingBy => Flows.Any(flow => flow.State == FlowState.StandingBy);
}

/// <summary>
/// Whether a run is live and ready, from its flows' progress. Names flows, states and durations only: neither what a failure
/// said nor anything of the definition.
/// </summary>
public sealed class PipelineHealth(IReadOnlyList<FlowProgress> flows, TimeProvider clock, HealthLimits limits)
{
    private readonly long _startedAt = clock.GetTimestamp();

    public TimeSpan Uptime => clock.GetElapsedTime(_startedAt);

    public HealthReading Read() => new([.. flows.Select(Read)]);

    private FlowHealth Read(FlowProgress flow)
    {
        var state = flow.State;
        var silence = clock.GetElapsedTime(flow.LastBeat ?? _startedAt);
        var contactAge = flow.LastContact is { } contact ? clock.GetElapsedTime(contact) : (TimeSpan?)null;
        var waiting = flow.UncommittedSince is { } since ? clock.GetElapsedTime(since) : (TimeSpan?)null;
        var stuck = state != FlowState.Ended && silence > limits.StallMax
            ? $"Flow {flow.Flow} has been {Name(state)} for {silence.TotalSeconds:N0} s without a sign of life; at most {limits.StallMax.TotalSeconds:N0} s are expected."
            : null;
        return new FlowHealth(flow.Flow, flow, stuck, stuck ?? Unready(flow, state, contactAge ?? Uptime, waiting), contactAge, waiting);
    }

    private string? Unready(FlowProgress flow, FlowState state, TimeSpan silence, TimeSpan? waiting)
    {
        if (flow.FailureCount is > 0 and var count) return $"Flow {flow.Flow} is {Name(state)} after {Quantity.Of(count, "failure")} in a row.";
        if (!flow.HasOpened && state is FlowState.Opening) return $"Flow {flow.Flow} has not opened its table yet.";
        if (state != FlowState.Ended && silence > limits.ContactAgeMax)
            return $"Flow {flow.Flow} has had no answer from Kafka for {silence.TotalSeconds:0} s; at most {limits.ContactAgeMax.TotalSeconds:0} s are expected. Its lag is of that time.";
        if (waiting > limits.CommitWaitMax)
            return $"Flow {flow.Flow} has had something to commit for {waiting.Value.TotalSeconds:N0} s; at most {limits.CommitWaitMax.TotalSeconds:N0} s are expected.";
        return null;
    }

    /// <summary>A state as a word, for machines and people.</summary>
    public static string Name(FlowState state) => state switch
    {
        FlowState.Opening => "opening",
        FlowState.StandingBy => "standing-by",
        FlowState.Reading => "reading",
        FlowState.Committing => "committing",
        FlowState.Retrying => "retrying",
        FlowState.Ended => "ended",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, null),
    };
}
