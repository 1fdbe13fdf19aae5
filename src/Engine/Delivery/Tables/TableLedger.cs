using System.Collections.Immutable;
using System.Diagnostics;
using Matih.Delivery.Ledgers;
using Matih.Planning;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Delivery.Tables;

/// <summary>What one commit brings: its ledger, and the data files prepared for it (none for a ledger alone).</summary>
/// <param name="PreparedAt">When the first of its files was begun.</param>
/// <param name="Binding">What its files were written for; null for a ledger alone.</param>
internal sealed record PreparedCommit(Ledger Ledger, ITableChange Change, DateTimeOffset PreparedAt, TableBinding? Binding = null);

/// <summary>
/// The one way into the table: every commit is a compare-and-set of the flow's ledger. docs/delivery.md, "Checkpoint and commit".
/// </summary>
/// <remarks>
/// All attempts of a commit share its commit id and snapshot id. After anything but a plain success the table is read first:
/// where its lineage holds the id, the commit stands. Absent is not failed, so the next attempt carries the same id; an
/// attempt that lands late finds another parent and is refused by the catalog.
/// </remarks>
internal sealed class TableLedger(FlowContext flow, IFlowTable flowTable, IStore store)
{
    /// <summary>A batch that waited longer may name files that somebody's orphan removal has taken (docs/delivery.md, "Clocks and ages").</summary>
    public static readonly TimeSpan PreparedAgeMax = TimeSpan.FromHours(12);

    private readonly LedgerStorage _storage = new(store, flow.Plan.Table.Identifier);
    private LedgerLineage Lineage => field ??= new LedgerLineage(flow.Name, _storage);

    public IFlowTable Table => flowTable;

    public ValueTask<ITableVersion?> LoadAsync(CancellationToken cancellationToken) => flowTable.LoadAsync(cancellationToken);

    public ValueTask<InheritedLedgers> ReadAsync(ITableVersion table, CancellationToken cancellationToken) => Lineage.ReadAsync(table, cancellationToken);

    public ValueTask<Ledger?> ReadTagAsync(ITableVersion table, CancellationToken cancellationToken) => Lineage.ReadTagAsync(table, cancellationToken);

    public Ledger? ReadHeadOfTag(ITableVersion table) => Lineage.ReadHeadOfTag(table);

    public bool HasTagText(ITableVersion table) => Lineage.HasTagText(table);

    public Ledger? ReadGivenOut(ITableVersion table) => Lineage.ReadGivenOut(table);

    /// <summary>Whether a commit of that flow was applied again above its ledger, or one of ours anywhere, so that we cannot continue from it; null where none was.</summary>
    public async ValueTask<(FlowName Flow, LineageFinding.Reapplied Finding)?> FindReappliedAsync(ITableVersion table, FlowName adopted, CancellationToken cancellationToken)
    {
        if ((await new LedgerLineage(adopted, _storage).ReadAsync(table, cancellationToken)).Finding is LineageFinding.Reapplied theirs) return (adopted, theirs);
        return await Lineage.FindAnyReappliedAsync(table, cancellationToken) is { } ours ? (flow.Name, ours) : null;
    }

    /// <summary>The ledger in a property's text, of whatever flow.</summary>
    public ValueTask<Ledger> ReadTextAsync(string property, CancellationToken cancellationToken) => _storage.ReadAsync(property, cancellationToken);

    /// <summary>Whether the table is another one than that which was loaded, so that files of the latter may be gone for good reasons.</summary>
    public async ValueTask<bool> HasMovedAsync(ITableVersion seen, CancellationToken cancellationToken) =>
        (await LoadAsync(cancellationToken))?.Head?.Id != seen.Head?.Id;

    /// <summary>Commits, however many attempts it takes within the table's <c>commit.retry.*</c>.</summary>
    /// <param name="commit">What to commit; its ledger names the base that the table must still hold.</param>
    /// <param name="answer">For opening commits, which a person's answer allows to stand on a base that the lineage does not show.</param>
    /// <param name="cancellationToken">Gives up between attempts; the commit may stand all the same.</param>
    public ValueTask<CommitOutcome> CommitAsync(PreparedCommit commit, LedgerOverride? answer, CancellationToken cancellationToken) => FlowTrace.RunAsync("matih.commit", flow.Name, async span =>
    {
        span?.SetTag("matih.commit.id", commit.Ledger.Commit.ToString()).SetTag("matih.snapshot.id", commit.Change.SnapshotId.ToString()).SetTag("matih.table", flow.Plan.Table.Identifier.ToString());
        var outcome = await CommitAsync(commit, answer, span, cancellationToken);
        span?.SetTag("matih.commit.outcome", outcome.GetType().Name);
        return outcome;
    });

    private async ValueTask<CommitOutcome> CommitAsync(PreparedCommit commit, LedgerOverride? answer, Activity? span, CancellationToken cancellationToken)
    {
        var startedAt = flow.Clock.GetTimestamp();
        var attempts = new List<IChangeAttempt>();
        for (var attempt = 0; ; attempt++)
        {
            flow.Progress.NoteBeat(flow.Clock.GetTimestamp());
            var table = await LoadAsync(cancellationToken) ?? throw TableGone();
            if (table.TableUuid != commit.Ledger.TableUuid) throw TableReplaced(table, commit.Ledger.TableUuid);

            var reading = await Lineage.ReadAsync(table, cancellationToken);
            if (reading.Finding is LineageFinding.Found found)
            {
                if (found.Ledger.Commit == commit.Ledger.Commit) return await CommittedAsync(table, commit, attempts, cancellationToken);
            }
            if (await HasLandedAsync(table, commit, attempts, cancellationToken)) return await CommittedAsync(table, commit, attempts, cancellationToken);
            if (Refuse(reading, commit.Ledger, answer) is { } refused) return refused;
            if (answer?.Adopts is { } adopted && await FindReappliedAsync(table, adopted.Flow, cancellationToken) is var (owner, again))
                return new CommitOutcome.Rebased($"Snapshot {again.SnapshotId} re-applies {again.Source} of {owner}, above the ledger of {adopted.Flow} which is to be taken over.");
            if (answer?.Head is { } proven && table.Head?.Id != proven)
                return new CommitOutcome.Rebased($"Table {flow.Plan.Table.Identifier} has another snapshot than the one that was looked at, {proven}.");
            // An attempt whose answer was lost did land, and the table was rolled back past it since: its snapshot id is used up.
            if (table.Find(commit.Change.SnapshotId) is not null)
                return new CommitOutcome.Rebased($"Commit {commit.Ledger.Commit} got into the table, which was then rolled back past it.");
            if (commit.Binding?.FindChange(table) is { } change)
                return new CommitOutcome.Rebased($"The batch was written for table {flow.Plan.Table.Identifier} as it was before: {change}.");

            AttemptResult result;
            try
            {
                // Where the files are no longer as they were, somebody committed since, and no earlier attempt can land any more.
                var tried = await BuildAsync(table, commit, reading, answer, cancellationToken);
                if (tried is ChangeBuild.Refused(var fault)) return new CommitOutcome.FilesChanged(fault);
                var built = ((ChangeBuild.Ready)tried).Attempt;
                attempts.Add(built);
                // Looked at last, because a machine can fall asleep at every step before.
                if (flow.Clock.GetUtcNow() - commit.PreparedAt > PreparedAgeMax)
                    return new CommitOutcome.Rebased($"The batch was prepared at {commit.PreparedAt:O}, more than {PreparedAgeMax.TotalHours:0} hours ago.");
                flow.Progress.Metrics.Count(Instruments.CommitAttempts);
                result = await built.CommitAsync(cancellationToken);
            }
            catch (InvalidTableException missing)
            {
                if (!await HasMovedAsync(table, cancellationToken)) throw;
                result = new AttemptResult.Conflict($"another writer committed, and removed what the commit before it was made of, while this attempt was built ({missing.Message})");
            }
            span?.AddEvent(new ActivityEvent("attempt", flow.Clock.GetUtcNow(), new() { ["number"] = attempt + 1, ["result"] = result.GetType().Name }));
            switch (result)
            {
                case AttemptResult.Committed committed:
                    return await CommittedAsync(committed.Table, commit, attempts, cancellationToken);
                case AttemptResult.Conflict conflict:
                    flow.Progress.Metrics.Count(Instruments.CommitConflicts);
                    flow.Log.Debug("commit-conflict", $"Attempt {attempt + 1} of commit {commit.Ledger.Commit} of {flow.Name}: {conflict.Reason}");
                    break;
                case AttemptResult.Unknown unknown:
                    flow.Progress.Metrics.Count(Instruments.CommitsUnconfirmed);
                    flow.Log.Warning("commit-unknown", $"Attempt {attempt + 1} of commit {commit.Ledger.Commit} of {flow.Name} was not confirmed ({unknown.Cause.Message}); the table is read back.");
                    break;
            }
            await BackOffAsync(table, attempt, startedAt, commit, result, cancellationToken);
        }
    }

    /// <summary>
    /// Whether an earlier attempt is part of the table although a later commit of the flow, by another writer, stands on it.
    /// Whoever commits after an attempt stands above the snapshot that the attempt was built on, so the search ends there.
    /// </summary>
    private static async ValueTask<bool> HasLandedAsync(ITableVersion table, PreparedCommit commit, List<IChangeAttempt> attempts, CancellationToken cancellationToken)
    {
        if (attempts.Count == 0) return false;
        await foreach (var step in table.WalkAsync(cancellationToken))
        {
            if (step is not HistoryStep.Found { Snapshot.Id: var id }) return false;
            if (id == commit.Change.SnapshotId) return true;
            if (id == attempts[0].ParentId) return false;
        }
        return false;
    }

    private static CommitOutcome? Refuse(InheritedLedgers reading, Ledger ours, LedgerOverride? answer)
    {
        if (answer is not null && answer.Accepts(reading.Finding)) return answer.Adopts is { } adopted ? RefuseAdoption(reading, adopted) : null;
        switch (reading.Finding)
        {
            case LineageFinding.Found { Ledger: var theirs, RollbackSeen: true } when ours.Base == theirs.Commit && ours.Generation == theirs.Generation:
                // Another run's commits stood above it, with an epoch and perhaps ranges that must not fit again: the flow is opened again.
                return new CommitOutcome.Rebased($"The table was rolled back past commits above {ours.Base}, which this batch stands on.");
            case LineageFinding.Found { Ledger: var theirs }:
                if (ours.Base == theirs.Commit) return null;
                if (theirs.Run != ours.Run && theirs.Epoch.CompareTo(ours.Epoch) >= 0) return new CommitOutcome.Superseded(theirs);
                return new CommitOutcome.Rebased($"The table's ledger is commit {theirs.Commit}, not {ours.Base?.ToString() ?? "none"} that this batch stands on (the table was rolled back, or another writer committed).");
            case LineageFinding.TakenOver(var taker):
                return new CommitOutcome.TakenOver(taker);
            case LineageFinding.Absent:
                return ours.Base is null ? null : new CommitOutcome.Rebased($"The table no longer holds commit {ours.Base}, which this batch stands on.");
            default:
                return new CommitOutcome.Rebased("The table's history no longer shows the ledger that this batch stands on.");
        }
    }

    /// <summary>Who takes a ledger over stands on that very ledger: its flow must not have committed since, and nobody else have taken it.</summary>
    private static CommitOutcome? RefuseAdoption(InheritedLedgers reading, AdoptedLedger adopted)
    {
        var now = reading.Others.TryGetValue(LedgerKeys.Property(adopted.Flow), out var text) ? LedgerFormat.TryReadCommit(text) : null;
        if (now == adopted.Commit) return null;
        return new CommitOutcome.Rebased($"The ledger of {adopted.Flow}, which is to be taken over, is {(now is null ? "no longer there" : $"commit {now} now")}; it was commit {adopted.Commit}.");
    }

    private async ValueTask<ChangeBuild> BuildAsync(
        ITableVersion table, PreparedCommit commit, InheritedLedgers reading, LedgerOverride? answer, CancellationToken cancellationToken)
    {
        var summary = reading.Others.ToBuilder();
        foreach (var (name, value) in flow.Plan.Table.SnapshotProperties) summary[name] = value;
        // This flow's answer proves nothing about the others: their ledgers may lie below the snapshot that has expired.
        if (reading.Finding is LineageFinding.Unproven { MissingSnapshotId: var missing }) summary[LedgerKeys.Unproven] = missing.ToString();
        ImmutableArray<string> removedTags = [];
        if (answer?.Adopts is { Flow: var adopted })
        {
            summary.Remove(LedgerKeys.Property(adopted));
            summary[LedgerKeys.Adopted] = adopted.ToString();
            summary[LedgerKeys.TakenOver(adopted)] = flow.Name.ToString();
            if (LedgerLineage.HasOwnTag(table, adopted)) removedTags = [LedgerKeys.Tag(adopted)];
        }
        summary[LedgerKeys.Property(flow.Name)] = await _storage.WriteAsync(commit.Ledger, table, cancellationToken);
        summary[LedgerKeys.Writer] = flow.Name.ToString();
        var terms = new ChangeTerms(summary.ToImmutable(), LedgerKeys.Tag(flow.Name), removedTags, KeepsShape: commit.Binding is not null, flow.Clock.GetUtcNow());
        return await commit.Change.BuildAsync(table, terms, cancellationToken);
    }

    /// <summary>The commit's fate is settled, so what only its lost attempts refer to can go; a failure to delete is harmless.</summary>
    private async ValueTask<CommitOutcome> CommittedAsync(ITableVersion table, PreparedCommit commit, List<IChangeAttempt> attempts, CancellationToken cancellationToken)
    {
        var winner = attempts.FirstOrDefault(attempt => attempt.StandsIn(table));
        if (winner is null) return new CommitOutcome.Committed(table, commit.Ledger);
        foreach (var location in attempts.Where(attempt => attempt != winner).SelectMany(attempt => attempt.WrittenLocations).Except(winner.WrittenLocations).Concat(winner.UnusedLocations))
        {
            try
            {
                await store.DeleteAsync(location, cancellationToken);
            }
            catch (IOException e)
            {
                flow.Log.Debug("cleanup-failed", $"{location}, which no snapshot needs, could not be deleted: {e.Message}");
            }
        }
        return new CommitOutcome.Committed(table, commit.Ledger);
    }

    private async ValueTask BackOffAsync(ITableVersion table, int attempt, long startedAt, PreparedCommit commit, AttemptResult last, CancellationToken cancellationToken)
    {
        var retry = table.CommitRetry;
        var elapsed = flow.Clock.GetElapsedTime(startedAt);
        if (!flow.WaitsInside || attempt >= retry.CountMax || elapsed >= retry.TotalMax)
        {
            var reason = last switch { AttemptResult.Conflict conflict => conflict.Reason, AttemptResult.Unknown unknown => $"not confirmed ({unknown.Cause.Message})", _ => last.ToString() };
            throw new PipelineException(FailureKind.Catalog,
                $"Commit {commit.Ledger.Commit} of {flow.Name} to table {flow.Plan.Table.Identifier} did not get through in {Quantity.Of(attempt + 1, "attempt")} and {elapsed.TotalSeconds:N0} s; the last one: {reason.TrimEnd('.')}.",
                "Check the catalog and its store. If other writers commit all the time, raise commit.retry.num-retries in the table's properties. The next attempt reads the table to learn what stands.",
                (last as AttemptResult.Unknown)?.Cause);
        }
        var wait = Math.Min(retry.WaitMax.TotalMilliseconds, retry.WaitMin.TotalMilliseconds * Math.Pow(2, attempt)) * (0.5 + flow.NextJitter());
        await Task.Delay(TimeSpan.FromMilliseconds(wait), flow.Clock, cancellationToken);
    }

    public PipelineException TableGone() => PipelineException.Refused(
        $"Table {flow.Plan.Table.Identifier} is gone: it was dropped or renamed under the running pipeline {flow.Name}.", "Find out who did that. Under its new name the sink continues; a new start with --reset creates a new table.");

    public PipelineException TableReplaced(ITableVersion table, string expected) => PipelineException.Refused(
        $"Table {flow.Plan.Table.Identifier} has UUID {table.TableUuid}, and had {expected} when the pipeline {flow.Name} opened it: it was dropped and created again.",
        "Find out who replaced it; start over with --reset if the new table is the right one.");
}

/// <summary>A person's answer that lets an opening commit stand where the lineage alone would not.</summary>
/// <param name="Accepts">Which findings it covers.</param>
/// <param name="Adopts">The ledger that is taken over, and that no later commit copies forward.</param>
/// <param name="Head">The only state of the table that the commit may stand on, because it was proven for that one; null for any.</param>
internal sealed record LedgerOverride(Func<LineageFinding, bool> Accepts, AdoptedLedger? Adopts = null, SnapshotId? Head = null);

/// <summary>A ledger of another flow, as it was when somebody decided to take it over.</summary>
internal sealed record AdoptedLedger(FlowName Flow, CommitId Commit);
