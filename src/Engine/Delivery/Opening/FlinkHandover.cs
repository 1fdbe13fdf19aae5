using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Planning;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Delivery.Opening;

/// <summary>
/// Gives a flow's table to a Flink job by a property of the table, where nobody here can say at which offsets the job begins: for
/// statements that only Flink runs, and where the brokers do not answer. A table with the flow's ledger is refused here, and one
/// that a job was given is refused by runs. Otherwise <see cref="LedgerHandover"/> does it.
/// </summary>
internal sealed class FlinkHandover(FlowName flow, IFlowTable flowTable, IStore store, TablePlan plan, IEngineLog log)
{
    private const int AttemptsMax = 20;

    /// <param name="job">The job's id; null writes nothing.</param>
    /// <param name="statementHash">What the job's statements are recognized by; null where this engine runs them as well.</param>
    /// <param name="restores">Whether the job continues from a savepoint or checkpoint, so that the table must be one that a job was given.</param>
    /// <returns>
    /// The job that the table was given to before, whether it holds commits of a job, be it this one or one that this one continued,
    /// and the statements of the last jobs.
    /// </returns>
    /// <exception cref="PipelineException">The table holds the flow's ledger, or there is none and it must not be created.</exception>
    public async ValueTask<(string? Job, bool HasCommits, DeployedStatements Statements)> MarkAsync(string? job, DeployedHash? statementHash, bool restores, CancellationToken cancellationToken)
    {
        var lineage = new LedgerLineage(flow, new LedgerStorage(store, plan.Identifier));
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            var table = await flowTable.LoadAsync(cancellationToken) ?? (restores ? throw LedgerHandover.NothingToContinue(plan, flow) : await TableCreation.CreateAsync(flowTable, plan, log, cancellationToken));
            table.RequireFit(plan);
            var finding = (await lineage.ReadAsync(table, cancellationToken)).Finding;
            // Where history has expired, the tag of a ledger keeps its snapshot: without one there was none.
            if (finding is not LineageFinding.Absent { HasTag: false } && !(finding is LineageFinding.Unproven && !lineage.HasTagText(table)))
            {
                if (finding is LineageFinding.Found { Ledger.Flink: FlinkLedger.Given given })
                {
                    throw PipelineException.Refused(
                        $"Flink job {given.Job} has the records of {flow} in table {plan.Identifier}, from offsets that its ledger says; the definition has a statement now that only Flink runs, whose state would begin in the middle.",
                        "Deploy it under another pipeline name and with another table, or go back to the statement that was deployed.");
                }
                throw PipelineException.Refused(
                    $"Table {plan.Identifier} holds a ledger of {flow}: `matih run` has written it, and a Flink job would write the same records a second time.",
                    "Continue with `matih run`, or give the sink another table.");
            }
            var before = table.FindProperty(LedgerKeys.FlinkJob(flow));
            if (restores && before is null) throw LedgerHandover.NothingToContinue(plan, flow);
            // Once the next job has the table, the one before it is looked at no more: it was when that one was to be given.
            if (restores && job is null) await TakeBackProof.RequireNotRolledBackAsync(table, before!, cancellationToken, "deploy it under another pipeline name, into another table");
            table = await TableEvolving.EvolveAsync(flowTable, table, flow, plan, log, cancellationToken);
            var statements = DeployedStatements.Parse(table.FindProperty(LedgerKeys.FlinkStatements(flow)));
            if (job is null || before == job || await flowTable.TrySetPropertiesAsync(table, PropertiesOf(job, statementHash, statements), cancellationToken))
                return (before, before is not null && await FlinkCommit.AnyOfAsync(table, null, cancellationToken), statements);
        }
        throw new PipelineException(FailureKind.Catalog, $"Table {plan.Identifier}: {AttemptsMax} attempts to write the job into its properties were overtaken by other commits.", "Deploy again when the other writers are quieter.");
    }

    private ImmutableSortedDictionary<string, string> PropertiesOf(string job, DeployedHash? statementHash, DeployedStatements before)
    {
        var properties = ImmutableSortedDictionary<string, string>.Empty.Add(LedgerKeys.FlinkJob(flow), job);
        return statementHash is null ? properties : properties.Add(LedgerKeys.FlinkStatements(flow), before.With(job, statementHash).ToString());
    }
}
