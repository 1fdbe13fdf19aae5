using System.Collections.Immutable;
using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Opening;
using Matih.Delivery.Running;
using Matih.Delivery.Staging;
using Matih.Delivery.Topics;
using Matih.Iceberg.Catalogs;
using Matih.Planning;
using Matih.Sql.Syntax;
using Matih.Telemetry;

namespace Matih.Delivery.Members;

/// <summary>One session of a member that does not commit: reads its partitions and stages what it made of them at every checkpoint.</summary>
internal sealed class StagingSession(FlowPlan plan, FlowParts parts, EngineEnvironment environment, Guid run)
{
    /// <summary>Ranges that may wait for the committer before a reader stops to add more: it may be gone for long, and the disk is finite.</summary>
    private const int WaitingRangesMax = 64;

    private readonly StagingOpening _opening = new(plan, parts, environment);
    private readonly HoleCheck _holes = new(plan, parts);

    public async Task<SessionEnd> RunAsync(
        RunMode mode, RunHistory history, WorkShare.Reader work, ShareWatch watch, CancellationToken stop, CancellationToken abort)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(stop, abort, watch.Changed);
        OpenedFlow opened;
        try
        {
            opened = await _opening.OpenAsync(work.Partitions, waiting.Token);
        }
        catch (OperationCanceledException) when (waiting.IsCancellationRequested && !abort.IsCancellationRequested)
        {
            return stop.IsCancellationRequested ? SessionEnd.Finished : SessionEnd.Reopen; // Nothing was read yet.
        }
        parts.Progress.NoteOpened(opened.Ledger.WrittenAtMillis, opened.Table.Metadata.CurrentSnapshotId?.Value);
        ImmutableArray<int> partitions = [.. work.Partitions.Where(partition => opened.Source.Find(partition) is not null)];
        var area = new StagingArea(parts.Store, opened.Table, StagingKey.Of(plan, opened));
        var limit = RecordLimit.None();

        // A lane to each partition, because a staged range and its files are of one partition.
        await using var session = await FlowSession.StartAsync(plan, parts, environment, opened, new LaneDeal(partitions, partitions.Length), limit, history.NextAssignment(), watch, abort);
        var finish = new FinishCondition(mode, limit, session, environment.Clock, history.StartedAt, null);
        while (true)
        {
            parts.Progress.NoteState(FlowState.Reading, environment.Clock.GetTimestamp());
            var cause = await session.WaitForCheckpointAsync(mode, finish, stop, abort);
            parts.Progress.NoteState(FlowState.Committing, environment.Clock.GetTimestamp());
            var isLast = cause != CheckpointCause.Interval;
            var checkpoints = await session.SealAsync(isLast, abort);
            await _holes.RequireRealAsync(checkpoints, abort);
            foreach (var checkpoint in checkpoints) await StageAsync(area, checkpoint, abort);
            parts.Progress.NoteSettled(checkpoints.Sum(checkpoint => checkpoint.Books.RecordCount));
            history.NoteProgress();
            parts.Fields.Judge(isEnd: cause is CheckpointCause.Finished or CheckpointCause.Stopped);
            parts.Progress.NoteFailures(0);
            if (checkpoints.Select(checkpoint => checkpoint.Rejected).FirstOrDefault(found => found is not null) is { } rejected) throw rejected.ToException(plan.Topic);
            if (isLast) return cause is CheckpointCause.TopicChanged or CheckpointCause.ShareChanged ? SessionEnd.Reopen : SessionEnd.Finished;

            if (await MustReopenAsync(session, opened, partitions, work, checkpoints, abort)) return SessionEnd.Reopen;
            limit.IsSuspended = await IsFarAheadAsync(area, partitions, abort);
        }
    }

    private async ValueTask StageAsync(StagingArea area, LaneCheckpoint checkpoint, CancellationToken abort)
    {
        if (!checkpoint.HasMoved) return;
        var entry = checkpoint.Partitions.Single().Entry;
        var range = new StagedRange(entry, checkpoint.Books, checkpoint.Files, run, environment.Clock.GetUtcNow().ToUnixTimeMilliseconds()) { Skipped = checkpoint.Skipped };
        if (await area.StageAsync(range, abort))
        {
            parts.Progress.NoteStaged(checkpoint.Books.RecordCount, range.Files.Length, range.Bytes, environment.Clock.GetUtcNow());
            parts.Log.Information("staged",
                $"Flow {plan.Name}: staged offsets {entry.FromOffset} to {entry.NextOffset - 1} of partition {entry.Partition}: {Quantity.Of(checkpoint.Books.AddedRowCount, "row")} of {Quantity.Of(entry.RecordCount, "record")} in {Quantity.Of(range.Files.Length, "file")} ({Quantity.Bytes(range.Bytes)}).",
                ("flow", plan.Name.ToString()), ("partition", entry.Partition), ("from", entry.FromOffset), ("to", entry.NextOffset),
                ("rows", checkpoint.Books.AddedRowCount), ("records", entry.RecordCount), ("files", range.Files.Length), ("bytes", range.Bytes));
            return;
        }
        parts.Log.Information("staged-before",
            $"Flow {plan.Name}: another member has staged offsets {entry.FromOffset} to {entry.NextOffset - 1} of partition {entry.Partition}; its files count.",
            ("partition", entry.Partition), ("from", entry.FromOffset), ("to", entry.NextOffset));
        foreach (var file in range.Files) await parts.Store.DeleteAsync(file.Path, abort);
    }

    /// <summary>Whether what this session does is still wanted: the same table, schema and generation, and nobody is ahead of it.</summary>
    private async ValueTask<bool> MustReopenAsync(
        FlowSession session, OpenedFlow opened, ImmutableArray<int> partitions, WorkShare.Reader work, IReadOnlyList<LaneCheckpoint> checkpoints, CancellationToken abort)
    {
        if (await _opening.LookAsync(abort) is not { } seen) return true;
        parts.Progress.NoteSeen(seen.Ledger.WrittenAtMillis, seen.Table.Metadata.CurrentSnapshotId?.Value);
        if (seen.Ledger.TableUuid != opened.Ledger.TableUuid || seen.Ledger.Generation != opened.Ledger.Generation || !opened.Binding.Fits(seen.Table)) return true;
        if (seen.Ledger.FindSource(plan.SourceName) is not { } source) return true;
        session.NoteCommitted(source);
        if (work.Partitions.Any(partition => !partitions.Contains(partition) && source.Find(partition) is not null)) return true;
        return checkpoints.SelectMany(checkpoint => checkpoint.Partitions).Any(stretch => source.Find(stretch.Entry.Partition)?.NextOffset > stretch.Entry.NextOffset);
    }

    private async ValueTask<bool> IsFarAheadAsync(StagingArea area, ImmutableArray<int> partitions, CancellationToken abort)
    {
        var waiting = (await area.ListAsync(abort)).Where(name => partitions.Contains(name.Partition)).CountBy(name => name.Partition).ToList();
        if (waiting.All(partition => partition.Value < WaitingRangesMax)) return false;
        parts.Log.Warning("committer-behind",
            $"Flow {plan.Name}: {waiting.Max(partition => partition.Value)} staged ranges of a partition wait to be committed; reading pauses until the committing member has caught up.");
        return true;
    }
}
