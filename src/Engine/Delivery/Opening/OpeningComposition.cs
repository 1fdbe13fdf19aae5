using Matih.Definition;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Delivery.Topics;
using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Delivery.Opening;

/// <param name="Opening">The ledger to commit before reading; null where nothing has to be.</param>
/// <param name="Epoch">The epoch that this writer's commits carry.</param>
/// <param name="Ledger">The ledger as it stands after opening.</param>
/// <param name="Override">What a person's answer allows.</param>
/// <param name="Event">What happened, for the flow.Log.</param>
internal sealed record OpeningCommit(Ledger? Opening, WriterEpoch Epoch, Ledger Ledger, LedgerOverride? Override, string Event);

/// <param name="Found">The ledger that the flow continues from; null where it begins.</param>
internal sealed record Ground(LedgerStanding Standing, Ledger? Found);

/// <summary>
/// Composes the commit that opens a flow: makes sure that Kafka still holds what comes next, and turns a person's answer, a
/// take-over, a rollback or a moved position into the next ledger.
/// </summary>
internal sealed class OpeningComposition(FlowContext flow, ITopic topic, FlowStarts starts, WriterIdentity writer)
{
    private readonly TopicContinuity _continuity = new(flow, topic);

    /// <summary>Whether Kafka still holds what follows on a ledger; changes nothing.</summary>
    /// <exception cref="PipelineException">It does not.</exception>
    public async ValueTask CheckAsync(Ledger found, CancellationToken cancellationToken)
    {
        if ((await FollowRenameAsync(found, cancellationToken)).FindSource(flow.Plan.SourceName) is { } known) await _continuity.CheckAsync(known, cancellationToken);
    }

    /// <summary>The ledger to commit before reading, if any, and where the flow stands after it.</summary>
    /// <exception cref="PipelineException">Records are gone, the topic is another one, or a person did not confirm.</exception>
    public async ValueTask<OpeningCommit> ComposeAsync(ITableVersion table, Ground ground, OpenAnswers answers, CancellationToken cancellationToken)
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
            case LedgerStanding.TakeBack(_, var end):
                return await TakeBackAsync(table, ground.Found!, end is FlinkEnd.WithSavepoint(var savepoint) ? savepoint.CheckpointId : 0, cancellationToken);
            case LedgerStanding.Resume resume:
                return await ContinueAsync(ground.Found!, forced: false, resume.IsRolledBack, null, cancellationToken);
            default:
                throw new InvalidOperationException($"No opening for {ground.Standing}.");
        }
    }

    /// <summary>What a reset leaves in the table and may double; null where the flow has written nothing.</summary>
    private string? WhatStays(ITableVersion table, LedgerStanding.Reset reset)
    {
        const string Doubled = "Rows stay in the table; those whose records are read again will be there twice.";
        if (reset.Old is { } old) return $"{flow.Name} has written {Quantity.Of(old.Totals.AddedRowCount, "row")} to table {flow.Plan.Table.Identifier}. {Doubled}";
        if (reset.Finding is LineageFinding.Absent || table.Head is null) return null;
        var rows = table.RowCount is { } count ? Quantity.Of(count, "row") : "an unknown number of rows";
        return $"Table {flow.Plan.Table.Identifier} holds {rows}, and nothing says how many of them {flow.Name} wrote. {Doubled}";
    }

    private OpeningCommit StartCommit(ITableVersion table, SourceLedger starting, LedgerStanding.Reset? reset)
    {
        var ledger = LedgerTransitions.Start(LedgerAuthor.Of(flow, writer), table.TableUuid, starting, reset?.Old, reset?.GivenOut);
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

    /// <param name="proven">The ledger that gave the records to Flink, with the job's positions in the place of its own.</param>
    private async ValueTask<OpeningCommit> TakeBackAsync(ITableVersion table, Ledger proven, long checkpoint, CancellationToken cancellationToken)
    {
        var continued = await _continuity.CheckAsync(proven.FindSource(flow.Plan.SourceName)!, cancellationToken);
        var source = continued.Source with { IsolationLevel = flow.Plan.IsolationLevel };
        var opening = LedgerTransitions.TakeBack(LedgerAuthor.Of(flow, writer), proven, source, continued.Lost, new FlinkLedger.TakenBack(proven.Flink!.Job, checkpoint));
        return new OpeningCommit(opening, opening.Epoch, opening, new LedgerOverride(finding => finding is LineageFinding.Found found && found.Ledger.Commit == proven.Commit, Head: table.Head!.Id), "taken-back");
    }

    /// <summary>The ledger that gives the records to a Flink job, at the positions where a run would continue.</summary>
    /// <param name="origin">Null begins at the ledger's positions. Otherwise the job has positions of its own, and those that were given to the job before stay.</param>
    public async ValueTask<OpeningCommit> GiveToFlinkAsync(ITableVersion table, Ground ground, string job, JobOrigin? origin, CancellationToken cancellationToken)
    {
        OpeningCommit commit;
        if (ground.Found is { Flink: FlinkLedger.Given } given && origin is not null)
        {
            var opening = LedgerTransitions.Continue(LedgerAuthor.Of(flow, writer), given, given.FindSource(flow.Plan.SourceName)!, [], isRolledBack: false);
            commit = new OpeningCommit(opening, opening.Epoch, opening, null, "given");
        }
        else if (ground.Found is { } found)
        {
            commit = await ContinueAsync(found, forced: true, rollback: false, null, cancellationToken);
        }
        else
        {
            var source = await StartSourceAsync(OpenAnswers.None, cancellationToken);
            commit = StartCommit(table, origin is null ? source : source with { Partitions = [] }, null);
        }
        return commit with { Opening = LedgerTransitions.GiveToFlink(commit.Opening!, new FlinkLedger.Given(job, origin is null ? null : origin.Job ?? (ground.Found?.Flink as FlinkLedger.Given)?.Job, origin?.Place)) };
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
}
