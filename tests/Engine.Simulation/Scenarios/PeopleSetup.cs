using System.Globalization;
using Matih.Definition;
using Matih.Delivery;

namespace Matih.Engine.Simulation.Scenarios;

/// <summary>What people decide about one pipeline.</summary>
internal sealed record PipelineHabits
{
    /// <summary><c>on_error: fail</c>: a run stops at a bad record, until somebody acts.</summary>
    public bool FailsOnBadRecord { get; init; }

    /// <summary>The pipeline that this one is the new name of: it is always started with <c>--adopt</c>.</summary>
    public string? RenamedFrom { get; init; }

    /// <summary><c>--from</c>, given while none of the pipeline's tables has a ledger of it: <c>earliest</c>, <c>latest</c>, or a time in seconds after the beginning.</summary>
    public StartOffset? From { get; init; }

    /// <summary>The limit of a micro-batch.</summary>
    public int OnceCountMax { get; init; } = 50;

    public TimeSpan OnceIdleTimeout { get; init; } = TimeSpan.FromSeconds(3);

    public RunMode.Once Once => new(OnceCountMax, OnceIdleTimeout);

    public string Describe() => string.Create(CultureInfo.InvariantCulture,
        $"{(FailsOnBadRecord ? ", on_error: fail" : "")}{(RenamedFrom is null ? "" : $", --adopt {RenamedFrom}")}{(From is null ? "" : $", --from {From}")}, once {OnceCountMax} in {OnceIdleTimeout.TotalSeconds:0} s");
}

/// <summary>What is tried with processes that have nothing to do, after everything is in.</summary>
internal enum IdleTrial
{
    None,
    /// <summary>Somebody rolls a table back under them.</summary>
    RollBack,
    /// <summary>Another engine commits every few minutes, for hours.</summary>
    BusyForeigner,
}

/// <summary>What people do when something has happened, and how a scenario ends.</summary>
internal sealed record PeopleSetup
{
    /// <summary>Whether a refusal is answered with what it names as the way out.</summary>
    public bool AnswersRefusals { get; init; }

    /// <summary>Whether processes are asked to end when the weather has cleared up; else they are killed.</summary>
    public bool EndsByStop { get; init; }

    /// <summary>Whether pipelines catch up at the end by micro-batches, one after the other.</summary>
    public bool CatchesUpByOnce { get; init; }

    public IdleTrial Idle { get; init; }

    public string Describe() => $"; refusals {(AnswersRefusals ? "answered" : "left")}, ends by {(EndsByStop ? "stop" : "kill")}{(CatchesUpByOnce ? ", catches up by micro-batches" : "")}{(Idle == IdleTrial.None ? "" : $", idle: {Idle}")}";
}
