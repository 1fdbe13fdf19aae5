using System.Collections.Immutable;
using Matih.Definition;
using Matih.Delivery.Committing;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Topics;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Iceberg;
using Matih.Kafka;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Delivery.Opening;

/// <summary>A flow ready to read: the table, the ledger that the next commit stands on, and where the source's partitions stand.</summary>
internal sealed record OpenedFlow(Table Table, TableBinding Binding, Ledger Ledger, WriterEpoch Epoch, int TakeoverCount, SourceLedger Source);

/// <summary>What an attempt to open a flow gave.</summary>
internal abstract record OpeningStep
{
    private OpeningStep() { }

    public sealed record Opened(OpenedFlow Flow) : OpeningStep;

    /// <summary>Another writer may be alive: whoever opens waits, and then asks again with the watch as it is after that.</summary>
    public sealed record StandBy(TakeoverWatch Watch, TimeSpan LookAgainAfter) : OpeningStep;
}

/// <summary>
/// Start and resume: finds out from the table's own history where the flow stands, makes sure that Kafka still holds what
/// comes next, takes the ledger over from a writer that did not close it, and refuses where going on would lose or double.
/// </summary>
internal sealed class FlowOpening(
    FlowContext flow, ITopic topic, IGroupOffsets groupOffsets, TableLedger ledgers, FlowStarts starts, FlowGroup group, TakeoverPatience patience, WriterIdentity writer)
{
    private readonly TopicContinuity _continuity = new(topic, flow.Name, flow.Plan.OnLostOffsets, flow.Clock, flow.Log);
    private bool _hasProbedStore;

    /// <summary>The table that an earlier session of this run had opened: the flow never begins again in another one.</summary>
    private string? _tableUuid;

    /// <summary>The snapshots of opening commits of which this run has not learned whether they got into the table.</summary>
    private readonly HashSet<SnapshotId> _undecided = [];

    private readonly HashSet<string> _toldDifferences = [];

    /// <summary>Opens the flow, or says how long to stand by first. Never waits for another writer by itself.</summary>
    /// <param name="answers">A person's answers to earlier refusals.</param>
    /// <param name="watch">The watch over an open ledger so far; null at the first call.</param>
    public async ValueTask<OpeningStep> OpenAsync(OpenAnswers answers, TakeoverWatch? watch, CancellationToken abort)
    {
        while (true)
        {
            var table = await ledgers.LoadAsync(abort);
            if (table is null)
            {
                if (_tableUuid is not null) throw ledgers.TableGone();
                if (!answers.Reset && !await HasNoMarkAsync(null, abort)) continue;
                AdoptionChoice.RequireTable(flow.Plan, answers.Adopt);
                table = await TableCreation.CreateAsync(ledgers.Catalog, flow.Plan.Table, flow.Log, abort);
            }
            if (_tableUuid is { } opened && opened != table.Metadata.TableUuid) throw ledgers.TableReplaced(table, opened);
            var binding = TableBinding.Bind(flow.Plan.Table, table);
            TellDifferences(table);
            if (!_hasProbedStore) await StoreProbe.RequireConditionalWritesAsync(table, flow.Environment.Ids, abort);
            _hasProbedStore = true;
            var reading = await ledgers.ReadAsync(table, abort);
            if (await DecideAsync(table, reading, answers, abort) is not { } standing) continue;
            if (standing is LedgerStanding.Resume { Found: { } found } && found.IsOpen && found.Run != writer.Run && patience.Watch(found, watch) is { } watched)
                return new OpeningStep.StandBy(watched, TimeSpan.FromSeconds(1 + flow.NextJitter()));
            var commit = await ComposeAsync(table, standing, answers, abort);
            if (commit.Opening is null)
            {
                Report(commit, commit.Ledger);
                _tableUuid = table.Metadata.TableUuid;
                return new OpeningStep.Opened(new OpenedFlow(table, binding, commit.Ledger, commit.Epoch, commit.Ledger.TakeoverCount, commit.Ledger.FindSource(flow.Plan.SourceName)!));
            }

            var append = await PreparedChange.PrepareAsync(table, [], flow.Environment.Ids, abort);
            _undecided.Add(append.SnapshotId);
            var outcome = await ledgers.CommitAsync(new PreparedCommit(commit.Opening, append, flow.Clock.GetUtcNow()), commit.Override, abort);
            _undecided.Remove(append.SnapshotId);
            switch (outcome)
            {
                case CommitOutcome.Committed committed:
                    Report(commit, committed.Ledger);
                    flow.Progress.NoteLost(committed.Ledger.Books.LostCount);
                    _tableUuid = committed.Table.Metadata.TableUuid;
                    await group.StoreAsync(committed.Ledger.TableUuid, committed.Ledger.FindSource(flow.Plan.SourceName)!, abort);
                    // Somebody may have changed the table since it was loaded.
                    if (!binding.Fits(committed.Table)) binding = TableBinding.Bind(flow.Plan.Table, committed.Table);
                    return new OpeningStep.Opened(new OpenedFlow(committed.Table, binding, committed.Ledger, commit.Epoch, committed.Ledger.TakeoverCount, committed.Ledger.FindSource(flow.Plan.SourceName)!));
                case CommitOutcome.Superseded superseded:
                    throw superseded.ToException(flow.Name);
                default:
                    flow.Log.Information("opening-raced", $"Flow {flow.Name}: the table changed while it was being opened; looking again.");
                    break;
            }
        }
    }

    /// <summary>
    /// Finds out whether the flow would be opened, and changes nothing: no flow of a pipeline may create a table or write while
    /// another would be refused, because the warehouse is probably the wrong one then.
    /// </summary>
    /// <exception cref="PipelineException">Opening would refuse.</exception>
    public async ValueTask CheckAsync(OpenAnswers answers, CancellationToken abort)
    {
        while (true)
        {
            if (await ledgers.LoadAsync(abort) is not { } table)
            {
                if (!answers.Reset && !await HasNoMarkAsync(null, abort)) continue;
                AdoptionChoice.RequireTable(flow.Plan, answers.Adopt);
                TableCreation.RequireAllowed(ledgers.Catalog, flow.Plan.Table);
                return;
            }
            TableBinding.Bind(flow.Plan.Table, table);
            var standing = await DecideAsync(table, await ledgers.ReadAsync(table, abort), answers, abort);
            if (standing is null) continue;
            if (FoundBy(standing) is { } found && (await FollowRenameAsync(found, abort)).FindSource(flow.Plan.SourceName) is { } known) await _continuity.CheckAsync(known, abort);
            return;
        }
    }

    /// <summary>A run has many sessions, and says once what stays as it is.</summary>
    private void TellDifferences(Table table)
    {
        foreach (var difference in TableDifferences.Find(flow.Plan.Table, table))
            if (_toldDifferences.Add(difference.Message)) flow.Log.Write(difference);
    }

    private async ValueTask<bool> HasOpenedAsync(Table table, CancellationToken cancellationToken)
    {
        if (_undecided.Count == 0) return false;
        await foreach (var step in LineageReader.WalkAsync(table, cancellationToken))
        {
            if (step is not LineageStep.Found { Snapshot.Id: var id }) return false;
            if (_undecided.Contains(id)) return true;
        }
        return false;
    }

    private static Ledger? FoundBy(LedgerStanding standing) => standing switch
    {
        LedgerStanding.Resume resume => resume.Found,
        LedgerStanding.AcceptedTag accepted => accepted.Found,
        LedgerStanding.Adopt adopt => adopt.Found,
        _ => null,
    };

    /// <summary>Null where the table changed while it was looked at.</summary>
    private async ValueTask<LedgerStanding?> DecideAsync(
        Table table, LineageReading reading, OpenAnswers answers, CancellationToken cancellationToken)
    {
        // An earlier session of this run got its opening commit into the table, although it did not learn so: the answers are used up.
        // Another writer may have committed above that since.
        if (reading.Finding is LineageFinding.Found { Ledger: var nearestOwn } && nearestOwn.Run == writer.Run || await HasOpenedAsync(table, cancellationToken)) answers = OpenAnswers.None;
        if (reading.Finding is LineageFinding.Unreadable unreadable)
        {
            return answers.Reset
                ? new LedgerStanding.Reset(unreadable, LedgerFormat.ReadHead(unreadable.Text))
                : throw PipelineException.Refused(unreadable.Message, unreadable.Remedy);
        }
        // Generation, epoch and totals stand in the tagged snapshot itself, so that a lost side file is in nobody's way.
        var tagged = ledgers.ReadHeadOfTag(table);
        if (answers.Reset)
        {
            var old = reading.Finding is LineageFinding.Found { Ledger: var nearest } ? nearest.NotBelow(ledgers.ReadGivenOut(table)) : tagged;
            return new LedgerStanding.Reset(reading.Finding, old) { Taken = reading.Finding is LineageFinding.TakenOver ? LedgerLineage.HighestOf(reading.Others) : ledgers.ReadGivenOut(table) };
        }
        switch (reading.Finding)
        {
            case LineageFinding.Found found:
                if (answers.Start is not null)
                {
                    throw PipelineException.Refused($"--from {answers.Start} was given, but table {flow.Plan.Table.Identifier} already holds a ledger of {flow.Name} and resumes from it.",
                        "Leave --from out; to start over at another place use --reset together with --from.");
                }
                if (AdoptionChoice.NotTaken(flow.Plan, answers.Adopt, reading) is { } still)
                {
                    throw PipelineException.Refused(
                        $"--adopt {answers.Adopt} was given, but table {flow.Plan.Table.Identifier} already holds a ledger of {flow.Name} and resumes from it: the ledger of {still} is not taken over.",
                        $"To continue from the ledger of {flow.Name}, leave --adopt out. To take over that of {still}, give the pipeline a name of which the table holds no ledger.");
                }
                if (found.Ledger.TableUuid != table.Metadata.TableUuid)
                {
                    throw PipelineException.Refused(
                        $"Table {flow.Plan.Table.Identifier} (UUID {table.Metadata.TableUuid}) holds a ledger of {flow.Name} that was written to table {found.Ledger.TableUuid}: it is a copy of that table.",
                        "Point the pipeline at the original table, or start over on the copy with --reset.");
                }
                return new LedgerStanding.Resume(found.RollbackSeen ? found.Ledger.NotBelow(ledgers.ReadGivenOut(table)) : found.Ledger, found.RollbackSeen);
            case LineageFinding.Reapplied reapplied:
                throw Reapplied(reapplied, flow.Name);
            case LineageFinding.Unproven unproven when answers.AcceptTag && await ledgers.ReadTagAsync(table, cancellationToken) is { } accepted:
                flow.Log.Warning("tag-accepted", $"Continuing from the ledger that tag {LedgerKeys.Tag(flow.Name)} pins (commit {accepted.Commit}), as --accept-tag says.", ("missing", unproven.MissingSnapshotId));
                return new LedgerStanding.AcceptedTag(accepted);
            case LineageFinding.Unproven when tagged is null && answers.Adopt is not null
                && await AdoptAsync(table, reading, answers, await ReadOthersAsync(reading, cancellationToken), cancellationToken) is { } adoption:
                return adoption;
            case LineageFinding.Unproven unproven:
                throw PipelineException.Refused(
                    $"The history of table {flow.Plan.Table.Identifier} ends at the expired snapshot {unproven.MissingSnapshotId}, before a ledger of {flow.Name} is met, so it is not proven that the table still holds what {(tagged is null ? "the pipeline wrote" : $"its tag {LedgerKeys.Tag(flow.Name)} says (commit {tagged.Commit})")}.",
                    tagged is null ? "If the pipeline never wrote to this table, start it with --reset." : "If the table was never rolled back past that commit, accept it with --accept-tag; otherwise start over with --reset.");
            case LineageFinding.Absent { HasTag: true } when LedgerLineage.OwnerOfTag(table, flow.Name) is { } owner:
                throw PipelineException.Refused(
                    $"Pipeline {owner} writes to table {flow.Plan.Table.Identifier} too, and its tag has the name that {flow.Name}'s would have, {LedgerKeys.Tag(flow.Name)}: one tag cannot hold the snapshots of both.",
                    $"Rename the pipeline or the sink of {flow.Name}, so that pipeline and sink joined by '-' give another name.");
            case LineageFinding.Absent { HasTag: true }:
                // The rollback brought back the ledger that this flow had taken over: taking it over again loses and doubles nothing.
                if (await AdoptAsync(table, reading, answers, await ReadOthersAsync(reading, cancellationToken), cancellationToken) is { } again)
                    return again with { Found = again.Found.NotBelow(tagged), RollbackSeen = true };
                var others = string.Join(", ", reading.Others.Keys.Where(LedgerKeys.IsLedger).Select(LedgerKeys.FlowOf));
                throw PipelineException.Refused(
                    $"Table {flow.Plan.Table.Identifier} holds tag {LedgerKeys.Tag(flow.Name)} but no ledger of {flow.Name} in its current history: it was rolled back to before the pipeline's first commit, or replaced.",
                    $"Roll the table forward again, or start over with --reset.{(others.Length == 0 ? "" : $" If the pipeline began by taking a ledger over that the table holds now ({others}), give --adopt again.")}");
            default:
                return await AbsentAsync(table, reading, answers, cancellationToken);
        }
    }

    private PipelineException Reapplied(LineageFinding.Reapplied found, FlowName owner) => PipelineException.Refused(
        $"Snapshot {found.SnapshotId} of table {flow.Plan.Table.Identifier} re-applies {found.Source}, which carried records of {owner} or is gone (a cherry-pick, or a published staged write): the ledger below it does not tell what the table holds.",
        "Roll the table back to before that snapshot, or start over with --reset.");

    private async ValueTask<LedgerStanding?> AbsentAsync(Table table, LineageReading reading, OpenAnswers answers, CancellationToken cancellationToken)
    {
        var others = await ReadOthersAsync(reading, cancellationToken);
        if (await AdoptAsync(table, reading, answers, others, cancellationToken) is { } adoption) return adoption;
        if (reading.Finding is LineageFinding.TakenOver(var taker))
        {
            throw PipelineException.Refused(
                $"{taker} has taken over the ledger of {flow.Name} in table {flow.Plan.Table.Identifier} (--adopt {flow.Name.Pipeline}), and continues in its place.",
                $"Run {taker.Pipeline}, and remove the definition of {flow.Name.Pipeline}. To take the ledger back, stop {taker.Pipeline} and start with --adopt {taker.Pipeline}; --reset would write the rows a second time.");
        }
        foreach (var (other, ledger) in others)
        {
            if (ledger?.Sources.All(candidate => candidate.Topic != flow.Plan.Topic) != false) continue;
            flow.Log.Warning("other-ledger", $"Table {flow.Plan.Table.Identifier} already holds a ledger of {other} over the same topic '{flow.Plan.Topic}'. If {flow.Name} is its new name, stop and start with --adopt {other}; otherwise its records are written a second time.",
                ("other", other.ToString()));
        }
        return await HasNoMarkAsync(table, cancellationToken) ? new LedgerStanding.Start() : null;
    }

    /// <summary>The ledger that the flow takes over; null where it takes none.</summary>
    private async ValueTask<LedgerStanding.Adopt?> AdoptAsync(
        Table table, LineageReading reading, OpenAnswers answers, SortedDictionary<FlowName, Ledger?> others, CancellationToken cancellationToken)
    {
        if (AdoptionChoice.Choose(flow.Plan, answers.Adopt, others.Keys, reading) is not { } from) return null;
        if (await ledgers.FindReappliedAsync(table, from, cancellationToken) is var (owner, again)) throw Reapplied(again, owner);
        // Only the text that is taken over must be readable whole.
        var ledger = others[from] ?? await ledgers.ReadTextAsync(reading.Others[LedgerKeys.Property(from)], cancellationToken);
        if (ledger.Sources.FirstOrDefault(candidate => candidate.Topic == flow.Plan.Topic) is not { } shared)
            throw PipelineException.Refused($"--adopt {answers.Adopt}: the ledger of {from} never read topic '{flow.Plan.Topic}'.", "Name the pipeline that did.");
        return new LedgerStanding.Adopt(ledger with { Sources = ledger.Sources.Replace(shared, shared with { Name = flow.Plan.SourceName }) }, from);
    }

    /// <summary>The ledgers of other flows; null for one that cannot be read, which keeps nobody else from starting.</summary>
    private async ValueTask<SortedDictionary<FlowName, Ledger?>> ReadOthersAsync(LineageReading reading, CancellationToken cancellationToken)
    {
        var others = new SortedDictionary<FlowName, Ledger?>(Comparer<FlowName>.Create((one, other) => string.CompareOrdinal(one.ToString(), other.ToString())));
        foreach (var (key, text) in reading.Others)
        {
            if (!LedgerKeys.IsLedger(key)) continue;
            var other = LedgerKeys.FlowOf(key);
            try
            {
                others.Add(other, await ledgers.ReadTextAsync(text, cancellationToken));
            }
            catch (PipelineException unreadable)
            {
                flow.Log.Warning("other-ledger-unreadable", $"The ledger of {other} in table {flow.Plan.Table.Identifier} cannot be read, so it is not known whether it reads topic '{flow.Plan.Topic}', too: {unreadable.Message}", ("other", other.ToString()));
                others.Add(other, null);
            }
        }
        return others;
    }

    private async ValueTask<OpeningCommit> ComposeAsync(Table table, LedgerStanding standing, OpenAnswers answers, CancellationToken cancellationToken)
    {
        switch (standing)
        {
            case LedgerStanding.Start:
                return StartCommit(table, await StartSourceAsync(answers, cancellationToken), null);
            case LedgerStanding.Reset reset:
                if (answers.ConfirmReset is { } confirm && WhatStays(table, reset) is { } consequence && !confirm(consequence))
                {
                    throw PipelineException.Refused($"The reset of {flow.Name} on table {flow.Plan.Table.Identifier} was not confirmed.", "Nothing was changed. Give --yes to reset without being asked.");
                }
                return StartCommit(table, await StartSourceAsync(answers, cancellationToken), reset);
            case LedgerStanding.AcceptedTag accepted:
                return await ContinueAsync(accepted.Found, forced: true, rollback: true, new LedgerOverride(finding => finding is LineageFinding.Unproven), cancellationToken);
            case LedgerStanding.Adopt adopt:
                return await ContinueAsync(adopt.Found, forced: true, adopt.RollbackSeen, new LedgerOverride(finding => finding is LineageFinding.Absent or LineageFinding.TakenOver or LineageFinding.Unproven, new AdoptedLedger(adopt.From, adopt.Found.Commit)), cancellationToken);
            case LedgerStanding.Resume resume:
                return await ContinueAsync(resume.Found, forced: false, resume.RollbackSeen, null, cancellationToken);
            default:
                throw new InvalidOperationException($"No opening for {standing}.");
        }
    }

    /// <summary>What a reset leaves in the table and may double; null where the flow has written nothing.</summary>
    private string? WhatStays(Table table, LedgerStanding.Reset reset)
    {
        const string Doubled = "Rows stay in the table; those whose records are read again will be there twice.";
        if (reset.Old is { } old) return $"{flow.Name} has written {Quantity.Of(old.Totals.AddedRowCount, "row")} to table {flow.Plan.Table.Identifier}. {Doubled}";
        if (reset.Finding is LineageFinding.Absent || table.Metadata.CurrentSnapshot is not { } head) return null;
        var rows = SnapshotTotals.Of(head.Summary) is { } totals ? Quantity.Of(totals.Records, "row") : "an unknown number of rows";
        return $"Table {flow.Plan.Table.Identifier} holds {rows}, and nothing says how many of them {flow.Name} wrote. {Doubled}";
    }

    private OpeningCommit StartCommit(Table table, SourceLedger starting, LedgerStanding.Reset? reset)
    {
        var old = reset?.Old;
        var ledger = new Ledger
        {
            TableUuid = table.Metadata.TableUuid,
            Commit = new CommitId(flow.Environment.Ids.NewUuid()),
            Base = null,
            Run = writer.Run,
            Epoch = (old ?? reset?.Taken)?.Epoch.Next() ?? new WriterEpoch(1),
            Generation = ((old ?? reset?.Taken)?.Generation ?? 0) + 1,
            IsOpen = true,
            TakeoverCount = 0,
            Writer = writer.Hint,
            DefinitionHash = flow.Plan.DefinitionHash,
            WrittenAtMillis = flow.Clock.GetUtcNow().ToUnixTimeMilliseconds(),
            Sources = [starting],
            Books = default,
            Totals = old?.Totals ?? default,
        };
        var allowed = reset is null ? null : new LedgerOverride(finding => finding == reset.Finding || finding is LineageFinding.Found found && found.Ledger.Commit == old?.Commit);
        return new OpeningCommit(ledger, ledger.Epoch, ledger, allowed, reset is null ? "started" : "reset");
    }

    private async ValueTask<OpeningCommit> ContinueAsync(
        Ledger found, bool forced, bool rollback, LedgerOverride? allowed, CancellationToken cancellationToken)
    {
        found = await FollowRenameAsync(found, cancellationToken);
        var known = found.FindSource(flow.Plan.SourceName);
        ContinuedPositions continued;
        if (known is null) continued = new ContinuedPositions(await StartSourceAsync(OpenAnswers.None, cancellationToken), []);
        else continued = await _continuity.CheckAsync(known, cancellationToken);

        if (known is not null && known.IsolationLevel != flow.Plan.IsolationLevel)
            flow.Log.Warning("isolation-changed", $"Flow {flow.Name} read with isolation level {known.IsolationLevel} so far and continues with {flow.Plan.IsolationLevel}.");

        if (found.DefinitionHash != flow.Plan.DefinitionHash)
            flow.Log.Information("definition-changed", $"The definition of {flow.Name} has changed since the last commit; the new one applies from the table's position on.");

        var isOwn = found.Run == writer.Run;
        var takesOver = found.IsOpen && !isOwn;
        var epoch = isOwn ? found.Epoch : found.Epoch.Next();
        var source = continued.Source with { IsolationLevel = flow.Plan.IsolationLevel };
        var hasMoved = known is null || !known.Partitions.AsSpan().SequenceEqual(source.Partitions.AsSpan()) || rollback;
        if (!forced && !takesOver && !hasMoved)
            return new OpeningCommit(null, epoch, found with { Sources = found.WithSource(source).Sources }, null, "resumed");

        var lostCount = continued.Lost.Sum(range => range.ToOffset - range.FromOffset);
        var books = new Books(0, 0, 0, 0, 0, lostCount, 0, 0);
        var moved = found.WithSource(source with { Partitions = [.. source.Partitions.Select(entry => IsLost(entry, continued.Lost) ? entry : entry.Unmoved())] });
        var opening = moved with
        {
            Commit = new CommitId(flow.Environment.Ids.NewUuid()),
            Base = found.Commit,
            Run = writer.Run,
            Epoch = epoch,
            Generation = rollback ? found.Generation + 1 : found.Generation,
            IsOpen = true,
            TakeoverCount = takesOver ? found.TakeoverCount + 1 : found.TakeoverCount,
            Writer = writer.Hint,
            DefinitionHash = flow.Plan.DefinitionHash,
            WrittenAtMillis = flow.Clock.GetUtcNow().ToUnixTimeMilliseconds(),
            Books = books,
            Totals = found.Totals + books,
            Lost = continued.Lost,
            Skipped = null,
            Replay = null,
        };
        return new OpeningCommit(opening, epoch, opening, allowed, takesOver ? "taken-over" : "resumed");
    }

    /// <summary>A source of a new name over a topic that the flow has read is that source renamed: from the start its records would double.</summary>
    private async ValueTask<Ledger> FollowRenameAsync(Ledger found, CancellationToken cancellationToken)
    {
        if (found.FindSource(flow.Plan.SourceName) is not null) return found;
        var identity = await topic.IdentifyAsync(cancellationToken);
        var renamed = found.Sources.LastOrDefault(candidate =>
            candidate.Topic == flow.Plan.Topic && TopicIds.Agree(candidate.ClusterId, identity.ClusterId));
        if (renamed is null) return found;
        flow.Log.Warning("source-renamed", $"Source '{flow.Plan.SourceName}' of {flow.Name} reads topic '{flow.Plan.Topic}', which the table's ledger knows as source '{renamed.Name}'; it goes on where that one stood.",
            ("source", flow.Plan.SourceName), ("before", renamed.Name));
        return found with { Sources = found.Sources.Replace(renamed, renamed with { Name = flow.Plan.SourceName }) };
    }

    private static bool IsLost(PartitionLedger entry, ImmutableArray<LostRange> lost) => lost.Any(range => range.Partition == entry.Partition);

    private async ValueTask<SourceLedger> StartSourceAsync(OpenAnswers answers, CancellationToken cancellationToken)
    {
        var start = answers.Start is not null ? starts.Answered! : starts.Defined;
        var (identity, positions) = await start.ResolveAsync(cancellationToken);
        var isEarliest = start.Start is StartOffset.Earliest;
        return new SourceLedger(flow.Plan.SourceName, flow.Plan.Topic, identity.ClusterId, identity.TopicId, flow.Plan.IsolationLevel,
            [.. positions.Select(position => PartitionLedger.StartingAt(position.Partition, position.NextOffset, isEarliest))]);
    }

    /// <summary>
    /// No ledger in the table, but the consumer group remembers that this flow wrote one: the table was dropped and created
    /// again, and starting at <c>latest</c> would lose everything since. The mark is a tripwire, never a position.
    /// </summary>
    /// <returns>False where another process has begun the flow in the meantime, so that the table has to be looked at again.</returns>
    private async ValueTask<bool> HasNoMarkAsync(Table? table, CancellationToken cancellationToken)
    {
        if (GroupMarks.Find(await ReadMarkAsync(cancellationToken), flow.Name) is not { } mark) return true;
        // A mark is stored after the ledger that it goes with: one that was not there a moment ago is there now.
        if (await ledgers.LoadAsync(cancellationToken) is { } now && (await ledgers.ReadAsync(now, cancellationToken)).Finding is not LineageFinding.Absent { HasTag: false }) return false;
        throw PipelineException.Refused(
            $"The consumer group remembers that {flow.Name} wrote to table {mark.TableUuid}, but table {flow.Plan.Table.Identifier} {(table is null ? "does not exist" : "holds no ledger of it")}: it was dropped or created again, or the warehouse is another one.",
            "Point the pipeline at the right warehouse, or start over with --reset.");
    }

    private async ValueTask<string?> ReadMarkAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await groupOffsets.ReadGroupMarkAsync(cancellationToken);
        }
        catch (SourceException e) when (e.Kind == SourceErrorKind.Authorization)
        {
            flow.Log.Warning("group-unreadable", $"The consumer group's offsets may not be read ({e.Message}), so it cannot be noticed if the table was dropped and created again.");
            return null;
        }
    }

    private void Report(OpeningCommit commit, Ledger ledger)
    {
        var positions = string.Join(", ", ledger.FindSource(flow.Plan.SourceName)!.Partitions.Take(8).Select(entry => $"{entry.Partition}:{entry.NextOffset}"));
        flow.Log.Information(commit.Event, $"Flow {flow.Name} {commit.Event} on topic '{flow.Plan.Topic}' at {positions}{(ledger.FindSource(flow.Plan.SourceName)!.Partitions.Length > 8 ? ", …" : "")} (epoch {ledger.Epoch}, generation {ledger.Generation}, commit {ledger.Commit}).",
            ("flow", flow.Name.ToString()), ("epoch", ledger.Epoch.Value), ("generation", ledger.Generation), ("commit", ledger.Commit.ToString()));
    }

    /// <param name="Opening">The ledger to commit before reading; null where nothing has to be.</param>
    /// <param name="Epoch">The epoch that this writer's commits carry.</param>
    /// <param name="Ledger">The ledger as it stands after opening.</param>
    /// <param name="Override">What a person's answer allows.</param>
    /// <param name="Event">What happened, for the flow.Log.</param>
    private sealed record OpeningCommit(Ledger? Opening, WriterEpoch Epoch, Ledger Ledger, LedgerOverride? Override, string Event);

    /// <summary>On what ground the flow goes on.</summary>
    private abstract record LedgerStanding
    {
        public sealed record Start : LedgerStanding;
        public sealed record Resume(Ledger Found, bool RollbackSeen) : LedgerStanding;
        public sealed record AcceptedTag(Ledger Found) : LedgerStanding;
        public sealed record Adopt(Ledger Found, FlowName From, bool RollbackSeen = false) : LedgerStanding;
        public sealed record Reset(LineageFinding Finding, Ledger? Old) : LedgerStanding
        {
            /// <summary>What the new generation and epoch must lie above, where the flow's ledger was taken over.</summary>
            public Ledger? Taken { get; init; }
        }
    }
}
