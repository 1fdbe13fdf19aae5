namespace Matih.Engine.Simulation.Functions;

/// <summary>What an orchestration is told, as its history keeps it.</summary>
internal abstract record HubEvent
{
    private HubEvent() { }

    /// <summary>The orchestration is run, with what follows.</summary>
    public sealed record Began(DateTimeOffset At) : HubEvent;

    /// <summary>An execution begins, with the orchestration's input.</summary>
    public sealed record Started : HubEvent;

    /// <param name="Json">A signal to a loop.</param>
    public sealed record Signalled(string Json) : HubEvent;

    public sealed record TimerFired(int Action) : HubEvent;

    /// <summary>An activity has ended, with a report as JSON or with the reason of its failure.</summary>
    public sealed record ActivityEnded(int Action, string? Report, string? Crash) : HubEvent;
}

/// <summary>What an orchestration asks for.</summary>
internal abstract record HubAction
{
    private HubAction() { }

    public sealed record SetTimer(DateTimeOffset At) : HubAction;

    /// <param name="Json">What the commit is asked with.</param>
    public sealed record CallActivity(string Json) : HubAction;
}

/// <summary>The service of the task hub did not answer.</summary>
internal sealed class HubException(string message) : Exception(message);
