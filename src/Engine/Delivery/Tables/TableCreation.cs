using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Delivery.Tables;

/// <summary>Creates a flow's table where it does not exist.</summary>
internal static class TableCreation
{
    /// <exception cref="PipelineException">The sink says that the table must be there.</exception>
    public static void RequireAllowed(IFlowTable table, TablePlan plan)
    {
        if (plan.MayCreate) return;
        throw new PipelineException(FailureKind.BadDefinition, $"Table {plan.Identifier} does not exist in the {table.CatalogName}, and the sink says create: false.",
            "Create the table, or let the sink create it.");
    }

    public static async ValueTask<ITableVersion> CreateAsync(IFlowTable table, TablePlan plan, IEngineLog log, CancellationToken cancellationToken)
    {
        RequireAllowed(table, plan);
        var (version, isCreated) = await table.CreateAsync(cancellationToken);
        if (isCreated)
        {
            log.Information("table-created", $"Created table {plan.Identifier} at {version.Location}.",
                ("table", plan.Identifier.ToString()), ("location", version.Location));
        }
        return version;
    }
}
