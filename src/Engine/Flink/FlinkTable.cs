using System.Globalization;
using Matih.Definition;
using Matih.Iceberg.Metadata;
using Matih.Planning;

namespace Matih.Flink;

/// <summary>A table that the job writes.</summary>
/// <param name="Flow">The flow's definition.</param>
/// <param name="Create">Makes it where it does not exist; null where Flink's DDL cannot say it, or the columns are known to Flink alone.</param>
/// <param name="Why">Why there is no such statement.</param>
public sealed record FlinkTable(FlowDefinition Flow, FlinkStatement? Create, string? Why)
{
    /// <summary>Catalog, namespace and name, quoted.</summary>
    public string Name => string.Join('.', Path.Select(FlinkSql.Quoted));

    /// <summary>Whether this engine reaches the table's catalog; otherwise Flink has to create it.</summary>
    public bool IsReachable => Flow.Sink.Catalog is not CatalogDefinition.Hive;

    internal IEnumerable<string> Path => [CatalogOptions.NameOf(Flow.Sink), Flow.Sink.Table.Namespace[^1], Flow.Sink.Table.Name];

    /// <summary>Asks for the columns of the rows that it gets.</summary>
    public FlinkStatement Describe => new FlinkSql().Text("DESCRIBE ").Name(Flow.Sink.Input).Build($"sinks.{Flow.Sink.Name}.input");

    /// <summary>Asks for its own columns and key.</summary>
    public FlinkStatement DescribeTable => new FlinkSql().Text("DESCRIBE ").Name(Path).Build($"sinks.{Flow.Sink.Name}.table");

    /// <summary>Has the planner look at the query of its rows, and say which changes it gives.</summary>
    public FlinkStatement Explain => new FlinkSql().Text("EXPLAIN CHANGELOG_MODE SELECT * FROM ").Name(Flow.Sink.Input).Build($"sinks.{Flow.Sink.Name}.input");

    /// <summary>The DDL; null where Flink's cannot say a partition field.</summary>
    public FlinkStatement? CreateOf(TablePlan plan)
    {
        if (HiddenOf(plan) is not null) return null;
        var columns = plan.Rows.Fields.Select(field => $"{FlinkSql.Quoted(field.Name)} {field.Type}");
        if (!plan.Key.IsEmpty) columns = columns.Append($"PRIMARY KEY ({Listed(plan.Key)}) NOT ENFORCED");
        var sql = new FlinkSql().Text("CREATE TABLE IF NOT EXISTS ").Name(Path).Text($" (\n  {string.Join(",\n  ", columns)}\n)");
        if (!plan.PartitionBy.IsEmpty) sql.Text($" PARTITIONED BY ({Listed(plan.PartitionBy.Select(field => field.Column))})");
        return sql.Text(" WITH ").Options(plan.Properties.SetItem("format-version", (plan.FormatVersion ?? TableMetadata.FormatVersionDefault).ToString(CultureInfo.InvariantCulture)).Select(property => new KeyValuePair<string, FlinkValue>(property.Key, property.Value))).Build($"sinks.{Flow.Sink.Name}");
    }

    /// <summary>The first partition field that no column of the table is by itself; null where there is none.</summary>
    public static PartitionRequest? HiddenOf(TablePlan plan) =>
        plan.PartitionBy.FirstOrDefault(field => field.Transform is not Transform.Identity || field.Name is { } given && given != field.Column);

    private static string Listed(IEnumerable<string> columns) => string.Join(", ", columns.Select(FlinkSql.Quoted));
}
