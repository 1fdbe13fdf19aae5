using Matih.Delivery.Lanes;
using Matih.Delivery.Topics;
using Matih.Telemetry;

namespace Matih.Delivery.Running;

/// <summary>What a session does with the checkpoints of its lanes: it commits them, or stages them for another process that commits.</summary>
internal interface ICheckpointTaker
{
    /// <summary>Takes what the lanes did since the last checkpoint.</summary>
    /// <returns>All that stands now, of other readers too; null where it was dropped, and the session must begin again.</returns>
    ValueTask<IReadOnlyList<LaneCheckpoint>?> TakeAsync(IReadOnlyList<LaneCheckpoint> checkpoints, CheckpointCause cause, CancellationToken abort);

    /// <summary>Whether the session must begin again although what it took stands. Not asked after the last checkpoint.</summary>
    ValueTask<bool> MustReopenAsync(IReadOnlyList<LaneCheckpoint> taken, CancellationToken abort);
}

/// <summary>The loop of a session: waits until a checkpoint is due, takes what the lanes did, and so on until the last one.</summary>
internal sealed class CheckpointLoop(FlowContext flow, RunMode mode, RunHistory history, FieldCheck fields)
{
    public async Task<SessionEnd> RunAsync(FlowSession session, FinishCondition finish, ICheckpointTaker taker, CancellationToken stop, CancellationToken abort)
    {
        while (true)
        {
            flow.Enter(FlowState.Reading);
            var cause = await session.WaitForCheckpointAsync(mode, finish, stop, abort);
            if (cause == CheckpointCause.Finished) WarnOfUnread(finish);
            flow.Enter(FlowState.Committing);
            var isLast = cause != CheckpointCause.Interval;
            if (await TakeAsync(session, taker, cause, isLast, abort) is not { } taken) return SessionEnd.Reopen;
            history.NoteProgress();
            fields.Judge(isEnd: cause is CheckpointCause.Finished or CheckpointCause.Stopped);
            flow.Progress.NoteFailures(0);
            if (taken.Select(checkpoint => checkpoint.Rejected).FirstOrDefault(found => found is not null) is { } rejected) throw rejected.ToException(flow.Plan.Topic);
            if (isLast) return cause is CheckpointCause.TopicChanged or CheckpointCause.ShareChanged ? SessionEnd.Reopen : SessionEnd.Finished;
            if (await taker.MustReopenAsync(taken, abort)) return SessionEnd.Reopen;
        }
    }

    private async ValueTask<IReadOnlyList<LaneCheckpoint>?> TakeAsync(FlowSession session, ICheckpointTaker taker, CheckpointCause cause, bool isLast, CancellationToken abort)
    {
        var beganAt = flow.Clock.GetTimestamp();
        var taken = await FlowTrace.RunAsync("matih.checkpoint", flow.Name, async span =>
        {
            span?.SetTag("matih.checkpoint.cause", cause.ToString());
            return await taker.TakeAsync(await session.SealAsync(isLast, abort), cause, abort);
        });
        flow.Progress.Metrics.Time(Instruments.CheckpointDuration, flow.Clock.GetElapsedTime(beganAt));
        return taken;
    }

    private void WarnOfUnread(FinishCondition finish)
    {
        int[] partitions = [.. finish.GivenUp.Order()];
        if (partitions.Length == 0) return;
        flow.Log.Warning("partitions-unread",
            $"Flow {flow.Name}: this micro-batch ends although {Quantity.Of(partitions.Length, "partition")} of topic '{flow.Plan.Topic}' {(partitions.Length == 1 ? "was" : "were")} not read to the end and gave nothing for over a minute: {string.Join(", ", partitions.Take(8))}{(partitions.Length > 8 ? ", …" : "")}. Check the brokers that lead them; the next run continues from the table's ledger.",
            ("flow", flow.Name.ToString()), ("partitions", string.Join(',', partitions)));
    }
}
