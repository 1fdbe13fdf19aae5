using Matih.Delivery.Ledgers;
using Matih.Delivery.Opening;

namespace Matih.Delivery.Steps;

/// <summary>What opening a flow for its commits gave.</summary>
public abstract record OpenStep
{
    private OpenStep() { }

    /// <summary>Commits may be asked for.</summary>
    public sealed record Opened : OpenStep;

    /// <summary>
    /// Another committer may be alive. Wait, then open again with <see cref="Watch"/> as it is after the wait
    /// (<see cref="TakeoverWatch.After"/>): where the table's ledger has not moved in all that time, it is taken over.
    /// </summary>
    public sealed record StandBy(TakeoverWatch Watch, TimeSpan LookAgainAfter) : OpenStep;

    /// <summary>It failed for a reason that may pass: the brokers, the catalog or the store.</summary>
    public sealed record TryAgain(TimeSpan After, PipelineException Failure) : OpenStep;
}

/// <summary>What staging a batch gave.</summary>
public abstract record StageStep
{
    private StageStep() { }

    /// <summary>The batch's records are durable, beside the table; the next commit takes them in.</summary>
    /// <param name="ToOffset">End of the range, excluded.</param>
    /// <param name="RowCount">Rows that the records gave.</param>
    public sealed record Staged(int Partition, long FromOffset, long ToOffset, long RowCount) : StageStep;

    /// <summary>All of the batch's records are in the table or staged: they were delivered again. There is nothing to do.</summary>
    public sealed record Covered : StageStep;

    /// <summary>No committer has opened the flow yet, so that nobody knows where it begins. The records must be handed in again.</summary>
    public sealed record NotYet(TimeSpan After) : StageStep;

    /// <summary>
    /// The batch is not what the topic holds, and nothing of it was staged: it leaves out records between its first and its last one,
    /// or was read before the topic was created again. The same batch never will be: hand in what the topic holds, or leave it to
    /// a commit that reads what nobody stages.
    /// </summary>
    public sealed record Unfit(PipelineException Failure) : StageStep;

    /// <summary>It failed for a reason that may pass. The records must be handed in again.</summary>
    public sealed record TryAgain(TimeSpan After, PipelineException Failure) : StageStep;
}

/// <summary>What asking for a commit gave.</summary>
public abstract record CommitStep
{
    private CommitStep() { }

    /// <summary>The table holds the commit.</summary>
    /// <param name="Books">The fate of the records that it took in.</param>
    public sealed record Committed(CommitId Commit, Books Books) : CommitStep;

    /// <summary>Nothing is staged that follows on the table's positions.</summary>
    public sealed record NothingToDo : CommitStep;

    /// <summary>
    /// The table is not as this committer knew it (rolled back, changed, or committed to by another): open again, and ask again.
    /// What is staged stays staged.
    /// </summary>
    public sealed record OpenAgain : CommitStep;

    /// <summary>It failed for a reason that may pass. Open again after the wait: the commit may stand all the same, and opening reads the table.</summary>
    public sealed record TryAgain(TimeSpan After, PipelineException Failure) : CommitStep;
}
