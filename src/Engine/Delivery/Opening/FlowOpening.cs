using System.Collections.Immutable;
using Matih.Definition;
using Matih.Delivery.Committing;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Delivery.Topics;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Iceberg;
using Matih.Kafka;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Delivery.Opening;

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
            if (await FindGroundAsync(table, answers, abort) is not { } ground) continue;
            if (ground is { Standing: LedgerStanding.Resume, Found: { } found } && LedgerTransitions.TakesOver(writer, found) && patience.Watch(found, watch) is { } watched)
                return new OpeningStep.StandBy(watched, TimeSpan.FromSeconds(1 + flow.NextJitter()));
            var commit = await ComposeAsync(table, ground, answers, abort);
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
            if (await FindGroundAsync(table, answers, abort) is not { } ground) continue;
            if (ground.Found is { } found && (await FollowRenameAsync(found, abort)).FindSource(flow.Plan.SourceName) is { } known) await _continuity.CheckAsync(known, abort);
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

    /// <summary>How the flow continues, with the ledger that it continues from; null where the table changed while it was looked at.</summary>
    private async ValueTask<Ground?> FindGroundAsync(Table table, OpenAnswers answers, CancellationToken cancellationToken)
    {
        var reading = await ledgers.ReadAsync(table, cancellationToken);
        // An earlier session of this run got its opening commit into the table, although it did not learn so: the answers are used up.
        // Another writer may have committed above that since.
        if (reading.Finding is LineageFinding.Found { Ledger: var nearest } && nearest.Run == writer.Run || await HasOpenedAsync(table, cancellationToken)) answers = OpenAnswers.None;
        var facts = new OpeningFacts(
            table.Metadata.TableUuid, reading, ledgers.ReadHeadOfTag(table), ledgers.HasTagText(table), ledgers.ReadGivenOut(table), LedgerLineage.OwnerOfTag(table, flow.Name));
        var standing = OpeningDecision.Decide(flow.Plan, facts, answers);
        switch (standing)
        {
            case LedgerStanding.Resume resume:
                return new Ground(standing, resume.Found);
            case LedgerStanding.AcceptTag(var finding):
                var accepted = (await ledgers.ReadTagAsync(table, cancellationToken))!;
                flow.Log.Warning("tag-accepted", $"Continuing from the ledger that tag {LedgerKeys.Tag(flow.Name)} pins (commit {accepted.Commit}), as --accept-tag says.", ("missing", finding.MissingSnapshotId));
                return new Ground(standing, accepted);
            case LedgerStanding.Adopt adopt:
                return new Ground(standing, await AdoptAsync(table, reading, adopt, answers, cancellationToken));
            case LedgerStanding.Start:
                await WarnOfOthersAsync(reading, cancellationToken);
                return await HasNoMarkAsync(table, cancellationToken) ? new Ground(standing, null) : null;
            default:
                return new Ground(standing, null);
        }
    }

    /// <summary>The ledger that the flow takes over, with the source under the name that the flow gives it.</summary>
    private async ValueTask<Ledger> AdoptAsync(Table table, LineageReading reading, LedgerStanding.Adopt adopt, OpenAnswers answers, CancellationToken cancellationToken)
    {
        if (await ledgers.FindReappliedAsync(table, adopt.From, cancellationToken) is var (owner, again)) throw OpeningDecision.Reapplied(flow.Plan, again, owner);
        // Only the text that is taken over must be readable whole.
        var ledger = await ledgers.ReadTextAsync(reading.Others[LedgerKeys.Property(adopt.From)], cancellationToken);
        if (ledger.Sources.FirstOrDefault(candidate => candidate.Topic == flow.Plan.Topic) is not { } shared)
            throw PipelineException.Refused($"--adopt {answers.Adopt}: the ledger of {adopt.From} never read topic '{flow.Plan.Topic}'.", "Name the pipeline that did.");
        return (ledger with { Sources = ledger.Sources.Replace(shared, shared with { Name = flow.Plan.SourceName }) }).NotBelow(adopt.Above);
    }

    /// <summary>Another pipeline over the same topic may be this one under its old name. One that cannot be read keeps nobody else from starting.</summary>
    private async ValueTask WarnOfOthersAsync(LineageReading reading, CancellationToken cancellationToken)
    {
        foreach (var (key, text) in reading.Others.Where(pair => LedgerKeys.IsLedger(pair.Key)).OrderBy(pair => LedgerKeys.FlowOf(pair.Key).ToString(), StringComparer.Ordinal))
        {
            var other = LedgerKeys.FlowOf(key);
            try
            {
                var ledger = await ledgers.ReadTextAsync(text, cancellationToken);
                if (ledger.Sources.All(candidate => candidate.Topic != flow.Plan.Topic)) continue;
                flow.Log.Warning("other-ledger", $"Table {flow.Plan.Table.Identifier} already holds a ledger of {other} over the same topic '{flow.Plan.Topic}'. If {flow.Name} is its new name, stop and start with --adopt {other}; otherwise its records are written a second time.",
                    ("other", other.ToString()));
            }
            catch (PipelineException unreadable)
            {
                flow.Log.Warning("other-ledger-unreadable", $"The ledger of {other} in table {flow.Plan.Table.Identifier} cannot be read, so it is not known whether it reads topic '{flow.Plan.Topic}', too: {unreadable.Message}", ("other", other.ToString()));
            }
        }
    }

    private async ValueTask<OpeningCommit> ComposeAsync(Table table, Ground ground, OpenAnswers answers, CancellationToken cancellationToken)
    {
        switch (ground.Standing)
        {
            case LedgerStanding.Start:
                return StartCommit(table, await StartSourceAsync(answers, cancellationToken), null);
            case LedgerStanding.Reset reset:
                if (answers.ConfirmReset is { } confirm && WhatStays(table, reset) is { } consequence && !confirm(consequence))
                {
                    throw PipelineException.Refused($"The reset of {flow.Name} on table {flow.Plan.Table.Identifier} was not confirmed.", "Nothing was changed. Give --yes to reset without being asked.");
                }
                return StartCommit(table, await StartSourceAsync(answers, cancellationToken), reset);
            case LedgerStanding.AcceptTag:
                return await ContinueAsync(ground.Found!, forced: true, rollback: true, new LedgerOverride(finding => finding is LineageFinding.Unproven), cancellationToken);
            case LedgerStanding.Adopt adopt:
                return await ContinueAsync(ground.Found!, forced: true, adopt.IsRolledBack, new LedgerOverride(finding => finding is LineageFinding.Absent or LineageFinding.TakenOver or LineageFinding.Unproven, new AdoptedLedger(adopt.From, ground.Found!.Commit)), cancellationToken);
            case LedgerStanding.Resume resume:
                return await ContinueAsync(ground.Found!, forced: false, resume.IsRolledBack, null, cancellationToken);
            default:
                throw new InvalidOperationException($"No opening for {ground.Standing}.");
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
        var ledger = LedgerTransitions.Start(LedgerAuthor.Of(flow, writer), table.Metadata.TableUuid, starting, reset?.Old, reset?.GivenOut);
        var allowed = reset is null ? null : new LedgerOverride(finding => finding == reset.Finding || finding is LineageFinding.Found found && found.Ledger.Commit == reset.Old?.Commit);
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

        var epoch = LedgerTransitions.EpochOf(writer, found);
        var takesOver = LedgerTransitions.TakesOver(writer, found);
        var source = continued.Source with { IsolationLevel = flow.Plan.IsolationLevel };
        var hasMoved = known is null || !known.Partitions.AsSpan().SequenceEqual(source.Partitions.AsSpan()) || rollback;
        if (!forced && !takesOver && !hasMoved)
            return new OpeningCommit(null, epoch, found.WithSource(source), null, "resumed");
        var opening = LedgerTransitions.Continue(LedgerAuthor.Of(flow, writer), found, source, continued.Lost, rollback);
        return new OpeningCommit(opening, epoch, opening, allowed, takesOver ? "taken-over" : "resumed");
    }

    /// <summary>A source of a new name over a topic that the flow has read is that source renamed: from the start its records would double.</summary>
    private async ValueTask<Ledger> FollowRenameAsync(Ledger found, CancellationToken cancellationToken)
    {
        if (found.FindSource(flow.Plan.SourceName) is not null) return found;
        var identity = await topic.IdentifyAsync(cancellationToken);
        var renamed = found.Sources.LastOrDefault(candidate =>
            candidate.Topic == flow.Plan.Topic && candidate.IsSameCluster(identity.ClusterId));
        if (renamed is null) return found;
        flow.Log.Warning("source-renamed", $"Source '{flow.Plan.SourceName}' of {flow.Name} reads topic '{flow.Plan.Topic}', which the table's ledger knows as source '{renamed.Name}'; it continues where that one stood.",
            ("source", flow.Plan.SourceName), ("before", renamed.Name));
        return found with { Sources = found.Sources.Replace(renamed, renamed with { Name = flow.Plan.SourceName }) };
    }

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

    /// <param name="Found">The ledger that the flow continues from; null where it begins.</param>
    private sealed record Ground(LedgerStanding Standing, Ledger? Found);
}
