using System.Collections.Immutable;
using Matih.Delivery.Lanes;
using Matih.Delivery.Members;
using Matih.Delivery.Opening;
using Matih.Delivery.Staging;
using Matih.Delivery.Topics;
using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Delivery.Running;

/// <summary>One session of a member that does not commit: reads its partitions and stages what it made of them at every checkpoint.</summary>
/// <param name="lanesFor">The lanes of the flow as it was opened.</param>
/// <param name="stagingFor">Where ranges are staged for the flow as it was opened.</param>
internal sealed class StagingSession(
    FlowContext flow, IRecordSource source, StagingOpening opening, Func<OpenedFlow, FlowLanes> lanesFor, Func<OpenedFlow, RangeStaging> stagingFor, FieldCheck fields)
{
    public async Task<SessionEnd> RunAsync(
        RunMode mode, RunHistory history, WorkShare.Reader work, ShareWatch watch, CancellationToken stop, CancellationToken abort)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(stop, abort, watch.Changed);
        OpenedFlow opened;
        try
        {
            opened = await opening.OpenAsync(work.Partitions, waiting.Token);
        }
        catch (OperationCanceledException) when (waiting.IsCancellationRequested && !abort.IsCancellationRequested)
        {
            return stop.IsCancellationRequested ? SessionEnd.Finished : SessionEnd.Reopen; // Nothing was read yet.
        }
        flow.Progress.NoteOpened(opened.Ledger.WrittenAtMillis, opened.Table.Head?.Id.Value);
        flow.Progress.NoteNewestCommitted(opened.Source.NewestTimestampMillis);
        ImmutableArray<int> partitions = [.. work.Partitions.Where(partition => opened.Source.Find(partition) is not null)];
        var limit = RecordLimit.None();

        // A lane to each partition, because a staged range and its files are of one partition.
        await using var session = await FlowSession.StartAsync(
            flow, source, lanesFor(opened), opened.Source, new LaneDeal(partitions, partitions.Length), limit, history.NextAssignment(), watch, abort);
        var finish = new FinishCondition(mode, limit, session, flow.Clock, history.StartedAt, null);
        var taker = new Taker(flow, session, opening, opened, stagingFor(opened), partitions, work, limit);
        return await new CheckpointLoop(flow, mode, history, fields).RunAsync(session, finish, taker, stop, abort);
    }

    private sealed class Taker(
        FlowContext flow, FlowSession session, StagingOpening opening, OpenedFlow opened, RangeStaging staging, ImmutableArray<int> partitions, WorkShare.Reader work, RecordLimit limit)
        : ICheckpointTaker
    {
        /// <summary>Ranges that may wait for the committer before a reader stops to add more: it may be gone for long, and the disk is finite.</summary>
        private const int WaitingRangesMax = 64;

        public async ValueTask<IReadOnlyList<LaneCheckpoint>?> TakeAsync(IReadOnlyList<LaneCheckpoint> checkpoints, CheckpointCause cause, CancellationToken abort)
        {
            await staging.StageAsync(checkpoints, abort);
            flow.Progress.NoteSettled(checkpoints.Sum(checkpoint => checkpoint.Books.RecordCount));
            return checkpoints;
        }

        public async ValueTask<bool> MustReopenAsync(IReadOnlyList<LaneCheckpoint> taken, CancellationToken abort)
        {
            if (await IsOutdatedAsync(taken, abort)) return true;
            limit.IsSuspended = await IsFarAheadAsync(abort);
            return false;
        }

        /// <summary>Whether what this session does is no longer wanted: another table, schema or generation, or somebody is ahead of it.</summary>
        private async ValueTask<bool> IsOutdatedAsync(IReadOnlyList<LaneCheckpoint> taken, CancellationToken abort)
        {
            if (await opening.LookAsync(abort) is not { } seen) return true;
            flow.Progress.NoteSeen(seen.Ledger.WrittenAtMillis, seen.Table.Head?.Id.Value);
            if (seen.Ledger.TableUuid != opened.Ledger.TableUuid || seen.Ledger.Generation != opened.Ledger.Generation || !opened.Binding.Fits(seen.Table)) return true;
            if (seen.Ledger.FindSource(flow.Plan.SourceName) is not { } committed) return true;
            flow.Progress.NoteNewestCommitted(committed.NewestTimestampMillis);
            session.NoteCommitted(committed);
            if (work.Partitions.Any(partition => !partitions.Contains(partition) && committed.Find(partition) is not null)) return true;
            return taken.SelectMany(checkpoint => checkpoint.Partitions).Any(stretch => committed.Find(stretch.Entry.Partition)?.NextOffset > stretch.Entry.NextOffset);
        }

        private async ValueTask<bool> IsFarAheadAsync(CancellationToken abort)
        {
            var waiting = (await staging.ListAsync(abort)).Where(name => partitions.Contains(name.Partition)).CountBy(name => name.Partition).ToList();
            if (waiting.All(partition => partition.Value < WaitingRangesMax)) return false;
            flow.Log.Warning("committer-behind",
                $"Flow {flow.Name}: {waiting.Max(partition => partition.Value)} staged ranges of a partition wait to be committed; reading pauses until the committing member has caught up.");
            return true;
        }
    }
}
