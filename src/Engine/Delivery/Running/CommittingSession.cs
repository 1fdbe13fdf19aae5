using Matih.Delivery.Committing;
using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Members;
using Matih.Delivery.Opening;
using Matih.Delivery.Tables;
using Matih.Delivery.Topics;
using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Delivery.Running;

/// <summary>
/// One session of a run that commits: opens the flow at the table's ledger, lets the lanes read, and at every checkpoint
/// commits what they did, together with what other members staged.
/// </summary>
/// <param name="lanesFor">The lanes of the flow as it was opened.</param>
/// <param name="committerFor">The committer of the flow as it was opened, with other members or without.</param>
/// <param name="beside">What runs beside a session that has no end of its own, for as long as it commits.</param>
internal sealed class CommittingSession(
    FlowContext flow, IRecordSource source, FlowOpening opening, Func<OpenedFlow, FlowLanes> lanesFor, Func<OpenedFlow, bool, FlowCommitter> committerFor, FieldCheck fields,
    Func<CancellationToken, Task> beside)
{
    /// <param name="work">Everything, or a committer's share.</param>
    /// <param name="watch">Tells when the group gives other work; null for a run without other members.</param>
    public async Task<SessionEnd> RunAsync(
        RunMode mode, RunHistory history, WorkShare work, ShareWatch? watch, CancellationToken stop, CancellationToken abort)
    {
        OpenedFlow opened;
        try
        {
            opened = await OpenAsync(history.Answers, stop, abort);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !abort.IsCancellationRequested)
        {
            return SessionEnd.Finished; // Stopped while standing by: nothing was read, so there is nothing to commit.
        }
        history.Answers = OpenAnswers.None; // They were given for the table as it was; a later session has its own ledger to go by.
        flow.Progress.NoteOpened(opened.Ledger.WrittenAtMillis, opened.Table.Head?.Id.Value);
        flow.Progress.NoteNewestCommitted(opened.Source.NewestTimestampMillis);
        if (mode is RunMode.UntilCaughtUp) history.CaughtUpAt ??= await EndsAsync(opened.Source, abort);

        var committer = committerFor(opened, work is WorkShare.Committer);
        if (!await committer.TakeInAsync(abort)) return SessionEnd.Reopen;

        var deal = DealOf(work, committer.Source, opened.Table.FileSettings);
        var limit = history.LimitFor(opened.Ledger, deal.LaneCount);
        await using var session = await FlowSession.StartAsync(
            flow, source, lanesFor(opened), committer.Source, deal, limit, history.NextAssignment(), watch, abort);
        var finish = new FinishCondition(mode, limit, session, flow.Clock, history.StartedAt, history.CaughtUpAt);
        var loop = new CheckpointLoop(flow, mode, history, fields);
        if (mode is RunMode.Once or RunMode.UntilCaughtUp) return await loop.RunAsync(session, finish, new Taker(session, committer, deal), stop, abort);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop, abort);
        var besides = flow.Environment.Tasks.Start($"maintenance of {flow.Name}", beside, ending.Token);
        try
        {
            return await loop.RunAsync(session, finish, new Taker(session, committer, deal), stop, abort);
        }
        finally
        {
            ending.Cancel();
            await besides.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
    }

    private async ValueTask<OpenedFlow> OpenAsync(OpenAnswers answers, CancellationToken stop, CancellationToken abort)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, abort);
        TakeoverWatch? watch = null;
        while (true)
        {
            if (watch is null) flow.Enter(FlowState.Opening);
            switch (await opening.OpenAsync(answers, watch, abort))
            {
                case OpeningStep.Opened opened:
                    return opened.Flow;
                case OpeningStep.StandBy standBy:
                    flow.Enter(FlowState.StandingBy);
                    var beganAt = flow.Clock.GetTimestamp();
                    await Task.Delay(standBy.LookAgainAfter, flow.Clock, either.Token);
                    watch = standBy.Watch.After(flow.Clock.GetElapsedTime(beganAt));
                    break;
            }
        }
    }

    private LaneDeal DealOf(WorkShare work, SourceLedger positions, FileSettings files)
    {
        var partitions = positions.Partitions.Select(entry => entry.Partition);
        if (work is WorkShare.Committer(var own)) partitions = partitions.Where(own.Contains);
        return new LaneDeal([.. partitions], flow.Plan.Parallelism) { IsInCommon = files.AreShared };
    }

    /// <summary>The ends of the partitions that opening has found. Not asked for their number again: a broker may lag behind.</summary>
    private async ValueTask<IReadOnlyDictionary<int, long>> EndsAsync(SourceLedger positions, CancellationToken abort)
    {
        int[] partitions = [.. positions.Partitions.Select(entry => entry.Partition)];
        var ranges = await source.RangesAsync(partitions, abort);
        return partitions.Zip(ranges).ToDictionary(pair => pair.First, pair => pair.Second.End);
    }

    private sealed class Taker(FlowSession session, FlowCommitter committer, LaneDeal deal) : ICheckpointTaker
    {
        public async ValueTask<IReadOnlyList<LaneCheckpoint>?> TakeAsync(IReadOnlyList<LaneCheckpoint> checkpoints, CheckpointCause cause, CancellationToken abort)
        {
            var isLast = cause != CheckpointCause.Interval;
            var staysOpen = !isLast || cause == CheckpointCause.TopicChanged;
            if (await committer.CommitAsync(checkpoints, deal.Partitions.ToHashSet(), staysOpen, mayFill: !isLast, abort) is not { } taken) return null;
            foreach (var other in taken.Skip(checkpoints.Count)) session.NoteTaken(other);
            session.NoteCommitted(committer.Source);
            return taken;
        }

        public ValueTask<bool> MustReopenAsync(IReadOnlyList<LaneCheckpoint> taken, CancellationToken abort) => ValueTask.FromResult(committer.TableHasChanged);
    }
}
