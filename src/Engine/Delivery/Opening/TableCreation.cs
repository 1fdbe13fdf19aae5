using Matih.Iceberg;
using Matih.Telemetry;

namespace Matih.Delivery;

/// <summary>Creates a flow's table where it does not exist.</summary>
internal static class TableCreation
{
    public static async ValueTask<Table> CreateAsync(ICatalog catalog, TablePlan plan, IEngineLog log, CancellationToken cancellationToken)
    {
        if (!plan.MayCreate)
        {
            throw new PipelineException(FailureKind.BadDefinition, $"Table {plan.Identifier} does not exist in the {catalog.Name}, and the sink says create: false.",
                "Create the table, or let the sink create it.");
        }
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
