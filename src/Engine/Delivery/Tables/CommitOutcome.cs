using Matih.Delivery.Ledgers;
using Matih.Planning;

namespace Matih.Delivery.Tables;

/// <summary>How a commit of ours ended; expected races are values, not exceptions.</summary>
internal abstract record CommitOutcome
{
    private CommitOutcome() { }

    /// <summary>The table holds the commit, with this ledger.</summary>
    public sealed record Committed(ITableVersion Table, Ledger Ledger) : CommitOutcome;

    /// <summary>The table's ledger is not the one that the batch stands on: drop the batch, go on from what the table holds.</summary>
    public sealed record Rebased(string Reason) : CommitOutcome;

    /// <summary>
    /// Data files that the commit was to remove are gone from the table, or rows of theirs were deleted: the commit is not in
    /// the table and cannot get there. Only commits that remove files can end so.
    /// </summary>
    public sealed record FilesChanged(FileFault Fault) : CommitOutcome;

    /// <summary>Another flow has taken this flow's ledger over (<c>--adopt</c>).</summary>
    public sealed record TakenOver(FlowName Taker) : CommitOutcome
    {
        public PipelineException ToException(FlowName flow, TableIdentifier table) => PipelineException.Refused(
            $"{Taker} has taken over the ledger of {flow} in table {table} (--adopt {flow.Pipeline}), and continues in its place.",
            $"Run {Taker.Pipeline} from now on, and remove the definition of {flow.Pipeline}. Nothing is lost or doubled.");
    }

    /// <summary>Another writer of the flow has taken a newer epoch.</summary>
    public sealed record Superseded(Ledger Other) : CommitOutcome
    {
        public PipelineException ToException(FlowName flow) => new(FailureKind.Superseded,
            $"Another writer of {flow} has taken over: the table's ledger is of epoch {Other.Epoch}, written by run {Other.Run}{(Other.Writer is { } writer ? $" on host {writer.Host}, process {writer.ProcessId}" : "")}.",
            "Let that one work, or stop it first; the next start continues from what the table holds, so nothing is lost or doubled.");
    }
}
