using Matih.Delivery;

namespace Matih.Status;

/// <summary>The parts that a status is put together from.</summary>
public enum StatusPart
{
    /// <summary>The table with its ledger.</summary>
    Table,

    /// <summary>What waits beside the table for a commit.</summary>
    Staging,

    /// <summary>The topic.</summary>
    Topic,

    /// <summary>What a start would say.</summary>
    Start,
}

/// <summary>A part that is missing in a status, and why.</summary>
/// <param name="Kind">What kind of failure it was; null where nothing failed, and the part was left out.</param>
/// <param name="Message">The reason, a full sentence without secrets.</param>
/// <param name="Remedy">What to do, a full sentence.</param>
public sealed record UnreadPart(StatusPart Part, FailureKind? Kind, string Message, string Remedy);

/// <summary>What a start of the flow would end with.</summary>
/// <param name="ExitCode">The exit code of a run.</param>
/// <param name="Message">What is wrong, a full sentence without secrets.</param>
/// <param name="Remedy">What a person has to do, a full sentence.</param>
public sealed record FlowRefusal(FailureKind Kind, int ExitCode, string Message, string Remedy)
{
    /// <summary>The refusal that a failure is; null for one that may pass, or that only says that something could not be read.</summary>
    internal static FlowRefusal? Of(PipelineException failure) => failure.Kind is FailureKind.WouldLoseOrDouble or FailureKind.BadDefinition
        ? new FlowRefusal(failure.Kind, failure.ExitCode, failure.Message, failure.Remedy)
        : null;
}
