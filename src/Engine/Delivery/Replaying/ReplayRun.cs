using System.Collections.Immutable;
using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Opening;
using Matih.Delivery.Skipping;
using Matih.Delivery.Tables;
using Matih.Delivery.Topics;
using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Delivery.Replaying;

/// <summary>
/// Replays whole commits of a flow: reads their ranges again and, in one table commit, takes their files out and adds the new
/// ones. The positions stay; the generation rises, so that ranges staged before are void, and so does the epoch, so that a
/// running writer is superseded. Before that commit nothing in the table is touched.
/// </summary>
internal sealed class ReplayRun(FlowContext flow, IRecordSource source, TableLedger ledgers, Func<OpenedFlow, FlowLanes> lanesFor, FieldCheck fields, WriterIdentity writer)
{
    /// <summary>A running writer may commit just before each try; so often in a row it has to be stopped first.</summary>
    private const int TryCountMax = 20;

    /// <exception cref="PipelineException">The commits cannot be replayed; nothing was changed.</exception>
    public async Task<ReplayReport> RunAsync(ReplayRequest request, CancellationToken cancellationToken) => await FlowTrace.RunAsync("matih.replay", flow.Name, async span =>
    {
        span?.SetTag("matih.replay.from", request.From.ToString());
        var report = await ReplayAsync(request, cancellationToken);
        span?.SetTag("matih.commit.id", report.Commit.ToString()).SetTag("matih.snapshot.id", report.SnapshotId.ToString());
        return report;
    });

    private async ValueTask<ReplayReport> ReplayAsync(ReplayRequest request, CancellationToken cancellationToken)
    {
        var (standing, chosen) = await LookAsync(request.From, request.To, cancellationToken);
        var to = request.To ?? standing.Ledger.Commit;
        standing.Table.RequireFit(flow.Plan.Table);
        foreach (var difference in standing.Table.FindDifferences(flow.Plan.Table)) flow.Log.Write(difference);
        await new ReplayTopicCheck(flow.Plan, source).RequireAllAsync(chosen.Selection, cancellationToken);
        if (!request.Confirm(new ReplayPreview(
            flow.Name, flow.Plan.Table.Identifier, [.. chosen.Selection.Commits.Select(commit => commit.Id)], chosen.Selection.Ranges, chosen.Selection.Replaced, standing.Ledger.IsOpen)))
        {
            throw PipelineException.Refused("The replay was not confirmed.", "Nothing was changed. Give --yes to replay without being asked.");
        }

        if (standing.Table.FindEvolution(flow.Plan.Table) is not null)
        {
            await TableEvolving.EvolveAsync(ledgers.Table, standing.Table, flow.Name, flow.Plan.Table, flow.Log, cancellationToken);
            (standing, var now) = await LookAsync(request.From, to, cancellationToken);
            chosen = Same(chosen, now);
        }
        var binding = standing.Table.Bind(flow.Plan.Table);
        var preparedAt = flow.Clock.GetUtcNow();
        var opened = new OpenedFlow(standing.Table, binding, standing.Ledger, standing.Ledger.Epoch, 0, standing.Ledger.Sources[0]);
        var checkpoints = await new ReplayReading(flow, source, lanesFor(opened)).ReadAsync(chosen.Selection.Ranges, chosen.Selection.Sources[^1], cancellationToken);
        fields.Judge(isEnd: true);
        for (var attempt = 1; ; attempt++)
        {
            if (!binding.Fits(standing.Table)) throw TableChanged();
            var ledger = Compose(standing.Ledger, chosen.Selection, checkpoints);
            var files = checkpoints.SelectMany(checkpoint => checkpoint.Files).ToImmutableArray();
            var change = await standing.Table.PrepareAsync(files, chosen.Removed, flow.Environment.Ids, cancellationToken);
            switch (await ledgers.CommitAsync(new PreparedCommit(ledger, change, preparedAt, binding), null, cancellationToken))
            {
                case CommitOutcome.Committed committed:
                    return Report(committed.Ledger, change.SnapshotId);
                case CommitOutcome.FilesChanged changed:
                    throw ReplayedFiles.Changed(standing.Table, changed.Fault);
                case var raced when attempt >= TryCountMax:
                    throw new PipelineException(FailureKind.Catalog, $"The replay of {flow.Name} was overtaken {Quantity.Of(attempt, "time")} by commits of a running writer{(raced is CommitOutcome.Rebased rebased ? $": {rebased.Reason}" : ".")}",
                        "Nothing was changed. Stop the running writer, or let it commit less often, and replay again.");
            }
            // Somebody committed on our base, so that nothing of the last try can land any more.
            await Task.Delay(TimeSpan.FromMilliseconds(20 + 200 * flow.NextJitter()), flow.Clock, cancellationToken);
            (standing, var moved) = await LookAsync(request.From, to, cancellationToken);
            chosen = Same(chosen, moved);
        }
    }

    /// <summary>Where the flow stands, and what is to be replayed: both of one state of the table, however often others expire snapshots meanwhile.</summary>
    private async ValueTask<(Standing Standing, Chosen Chosen)> LookAsync(CommitId from, CommitId? to, CancellationToken cancellationToken)
    {
        for (var look = 1; ; look++)
        {
            var standing = await StandAsync(cancellationToken);
            try
            {
                return (standing, await ChooseAsync(standing, from, to ?? standing.Ledger.Commit, cancellationToken));
            }
            catch (InvalidTableException) when (look < TryCountMax)
            {
                if (!await ledgers.HasMovedAsync(standing.Table, cancellationToken)) throw;
            }
        }
    }

    private async ValueTask<Standing> StandAsync(CancellationToken cancellationToken)
    {
        var table = await ledgers.LoadAsync(cancellationToken)
            ?? throw PipelineException.Refused($"Table {flow.Plan.Table.Identifier} does not exist, so {flow.Name} has no commits to replay.", "Check the definition's catalog and warehouse.");
        var reading = await ledgers.ReadAsync(table, cancellationToken);
        if (reading.Finding is not LineageFinding.Found found || found.Ledger.TableUuid != table.TableUuid)
        {
            throw PipelineException.Refused($"The history of table {flow.Plan.Table.Identifier} does not show where {flow.Name} stands in it, so its commits cannot be replayed.",
                "Start the pipeline with matih run, which says what is wrong and how to continue; then replay.");
        }
        if (found.Ledger.Flink is FlinkLedger.Given given) throw OpeningDecision.GivenToFlink(flow.Plan, flow.Name, given);
        return new Standing(table, found.RollbackSeen ? found.Ledger.NotBelow(ledgers.ReadGivenOut(table)) : found.Ledger);
    }

    private async ValueTask<Chosen> ChooseAsync(Standing standing, CommitId from, CommitId to, CancellationToken cancellationToken)
    {
        var history = await CommitHistory.ReadAsync(standing.Table, flow.Name, ledgers, from, cancellationToken);
        var selection = ReplaySelection.Choose(flow.Plan, history, from, to);
        return new Chosen(selection, await ReplayedFiles.FindAsync(standing.Table, flow.Name, selection.Commits, cancellationToken));
    }

    /// <summary>What was read again must be what the table as it now stands would have read again.</summary>
    private Chosen Same(Chosen read, Chosen now) => now.Selection.Ranges.AsSpan().SequenceEqual(read.Selection.Ranges.AsSpan()) && now.Removed.SetEquals(read.Removed)
        ? now
        : throw PipelineException.Refused($"The commits of {flow.Name} changed while they were read again: another replay came first.", "Nothing was changed. Look at the table, and replay again if it is still needed.");

    private Ledger Compose(Ledger standing, ReplaySelection selection, ImmutableArray<LaneCheckpoint> checkpoints)
    {
        var books = checkpoints.Aggregate(default(Books), (sum, checkpoint) => sum + checkpoint.Books);
        if (books.RecordCount != selection.Ranges.Sum(range => range.RecordCount))
            throw new InvalidOperationException($"The fates of {Quantity.Of(books.RecordCount, "record")} are known, but {Quantity.Count(selection.Ranges.Sum(range => range.RecordCount))} were read.");
        var skipped = SkippedRecords.Merge(checkpoints.Select(checkpoint => checkpoint.Skipped));
        var replay = new ReplayLedger([.. selection.Commits.Select(commit => commit.Id)], selection.Ranges, selection.Replaced);
        return LedgerTransitions.Replay(LedgerAuthor.Of(flow, writer), standing, flow.Plan.SourceName, replay, books, skipped);
    }

    private ReplayReport Report(Ledger ledger, SnapshotId snapshotId)
    {
        var replay = ledger.Replay!;
        flow.Log.Information("replayed",
            $"Flow {flow.Name}: replayed {Quantity.Of(replay.Commits.Length, "commit")}: {Quantity.Of(ledger.Books.AddedRowCount, "row")} of {Quantity.Of(ledger.Books.RecordCount, "record")} in {Quantity.Of(ledger.Books.AddedFileCount, "file")} took the place of {Quantity.Of(replay.Replaced.AddedRowCount, "row")} in {Quantity.Of(replay.Replaced.AddedFileCount, "file")} of {flow.Plan.Table.Identifier}, snapshot {snapshotId}.",
            ("flow", flow.Name.ToString()), ("snapshot", snapshotId), ("commit", ledger.Commit.ToString()), ("commits", replay.Commits.Length), ("records", ledger.Books.RecordCount),
            ("rows", ledger.Books.AddedRowCount), ("rows_before", replay.Replaced.AddedRowCount), ("skipped", ledger.Books.SkippedCount), ("epoch", ledger.Epoch.Value), ("generation", ledger.Generation));
        return new ReplayReport(ledger.Commit, snapshotId, replay.Replaced, ledger.Books);
    }

    private PipelineException TableChanged() => PipelineException.Refused(
        $"The schema or partitioning of table {flow.Plan.Table.Identifier} was changed while the commits were read again.", "Nothing was changed. Replay again: the files are then made for the table as it is now.");

    private sealed record Standing(ITableVersion Table, Ledger Ledger);

    private sealed record Chosen(ReplaySelection Selection, ImmutableHashSet<string> Removed);
}
