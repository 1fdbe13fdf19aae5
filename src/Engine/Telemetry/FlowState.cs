namespace Matih.Telemetry;

/// <summary>What a flow's coordinator is doing just now.</summary>
public enum FlowState
{
    /// <summary>It finds out from the table and the topic where to continue.</summary>
    Opening,

    /// <summary>Another writer of the flow may be alive; this one watches the table and takes over when that one is silent.</summary>
    StandingBy,

    Reading,

    /// <summary>A checkpoint: files are closed and the commit is under way.</summary>
    Committing,

    /// <summary>It waits before the next attempt after a failure.</summary>
    Retrying,

    Ended,
}
