using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Delivery.Topics;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Delivery.Opening;

/// <summary>
/// Start and resume: finds out from the table's own history where the flow stands, makes sure that Kafka still holds what
/// comes next, takes the ledger over from a writer that did not close it, and refuses where going on would lose or double.
/// </summary>
internal sealed class FlowOpening(
    FlowContext flow, TableLedger ledgers, OpeningComposition composition, MarkCheck marks, TakeBackProof positions, FlowGroup group, TakeoverPatience patience, WriterIdentity writer)
{
    private bool _hasProbedStore;

    /// <summary>The table that an earlier session of this run had opened: the flow never begins again in another one.</summary>
    private string? _tableUuid;

    /// <summary>The snapshots of opening commits of which this run has not learned whether they got into the table.</summary>
    private readonly HashSet<SnapshotId> _undecided = [];

    private readonly HashSet<string> _toldDifferences = [];

    /// <summary>Opens the flow, or says how long to stand by first. Never waits for another writer by itself.</summary>
    /// <param name="answers">A person's answers to earlier refusals.</param>
    /// <param name="watch">The watch over an open ledger so far; null at the first call.</param>
    public ValueTask<OpeningStep> OpenAsync(OpenAnswers answers, TakeoverWatch? watch, CancellationToken abort) => FlowTrace.RunAsync("matih.open", flow.Name, async span =>
    {
        span?.SetTag("topic", flow.Plan.Topic).SetTag("matih.table", flow.Plan.Table.Identifier.ToString());
        var step = await TryOpenAsync(answers, watch, abort);
        if (step is OpeningStep.Opened opened) span?.SetTag("matih.commit.id", opened.Flow.Ledger.Commit.ToString()).SetTag("matih.epoch", opened.Flow.Epoch.Value);
        span?.SetTag("matih.open.outcome", step.GetType().Name);
        return step;
    });

    private async ValueTask<OpeningStep> TryOpenAsync(OpenAnswers answers, TakeoverWatch? watch, CancellationToken abort)
    {
        while (true)
        {
            var table = await ledgers.LoadAsync(abort);
            if (table is null)
            {
                if (_tableUuid is not null) throw ledgers.TableGone();
                if (!answers.Reset && !await marks.HasNoneAsync(null, abort)) continue;
                AdoptionChoice.RequireTable(flow.Plan, answers.Adopt);
                table = await TableCreation.CreateAsync(ledgers.Table, flow.Plan.Table, flow.Log, abort);
            }
            if (_tableUuid is { } opened && opened != table.TableUuid) throw ledgers.TableReplaced(table, opened);
            table.RequireFit(flow.Plan.Table);
            TellDifferences(table);
            if (!_hasProbedStore) await StoreProbe.RequireConditionalWritesAsync(table, flow.Environment.Ids, abort);
            _hasProbedStore = true;
            if (await FindGroundAsync(table, answers, abort) is not { } ground) continue;
            if (ground is { Standing: LedgerStanding.Resume, Found: { } found } && LedgerTransitions.TakesOver(writer, found) && patience.Watch(found, watch) is { } watched)
                return new OpeningStep.StandBy(watched, TimeSpan.FromSeconds(1 + flow.NextJitter()));
            // Only who is about to commit changes the columns; what was found out is then looked at again, on the table as it is.
            if (table.FindEvolution(flow.Plan.Table) is not null)
            {
                await TableEvolving.EvolveAsync(ledgers.Table, table, flow.Name, flow.Plan.Table, flow.Log, abort);
                continue;
            }
            var binding = table.Bind(flow.Plan.Table);
            var commit = await composition.ComposeAsync(table, ground, answers, abort);
            if (commit.Opening is null)
            {
                Report(commit, commit.Ledger);
                _tableUuid = table.TableUuid;
                return new OpeningStep.Opened(new OpenedFlow(table, binding, commit.Ledger, commit.Epoch, commit.Ledger.TakeoverCount, commit.Ledger.FindSource(flow.Plan.SourceName)!));
            }

            var append = await table.PrepareAsync([], [], flow.Environment.Ids, abort);
            _undecided.Add(append.SnapshotId);
            var outcome = await ledgers.CommitAsync(new PreparedCommit(commit.Opening, append, flow.Clock.GetUtcNow()), commit.Override, abort);
            _undecided.Remove(append.SnapshotId);
            switch (outcome)
            {
                case CommitOutcome.Committed committed:
                    Report(commit, committed.Ledger);
                    flow.Progress.NoteLost(committed.Ledger.Books.LostCount);
                    _tableUuid = committed.Table.TableUuid;
                    await group.StoreAsync(committed.Ledger.TableUuid, committed.Ledger.FindSource(flow.Plan.SourceName)!, abort);
                    // Somebody may have changed the table since it was loaded.
                    if (!binding.Fits(committed.Table)) binding = committed.Table.Bind(flow.Plan.Table);
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
                if (!answers.Reset && !await marks.HasNoneAsync(null, abort)) continue;
                AdoptionChoice.RequireTable(flow.Plan, answers.Adopt);
                TableCreation.RequireAllowed(ledgers.Table, flow.Plan.Table);
                return;
            }
            table.RequireFit(flow.Plan.Table);
            if (await FindGroundAsync(table, answers, abort) is not { } ground) continue;
            if (ground.Found is { } found) await composition.CheckAsync(found, abort);
            return;
        }
    }

    /// <summary>A run has many sessions, and says once what stays as it is.</summary>
    private void TellDifferences(ITableVersion table)
    {
        foreach (var difference in table.FindDifferences(flow.Plan.Table))
            if (_toldDifferences.Add(difference.Message)) flow.Log.Write(difference);
    }

    private async ValueTask<bool> HasOpenedAsync(ITableVersion table, CancellationToken cancellationToken)
    {
        if (_undecided.Count == 0) return false;
        await foreach (var step in table.WalkAsync(cancellationToken))
        {
            if (step is not HistoryStep.Found { Snapshot.Id: var id }) return false;
            if (_undecided.Contains(id)) return true;
        }
        return false;
    }

    /// <summary>How the flow continues, with the ledger that it continues from; null where the table changed while it was looked at.</summary>
    private async ValueTask<Ground?> FindGroundAsync(ITableVersion table, OpenAnswers answers, CancellationToken cancellationToken)
    {
        var reading = await ledgers.ReadAsync(table, cancellationToken);
        // An earlier session of this run got its opening commit into the table, although it did not learn so: the answers are used up.
        // Another writer may have committed above that since.
        if (reading.Finding is LineageFinding.Found { Ledger: var nearest } && nearest.Run == writer.Run || await HasOpenedAsync(table, cancellationToken)) answers = OpenAnswers.None;
        var standing = OpeningDecision.Decide(flow.Plan, OpeningFacts.Of(ledgers, table, reading, flow.Name), answers);
        switch (standing)
        {
            case LedgerStanding.Resume resume:
                RequireNotGiven(resume.Found, flow.Name);
                return new Ground(standing, resume.Found);
            case LedgerStanding.TakeBack(var given, var end):
                return new Ground(standing, await positions.ProveAsync(table, given, end, cancellationToken));
            case LedgerStanding.AcceptTag(var finding):
                var accepted = (await ledgers.ReadTagAsync(table, cancellationToken))!;
                RequireNotGiven(accepted, flow.Name);
                flow.Log.Warning("tag-accepted", $"Continuing from the ledger that tag {LedgerKeys.Tag(flow.Name)} pins (commit {accepted.Commit}), as --accept-tag says.", ("tag", LedgerKeys.Tag(flow.Name)), ("missing", finding.MissingSnapshotId));
                return new Ground(standing, accepted);
            case LedgerStanding.Adopt adopt:
                return new Ground(standing, await AdoptAsync(table, reading, adopt, answers, cancellationToken));
            case LedgerStanding.Start:
                await OtherLedgers.WarnAsync(flow, ledgers, reading, cancellationToken);
                return await marks.HasNoneAsync(table, cancellationToken) ? new Ground(standing, null) : null;
            default:
                return new Ground(standing, null);
        }
    }

    /// <summary>The ledger that the flow takes over, with the source under the name that the flow gives it.</summary>
    private async ValueTask<Ledger> AdoptAsync(ITableVersion table, InheritedLedgers reading, LedgerStanding.Adopt adopt, OpenAnswers answers, CancellationToken cancellationToken)
    {
        if (await ledgers.FindReappliedAsync(table, adopt.From, cancellationToken) is var (owner, again)) throw OpeningDecision.Reapplied(flow.Plan, again, owner);
        // Only the text that is taken over must be readable whole.
        var ledger = await ledgers.ReadTextAsync(reading.Others[LedgerKeys.Property(adopt.From)], cancellationToken);
        RequireNotGiven(ledger, adopt.From);
        if (ledger.Sources.FirstOrDefault(candidate => candidate.Topic == flow.Plan.Topic) is not { } shared)
            throw PipelineException.Refused($"--adopt {answers.Adopt}: the ledger of {adopt.From} never read topic '{flow.Plan.Topic}'.", "Name the pipeline that did.");
        return (ledger with { Sources = ledger.Sources.Replace(shared, shared with { Name = flow.Plan.SourceName }) }).NotBelow(adopt.Above);
    }

    private void RequireNotGiven(Ledger ledger, FlowName owner)
    {
        if (ledger.Flink is FlinkLedger.Given given) throw OpeningDecision.GivenToFlink(flow.Plan, owner, given);
    }

    private void Report(OpeningCommit commit, Ledger ledger)
    {
        var positions = string.Join(", ", ledger.FindSource(flow.Plan.SourceName)!.Partitions.Take(8).Select(entry => $"{entry.Partition}:{entry.NextOffset}"));
        flow.Log.Information(commit.Event, $"Flow {flow.Name} {commit.Event} on topic '{flow.Plan.Topic}' at {positions}{(ledger.FindSource(flow.Plan.SourceName)!.Partitions.Length > 8 ? ", …" : "")} (epoch {ledger.Epoch}, generation {ledger.Generation}, commit {ledger.Commit}).",
            ("flow", flow.Name.ToString()), ("epoch", ledger.Epoch.Value), ("generation", ledger.Generation), ("commit", ledger.Commit.ToString()));
    }
}
