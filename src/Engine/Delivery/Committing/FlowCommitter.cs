using System.Collections.Immutable;
using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Staging;
using Matih.Delivery.Tables;
using Matih.Telemetry;

namespace Matih.Delivery.Committing;

/// <summary>
/// Commits for one opened flow: what lanes of this process did, what other readers staged, or both. It works without lanes of
/// its own. One commit at a time; each stands on the one before.
/// </summary>
/// <param name="intake">What others stage; null where there are no others.</param>
internal sealed class FlowCommitter(FlowContext flow, Checkpointer checkpointer, RangeIntake? intake, SideFileRemoval sideFiles)
{
    private static readonly IReadOnlySet<int> NoPartitions = ImmutableHashSet<int>.Empty;

    /// <summary>The source's positions in the ledger that the next commit stands on.</summary>
    public SourceLedger Source => checkpointer.Source;

    /// <summary>The ledger that the next commit stands on.</summary>
    public Ledger Ledger => checkpointer.Ledger;

    /// <summary>The table's schema, partition spec or write settings are no longer those that the writers were made for: the flow must be opened again.</summary>
    public bool TableHasChanged => checkpointer.TableHasChanged;

    /// <summary>Deletes the records of staged ranges that nobody will use any more.</summary>
    public async ValueTask ClearForgottenAsync(CancellationToken cancellationToken)
    {
        if (intake is not null) await intake.ClearForgottenAsync(cancellationToken);
    }

    /// <summary>Commits what was staged before this process began, so that its lanes begin behind it. Does nothing where nothing was.</summary>
    /// <returns>False where the flow must be opened again.</returns>
    /// <exception cref="PipelineException">Another writer has taken over.</exception>
    public async ValueTask<bool> TakeInAsync(CancellationToken cancellationToken)
    {
        if (intake is null) return true;
        await intake.ClearForgottenAsync(cancellationToken);
        var batch = await intake.CollectAsync(Source, NoPartitions, mayFill: false, cancellationToken);
        if (batch.Checkpoint is not { } taken) return true;
        if (!await CommitAsync([taken], staysOpen: true, cancellationToken)) return false;
        await intake.ClearAsync(batch, cancellationToken);
        return !TableHasChanged;
    }

    /// <summary>Commits the checkpoints of this process's lanes, together with what others staged.</summary>
    /// <param name="own">What the lanes did; empty for a committer that reads nothing.</param>
    /// <param name="ownPartitions">The partitions that this process reads: nothing is taken over for them.</param>
    /// <param name="mayFill">Whether what nobody staged may be read from Kafka, which takes a while.</param>
    /// <returns>All that the commit holds, own and taken over; null where it was dropped, and the flow must be opened again.</returns>
    /// <exception cref="PipelineException">Another writer has taken over.</exception>
    public async ValueTask<IReadOnlyList<LaneCheckpoint>?> CommitAsync(
        IReadOnlyList<LaneCheckpoint> own, IReadOnlySet<int> ownPartitions, bool staysOpen, bool mayFill, CancellationToken cancellationToken)
    {
        var batch = intake is null ? null : await intake.CollectAsync(Source, ownPartitions, mayFill, cancellationToken);
        IReadOnlyList<LaneCheckpoint> all = batch?.Checkpoint is { } taken ? [.. own, taken] : own;
        if (!await CommitAsync(all, staysOpen, cancellationToken)) return null;
        if (batch is not null) await intake!.ClearAsync(batch, cancellationToken);
        await sideFiles.RunAsync(checkpointer.Table, cancellationToken);
        return all;
    }

    /// <summary>Commits what others staged, and nothing else: a committer without lanes.</summary>
    /// <returns>All that the commit holds; null where it was dropped, and the flow must be opened again.</returns>
    public ValueTask<IReadOnlyList<LaneCheckpoint>?> CommitStagedAsync(bool staysOpen, bool mayFill, CancellationToken cancellationToken) =>
        CommitAsync([], NoPartitions, staysOpen, mayFill, cancellationToken);

    /// <summary>False where the batch was dropped.</summary>
    private async ValueTask<bool> CommitAsync(IReadOnlyList<LaneCheckpoint> checkpoints, bool staysOpen, CancellationToken cancellationToken)
    {
        switch (await checkpointer.CommitAsync(checkpoints, staysOpen, cancellationToken))
        {
            case CommitOutcome.Rebased rebased:
                flow.Log.Warning("batch-dropped", $"Flow {flow.Name}: {rebased.Reason} The uncommitted batch is dropped and read again from the table's ledger.");
                return false;
            case CommitOutcome.Superseded superseded:
                throw superseded.ToException(flow.Name);
            case CommitOutcome.TakenOver taken:
                throw taken.ToException(flow.Name, flow.Plan.Table.Identifier);
            case CommitOutcome.Committed:
                return true;
            case var other:
                throw new InvalidOperationException($"A commit that only adds files ended as {other}.");
        }
    }
}
