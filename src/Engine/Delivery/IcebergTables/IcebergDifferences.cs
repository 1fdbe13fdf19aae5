using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Delivery.IcebergTables;

/// <summary>
/// What a definition says of a table's creation and the table that is there has otherwise. The table's own counts and going on
/// is safe, so that nothing is refused; but nobody should believe that a changed line of the definition has changed the table.
/// </summary>
internal static class IcebergDifferences
{
    /// <summary>One log entry for each kind of difference.</summary>
    public static IEnumerable<LogEntry> Find(TablePlan plan, Table table)
    {
        if (!table.Traits.KeepsHistory) yield return new LogEntry(LogSeverity.Warning, "history-not-kept", HistoryOf(plan), []);
        if (PartitioningOf(plan, table.Metadata) is { } partitioning) yield return new LogEntry(LogSeverity.Warning, "partitioning-differs", partitioning, []);
        if (PropertiesOf(plan, table.Metadata) is { } properties) yield return new LogEntry(LogSeverity.Warning, "properties-differ", properties, []);
        if (IcebergBinding.FindEvolution(plan, table) is { } evolution)
            yield return new LogEntry(LogSeverity.Information, "columns-differ", $"Table {plan.Identifier} lacks what the query gives: a run {string.Join("; ", evolution.Changes)}, as schema_evolution: {plan.SchemaEvolution.ToString().ToLowerInvariant()} says.", []);
        if (UnnamedOf(plan, table.Metadata) is { } unnamed) yield return new LogEntry(LogSeverity.Information, "properties-of-table", unnamed, []);
    }

    private static string HistoryOf(TablePlan plan) =>
        $"The catalog of table {plan.Identifier} keeps neither older snapshots nor tags. Each record is in the table once all the same: the ledger also stands in the table's properties ({NewestCommit.Prefix}*), which nobody must remove. " +
        "But it cannot be seen that somebody took the table back to an earlier state, or applied commits again by a merge of branches; accepting a tag and replays of older commits are not possible.";

    private static string? PartitioningOf(TablePlan plan, TableMetadata table)
    {
        PartitionField[] found = [.. table.DefaultSpec.Fields.Where(field => field.Transform is not Transform.Void)];
        // A sink that never creates its table need not say how it is partitioned.
        if (plan.PartitionBy.IsEmpty && (found.Length == 0 || !plan.MayCreate)) return null;
        if (found.Length == plan.PartitionBy.Length && found.Zip(plan.PartitionBy).All(pair => IsSame(table.CurrentSchema, pair.First, pair.Second))) return null;
        var has = found.Length == 0 ? "is not partitioned" : $"is partitioned by [{string.Join(", ", found.Select(field => Show(field.Transform, NameOf(table.CurrentSchema, field), field.Name)))}]";
        var says = plan.PartitionBy.IsEmpty ? "has no partition_by" : $"asks for [{string.Join(", ", plan.PartitionBy.Select(request => Show(request.Transform, request.Column, request.Name)))}]";
        return $"Table {plan.Identifier} {has}, and the definition {says}; the table's own is used, because partition_by counts only when a table is created. " +
            "Change the table where that is meant (in Spark: ALTER TABLE … ADD, DROP or REPLACE PARTITION FIELD; a run takes it up by itself), or make partition_by say what the table has.";
    }

    /// <summary>Names count only where the definition gives one: engines have several usual ones.</summary>
    private static bool IsSame(Schema schema, PartitionField field, PartitionRequest request) =>
        field.Transform == request.Transform && NameOf(schema, field) == request.Column && (request.Name is null || request.Name == field.Name);

    private static string NameOf(Schema schema, PartitionField field) => schema.FindField(field.SourceId)?.Name ?? "?";

    /// <summary>An entry as <c>partition_by</c> has it.</summary>
    private static string Show(Transform transform, string column, string? name)
    {
        var entry = transform switch
        {
            Transform.Identity => column,
            Transform.Bucket(var count) => $"bucket({count}, {column})",
            Transform.Truncate(var width) => $"truncate({width}, {column})",
            _ => $"{transform}({column})",
        };
        return name is null || (transform is not Transform.Unknown && name == transform.DefaultFieldName(column)) ? entry : $"{entry} AS {name}";
    }

    private static string? PropertiesOf(TablePlan plan, TableMetadata table)
    {
        string[] others =
        [
            .. plan.Properties.Where(pair => table.Properties.GetValueOrDefault(pair.Key) != pair.Value)
                .Select(pair => $"{pair.Key} ({(table.Properties.TryGetValue(pair.Key, out var value) ? $"in the table {ShowValue(pair.Key, value)}" : "not set in the table")})"),
            .. plan.FormatVersion is { } version && version != table.FormatVersion ? [$"{TablePropertyRules.FormatVersion} (in the table {table.FormatVersion})"] : Array.Empty<string>(),
        ];
        return others.Length == 0 ? null
            : $"Table {plan.Identifier} has other properties than the definition says: {string.Join(", ", others)}; the table's own are used, because properties count only when a table is created. " +
                "Change the table where that is meant (in Spark: ALTER TABLE … SET TBLPROPERTIES; a run takes it up by itself), or make properties say what the table has.";
    }

    /// <summary>
    /// Properties that decide how files are written, but for those that every creation sets; whether an earlier definition set them,
    /// the table does not say.
    /// </summary>
    private static string? UnnamedOf(TablePlan plan, TableMetadata table)
    {
        string[] unnamed =
        [
            .. table.Properties.Where(pair => plan.MayCreate && TablePropertyRules.IsRead(pair.Key) && !plan.Properties.ContainsKey(pair.Key)
                    && plan.Defaults.GetValueOrDefault(pair.Key) != pair.Value)
                .Select(pair => $"{pair.Key} = {ShowValue(pair.Key, pair.Value)}"),
        ];
        return unnamed.Length == 0 ? null
            : $"Table {plan.Identifier} sets {string.Join(", ", unnamed)}, which the definition does not name; it counts. To be without it, remove it from the table (in Spark: ALTER TABLE … UNSET TBLPROPERTIES).";
    }

    /// <summary>What people name freely may hold what is nobody's business.</summary>
    private static string ShowValue(string name, string value) => TablePropertyRules.IsRead(name) ? $"'{value}'" : "another value";
}
