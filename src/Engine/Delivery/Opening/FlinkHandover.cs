using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Planning;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Delivery.Opening;

/// <summary>
/// Gives a flow's table to a Flink job. Flink's commits carry no ledger, so that each engine has to know of the other: a table
/// with the flow's ledger is refused here, and one that a job was given is refused by runs.
/// </summary>
internal sealed class FlinkHandover(FlowName flow, IFlowTable flowTable, IStore store, TablePlan plan, IEngineLog log)
{
    private const int AttemptsMax = 20;

    /// <param name="job">The job's id; null writes nothing.</param>
    /// <exception cref="PipelineException">The table holds the flow's ledger, or there is none and it must not be created.</exception>
    public async ValueTask MarkAsync(string? job, CancellationToken cancellationToken)
    {
        var lineage = new LedgerLineage(flow, new LedgerStorage(store, plan.Identifier));
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            var table = await flowTable.LoadAsync(cancellationToken) ?? await TableCreation.CreateAsync(flowTable, plan, log, cancellationToken);
            table.Bind(plan);
            var finding = (await lineage.ReadAsync(table, cancellationToken)).Finding;
            // Where history has expired, the tag of a ledger keeps its snapshot: without one there was none.
            if (finding is not LineageFinding.Absent { HasTag: false } && !(finding is LineageFinding.Unproven && !lineage.HasTagText(table)))
            {
                throw PipelineException.Refused(
                    $"Table {plan.Identifier} holds a ledger of {flow}: `matih run` has written it, and a Flink job would write the same records a second time.",
                    "Continue with `matih run`, or give the sink another table.");
            }
            if (job is null || table.FindProperty(LedgerKeys.FlinkJob(flow)) == job || await flowTable.TrySetPropertyAsync(table, LedgerKeys.FlinkJob(flow), job, cancellationToken)) return;
        }
        throw new PipelineException(FailureKind.Catalog, $"Table {plan.Identifier}: {AttemptsMax} attempts to write the job into its properties were overtaken by other commits.", "Deploy again when the other writers are quieter.");
    }
}
