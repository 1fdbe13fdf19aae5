using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Planning;

namespace Matih.Delivery.Opening;

/// <summary>What a table says before a flow's records are given to a Flink job.</summary>
/// <param name="GivenTo">The job that they were given to before; null where a run writes them, or nobody yet.</param>
/// <param name="HasCommits">Whether the table holds commits of that job.</param>
/// <param name="Ledger">The flow's ledger; null where there is none.</param>
internal sealed record HandoverLook(string? GivenTo, bool HasCommits, Ledger? Ledger)
{
    /// <summary>What a ledger says of the job that it gives the records to; null where a property says it, or nothing.</summary>
    public FlinkLedger.Given? Given => Ledger?.Flink as FlinkLedger.Given;
}

/// <summary>
/// Gives a flow's records to a Flink job by a commit of its ledger, at the positions where a run would continue: one
/// compare-and-set decides between a run and the job. docs/delivery.md, "Giving to Flink".
/// </summary>
/// <param name="isGone">Whether the process that a hint names is known to be dead.</param>
internal sealed class LedgerHandover(FlowContext flow, TableLedger ledgers, OpeningComposition composition, TakeBackProof proof, MarkCheck marks, Func<WriterHint, bool> isGone)
{
    private const int AttemptsMax = 20;

    /// <summary>Creates the table where it does not exist, and looks whether the records may be given away.</summary>
    /// <param name="restores">Whether the job continues from a savepoint or checkpoint.</param>
    /// <exception cref="PipelineException">They may not.</exception>
    public async ValueTask<HandoverLook> LookAsync(bool restores, CancellationToken cancellationToken)
    {
        while (true)
        {
            var table = await ledgers.LoadAsync(cancellationToken);
            if (table is null)
            {
                if (restores) throw NothingToContinue(flow.Plan.Table, flow.Name);
                if (!await marks.HasNoneAsync(null, cancellationToken)) continue;
                table = await TableCreation.CreateAsync(ledgers.Table, flow.Plan.Table, flow.Log, cancellationToken);
            }
            table.RequireFit(flow.Plan.Table);
            var reading = await ledgers.ReadAsync(table, cancellationToken);
            var found = Stand(table, reading, restores);
            if (found is null && !await marks.HasNoneAsync(table, cancellationToken)) continue;
            if (restores) RequireSameSource(found, table);
            if (found is null) await OtherLedgers.WarnAsync(flow, ledgers, reading, cancellationToken);
            if (restores && found?.Flink is FlinkLedger.Given { Job: var writer }) await TakeBackProof.RequireNotRolledBackAsync(table, writer, cancellationToken);
            table = await TableEvolving.EvolveAsync(ledgers.Table, table, flow.Name, flow.Plan.Table, flow.Log, cancellationToken);
            var job = found is null ? table.FindProperty(LedgerKeys.FlinkJob(flow.Name)) : found.Flink is FlinkLedger.Given given ? given.Job : null;
            return new HandoverLook(job, job is not null && await FlinkCommit.AnyOfAsync(table, job, cancellationToken), found);
        }
    }

    /// <summary>Gives the records to the job; the result is the flow's source, with the positions at which the job has to begin.</summary>
    /// <param name="seen">The ledger as it was looked at; another one since is refused.</param>
    /// <param name="origin">What the job continues from; null begins at the ledger's positions.</param>
    /// <exception cref="PipelineException">They may not be given away; nothing was changed.</exception>
    public async ValueTask<SourceLedger> GiveAsync(string job, CommitId? seen, JobOrigin? origin, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            var table = await ledgers.LoadAsync(cancellationToken) ?? throw ledgers.TableGone();
            var found = Stand(table, await ledgers.ReadAsync(table, cancellationToken), origin is not null);
            if (found?.Flink is FlinkLedger.Given { Job: var given } && given == job) return found.FindSource(flow.Plan.SourceName)!;
            if (found?.Commit != seen)
                throw PipelineException.Refused($"Table {flow.Plan.Table.Identifier} was written while {flow.Name} was given to a Flink job: by a run, or by another deployment.", "Look which one it is. Where it is a run, stop it; deploy again then.");
            if (origin?.Savepoint is { } savepoint && found is not null) await proof.RequireContinuationAsync(table, found, savepoint, cancellationToken);
            LedgerStanding standing = found is null ? new LedgerStanding.Start() : new LedgerStanding.Resume(found, false);
            var commit = await composition.GiveToFlinkAsync(table, new Ground(standing, found), job, origin, cancellationToken);
            var change = await table.PrepareAsync([], [], flow.Environment.Ids, cancellationToken);
            if (await ledgers.CommitAsync(new PreparedCommit(commit.Opening!, change, flow.Clock.GetUtcNow()), null, cancellationToken) is CommitOutcome.Committed committed)
                return committed.Ledger.FindSource(flow.Plan.SourceName)!;
        }
        throw new PipelineException(FailureKind.Catalog, $"Table {flow.Plan.Table.Identifier}: {AttemptsMax} attempts to give {flow.Name} to a Flink job were overtaken by other commits.", "Deploy again when the other writers are quieter.");
    }

    /// <summary>How the flows of a definition come to the same place while a job has some of them. The end of a sentence.</summary>
    public const string ByWayOfRun = "stop the job with `matih flink stop`, take the records back with `matih run --from-savepoint` and the definition that was deployed, run the new one with `matih run --until-caught-up` while nothing is produced, and deploy it without --from and --replace.";

    /// <summary>A table that nobody was given holds none of the rows that a savepoint has passed.</summary>
    public static PipelineException NothingToContinue(TablePlan table, FlowName flow) => PipelineException.Refused(
        $"Table {table.Identifier} was given to no Flink job for {flow}: a job that continues from a savepoint or checkpoint would leave out the rows that it has passed.",
        $"Deploy to the table that the job before has written. To add a sink or to change its table, {ByWayOfRun} Where the records cannot be taken back, give the pipeline another name.");

    /// <summary>A savepoint continues with its own topics, and begins those that it does not know.</summary>
    private void RequireSameSource(Ledger? found, ITableVersion table)
    {
        if (found is null && table.FindProperty(LedgerKeys.FlinkJob(flow.Name)) is null) throw NothingToContinue(flow.Plan.Table, flow.Name);
        if (found is null || found.FindSource(flow.Plan.SourceName) is { } known && known.Topic == flow.Plan.Topic) return;
        throw PipelineException.Refused($"The ledger of {flow.Name} in table {flow.Plan.Table.Identifier} knows no source '{flow.Plan.SourceName}' of topic '{flow.Plan.Topic}', but {string.Join(" and ", found.Sources.Select(source => $"'{source.Name}' of topic '{source.Topic}'"))}: a job that continues from a savepoint would read both.",
            "Stop the job with `matih flink stop`, take the records back with `matih run --from-savepoint` and the definition that was deployed, and change it then.");
    }

    /// <summary>The ledger to give away; null where the flow begins.</summary>
    private Ledger? Stand(ITableVersion table, InheritedLedgers reading, bool restores)
    {
        // That a job has the table is for the deployment to judge, which knows what became of the job.
        var facts = OpeningFacts.Of(ledgers, table, reading, flow.Name) with { FlinkJob = null };
        if (OpeningDecision.Decide(flow.Plan, facts, OpenAnswers.None) is not LedgerStanding.Resume { Found: var found, IsRolledBack: var isRolledBack }) return null;
        if (found.Flink is FlinkLedger.Given) return found;
        if (isRolledBack)
        {
            throw PipelineException.Refused($"Table {flow.Plan.Table.Identifier} was rolled back past commits of {flow.Name}, and no run has continued from what it holds now.",
                "Run `matih run --until-caught-up` once, which settles that, and deploy again.");
        }
        if (restores)
        {
            throw PipelineException.Refused($"`matih run` has written table {flow.Plan.Table.Identifier}, and its ledger of {flow.Name} says where it stands: a savepoint of before knows nothing of that.",
                "Deploy without --from and --replace; stop a job that runs first. The new one begins where the ledger ends.");
        }
        if (found.IsOpen && !(found.Writer is { } writer && isGone(writer)))
        {
            throw PipelineException.Refused($"A run of {flow.Name}{(found.Writer is { } host ? $" on {host.Host} (process {host.ProcessId})" : "")} may be alive: the ledger in table {flow.Plan.Table.Identifier} is open.",
                "Stop the run with SIGTERM or Ctrl-C, which closes it. Where it was killed, `matih run --until-caught-up` takes the ledger over and closes it. Then deploy again.");
        }
        return found;
    }
}
