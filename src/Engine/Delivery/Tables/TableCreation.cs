using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Delivery.Tables;

/// <summary>Creates a flow's table where it does not exist.</summary>
internal static class TableCreation
{
    /// <exception cref="PipelineException">The sink says that the table must be there.</exception>
    public static void RequireAllowed(ICatalog catalog, TablePlan plan)
    {
        if (plan.MayCreate) return;
        throw new PipelineException(FailureKind.BadDefinition, $"Table {plan.Identifier} does not exist in the {catalog.Name}, and the sink says create: false.",
            "Create the table, or let the sink create it.");
    }

    public static async ValueTask<Table> CreateAsync(ICatalog catalog, TablePlan plan, IEngineLog log, CancellationToken cancellationToken)
    {
        RequireAllowed(catalog, plan);
        var schema = Schema.FromRow(plan.Rows);
        var spec = PartitionSpec.Create(schema, plan.PartitionBy.Select(request => (request.Column, request.Transform, request.Name)));
        var (table, isCreated) = await catalog.CreateAsync(plan.Identifier, new NewTable(schema, spec, plan.Properties), cancellationToken);
        if (isCreated)
        {
            log.Information("table-created", $"Created table {plan.Identifier} at {table.Metadata.Location}.",
                ("table", plan.Identifier.ToString()), ("location", table.Metadata.Location));
        }
        return table;
    }
}
