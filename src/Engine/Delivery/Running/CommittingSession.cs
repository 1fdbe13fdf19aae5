using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Members;
using Matih.Delivery.Opening;
using Matih.Delivery.Staging;
using Matih.Iceberg.Catalogs;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Delivery.Running;

/// <summary>
/// One session of a run that commits: opens the flow at the table's ledger, lets the lanes read, and at every checkpoint
/// commits what they did, together with what other members staged.
/// </summary>
internal sealed class CommittingSession(FlowPlan plan, FlowParts parts, EngineEnvironment environment, WriterIdentity writer)
{
    private readonly SideFileRemoval _sideFiles = new(parts.Store, environment.Clock, parts.Log);

    /// <param name="work">Everything, or a committer's share.</param>
    /// <param name="watch">Tells when the group gives other work; null for a run without other members.</param>
    public async Task<SessionEnd> RunAsync(
        RunMode mode, RunHistory history, WorkShare work, ShareWatch? watch, CancellationToken stop, CancellationToken abort)
    {
        OpenedFlow opened;
        try
        {
            opened = await parts.Opening.OpenAsync(writer, history.Answers, stop, abort);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !abort.IsCancellationRequested)
        {
            return SessionEnd.Finished; // Stopped while standing by: nothing was read, so there is nothing to commit.
        }
        history.Answers = OpenAnswers.None; // They were given for the table as it was; a later session has its own ledger to go by.
        parts.Progress.NoteOpened(opened.Ledger.WrittenAtMillis, opened.Table.Metadata.CurrentSnapshotId?.Value);
        if (mode is RunMode.UntilCaughtUp) history.CaughtUpAt ??= await EndsAsync(opened.Source, abort);

        var committer = new Checkpointer(plan, parts, environment, writer, opened);
        var intake = work is WorkShare.Committer ? new RangeIntake(plan, parts, environment, opened) : null;
        if (intake is not null && await TakeInAsync(intake, committer, abort) is { } early) return early;

        var deal = DealOf(work, committer.Source);
        var limit = history.LimitFor(opened.Ledger, deal.LaneCount);
        await using var session = await FlowSession.StartAsync(
            plan, parts, environment, opened with { Source = committer.Source }, deal, limit, history.NextAssignment(), watch, abort);
        var finish = new FinishCondition(mode, limit, session, environment.Clock, history.StartedAt, history.CaughtUpAt);
        while (true)
        {
            parts.Progress.NoteState(FlowState.Reading, environment.Clock.GetTimestamp());
            var cause = await session.WaitForCheckpointAsync(mode, finish, stop, abort);
            if (cause == CheckpointCause.Finished) WarnOfUnread(finish);
            parts.Progress.NoteState(FlowState.Committing, environment.Clock.GetTimestamp());
            var isLast = cause != CheckpointCause.Interval;
            var checkpoints = await session.SealAsync(isLast, abort);
            var batch = intake is null ? null : await intake.CollectAsync(committer.Source, deal.Partitions.ToHashSet(), mayFill: !isLast, abort);
            if (batch?.Checkpoint is { } taken)
            {
                checkpoints = [.. checkpoints, taken];
                session.NoteTaken(taken);
            }

            var staysOpen = !isLast || cause == CheckpointCause.TopicChanged;
            if (await CommitAsync(committer, checkpoints, staysOpen, abort) is { } end) return end;
            session.NoteCommitted(committer.Source);
            history.NoteProgress();
            parts.Fields.Judge(isEnd: cause is CheckpointCause.Finished or CheckpointCause.Stopped);
            parts.Progress.NoteFailures(0);
            if (batch is not null) await intake!.ClearAsync(batch, abort);
            await _sideFiles.RunAsync(committer.Table, abort);
            if (checkpoints.Select(checkpoint => checkpoint.Rejected).FirstOrDefault(found => found is not null) is { } rejected) throw rejected.ToException(plan.Topic);
            if (isLast) return cause is CheckpointCause.TopicChanged or CheckpointCause.ShareChanged ? SessionEnd.Reopen : SessionEnd.Finished;
            if (committer.TableHasChanged) return SessionEnd.Reopen;
        }
    }

    private void WarnOfUnread(FinishCondition finish)
    {
        int[] partitions = [.. finish.GivenUp.Order()];
        if (partitions.Length == 0) return;
        parts.Log.Warning("partitions-unread",
            $"Flow {plan.Name}: this micro-batch ends although {Quantity.Of(partitions.Length, "partition")} of topic '{plan.Topic}' {(partitions.Length == 1 ? "was" : "were")} not read to the end and gave nothing for over a minute: {string.Join(", ", partitions.Take(8))}{(partitions.Length > 8 ? ", …" : "")}. Check the brokers that lead them; the next run continues from the table's ledger.",
            ("flow", plan.Name.ToString()), ("partitions", string.Join(',', partitions)));
    }

    /// <summary>Commits what was staged before this session, its own partitions' included, so that the lanes begin behind it.</summary>
    private async ValueTask<SessionEnd?> TakeInAsync(RangeIntake intake, Checkpointer committer, CancellationToken abort)
    {
        await intake.ClearForgottenAsync(abort);
        var batch = await intake.CollectAsync(committer.Source, new HashSet<int>(), mayFill: false, abort);
        if (batch.Checkpoint is not { } taken) return null;
        if (await CommitAsync(committer, [taken], staysOpen: true, abort) is { } end) return end;
        await intake.ClearAsync(batch, abort);
        return committer.TableHasChanged ? SessionEnd.Reopen : null;
    }

    /// <summary>Null where the commit stands.</summary>
    /// <exception cref="PipelineException">Another writer has taken over.</exception>
    private async ValueTask<SessionEnd?> CommitAsync(
        Checkpointer committer, IReadOnlyList<LaneCheckpoint> checkpoints, bool staysOpen, CancellationToken abort)
    {
        switch (await committer.CommitAsync(checkpoints, staysOpen, abort))
        {
            case CommitOutcome.Rebased rebased:
                parts.Log.Warning("batch-dropped", $"Flow {plan.Name}: {rebased.Reason} The uncommitted batch is dropped and read again from the table's ledger.");
                return SessionEnd.Reopen;
            case CommitOutcome.Superseded superseded:
                throw superseded.ToException(plan.Name);
            case CommitOutcome.TakenOver taken:
                throw taken.ToException(plan.Name, plan.Table.Identifier);
            case CommitOutcome.Committed:
                return null;
            case var other:
                throw new InvalidOperationException($"A commit that only adds files ended as {other}.");
        }
    }

    private LaneDeal DealOf(WorkShare work, SourceLedger source)
    {
        var partitions = source.Partitions.Select(entry => entry.Partition);
        if (work is WorkShare.Committer(var own)) partitions = partitions.Where(own.Contains);
        return new LaneDeal([.. partitions], plan.Parallelism);
    }

    /// <summary>The ends of the partitions that opening has found. Not asked for their number again: a broker may lag behind.</summary>
    private async ValueTask<IReadOnlyDictionary<int, long>> EndsAsync(SourceLedger source, CancellationToken abort)
    {
        int[] partitions = [.. source.Partitions.Select(entry => entry.Partition)];
        var ranges = await parts.Source.RangesAsync(partitions, abort);
        return partitions.Zip(ranges).ToDictionary(pair => pair.First, pair => pair.Second.End);
    }
}
