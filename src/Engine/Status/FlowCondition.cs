namespace Matih.Status;

/// <summary>
/// How a flow stands, as far as its table and its topic tell. Whether a process of it is alive is no part of this: that cannot be
/// known from outside.
/// </summary>
public enum FlowCondition
{
    /// <summary>The table does not exist, or holds no ledger of the flow: the first start will begin it.</summary>
    NeverStarted,

    /// <summary>Every record that the topic holds is committed.</summary>
    UpToDate,

    /// <summary>Every record that the topic holds is committed or staged: only a commit is missing.</summary>
    StagedWaiting,

    /// <summary>The topic holds records that are neither committed nor staged. A flow that runs under load mostly is so.</summary>
    Behind,

    /// <summary>A start would refuse to go on until a person has acted.</summary>
    Refused,

    /// <summary>The table or the topic could not be read, so that nobody knows.</summary>
    Unreachable,

    /// <summary>The table shows nothing that a start would refuse. Kafka was left out, so that nobody knows what is missing.</summary>
    NotCompared,
}
