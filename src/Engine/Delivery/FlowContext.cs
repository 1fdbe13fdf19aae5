using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Delivery;

/// <summary>What every part of a flow's work goes by: what was planned, what is not deterministic, and where it says what happens.</summary>
/// <param name="NextJitter">Spreads waits: 0 to 1. Thread-safe.</param>
internal sealed record FlowContext(FlowPlan Plan, EngineEnvironment Environment, FlowProgress Progress, IEngineLog Log, Func<double> NextJitter)
{
    /// <summary>The coordinator comes round at least that often, so that one that is idle differs from one that is stuck.</summary>
    public static readonly TimeSpan BeatInterval = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Whether the parts wait by themselves before they look or try again. Steps do not: their host waits. What would be waited
    /// for is then a failure that may pass.
    /// </summary>
    public bool WaitsInside { get; init; } = true;

    public FlowName Name => Plan.Name;

    public TimeProvider Clock => Environment.Clock;

    public void Enter(FlowState state) => Progress.NoteState(state, Clock.GetTimestamp());
}
