using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;

namespace Matih.Delivery.Opening;

/// <summary>What a table says before a flow's records are given to a Flink job.</summary>
/// <param name="GivenTo">The job that they were given to before; null where a run writes them, or nobody yet.</param>
/// <param name="HasCommits">Whether the table holds commits of that job.</param>
/// <param name="Ledger">The flow's ledger; null where there is none.</param>
internal sealed record HandoverLook(string? GivenTo, bool HasCommits, Ledger? Ledger);

/// <summary>
/// Gives a flow's records to a Flink job by a commit of its ledger, at the positions where a run would continue: one
/// compare-and-set decides between a run and the job. docs/delivery.md, "Giving to Flink".
/// </summary>
/// <param name="isGone">Whether the process that a hint names is known to be dead.</param>
internal sealed class LedgerHandover(FlowContext flow, TableLedger ledgers, OpeningComposition composition, MarkCheck marks, Func<WriterHint, bool> isGone)
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
                if (!await marks.HasNoneAsync(null, cancellationToken)) continue;
                table = await TableCreation.CreateAsync(ledgers.Table, flow.Plan.Table, flow.Log, cancellationToken);
            }
            table.Bind(flow.Plan.Table);
            var found = Stand(table, await ledgers.ReadAsync(table, cancellationToken), restores);
            if (found is null && !await marks.HasNoneAsync(table, cancellationToken)) continue;
            var job = found is null ? table.FindProperty(LedgerKeys.FlinkJob(flow.Name)) : found.Flink is FlinkLedger.Given given ? given.Job : null;
            return new HandoverLook(job, job is not null && await FlinkCommit.AnyOfAsync(table, job, cancellationToken), found);
        }
    }

    /// <summary>Gives the records to the job; the result is the flow's source, with the positions at which the job has to begin.</summary>
    /// <param name="seen">The ledger as it was looked at; another one since is refused.</param>
    /// <exception cref="PipelineException">They may not be given away; nothing was changed.</exception>
    public async ValueTask<SourceLedger> GiveAsync(string job, CommitId? seen, bool restores, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            var table = await ledgers.LoadAsync(cancellationToken) ?? throw ledgers.TableGone();
            var found = Stand(table, await ledgers.ReadAsync(table, cancellationToken), restores);
            if (found?.Flink is FlinkLedger.Given { Job: var given } && given == job) return found.FindSource(flow.Plan.SourceName)!;
            if (found?.Commit != seen)
                throw PipelineException.Refused($"A run has committed to table {flow.Plan.Table.Identifier} while {flow.Name} was given to a Flink job.", "Stop it, and deploy again.");
            LedgerStanding standing = found is null ? new LedgerStanding.Start() : new LedgerStanding.Resume(found, false);
            var commit = await composition.GiveToFlinkAsync(table, new Ground(standing, found), job, restores, cancellationToken);
            var change = await table.PrepareAsync([], [], flow.Environment.Ids, cancellationToken);
            if (await ledgers.CommitAsync(new PreparedCommit(commit.Opening!, change, flow.Clock.GetUtcNow()), null, cancellationToken) is CommitOutcome.Committed committed)
                return committed.Ledger.FindSource(flow.Plan.SourceName)!;
        }
        throw new PipelineException(FailureKind.Catalog, $"Table {flow.Plan.Table.Identifier}: {AttemptsMax} attempts to give {flow.Name} to a Flink job were overtaken by other commits.", "Deploy again when the other writers are quieter.");
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
                "Leave --from out, and stop a job that runs: the new one begins where the ledger ends.");
        }
        if (found.IsOpen && !(found.Writer is { } writer && isGone(writer)))
        {
            throw PipelineException.Refused($"A run of {flow.Name}{(found.Writer is { } host ? $" on {host.Host} (process {host.ProcessId})" : "")} may be alive: the ledger in table {flow.Plan.Table.Identifier} is open.",
                "Stop the run with SIGTERM or Ctrl-C, which closes it. Where it was killed, `matih run --until-caught-up` takes the ledger over and closes it. Then deploy again.");
        }
        return found;
    }
}
