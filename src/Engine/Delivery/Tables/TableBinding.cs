using System.Collections.Immutable;
using Matih.Batches;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;
using Matih.Parquet;
using Matih.Planning;

namespace Matih.Delivery.Tables;

/// <summary>
/// Which column of the query goes into which column of the table, by name. Made at opening; where somebody changes the
/// table's schema or partitioning later, the flow is opened again.
/// </summary>
internal sealed class TableBinding
{
    private readonly string _location;
    private readonly ImmutableSortedDictionary<string, string> _settings;

    private TableBinding(
        Schema schema, PartitionSpec spec, SortOrder order, ImmutableArray<ParquetColumn> columns, ImmutableArray<int> columnMap, string location, ImmutableSortedDictionary<string, string> settings)
    {
        Schema = schema;
        Spec = spec;
        Order = order;
        Columns = columns;
        ColumnMap = columnMap;
        _location = location;
        _settings = settings;
    }

    public Schema Schema { get; }

    public PartitionSpec Spec { get; }

    public SortOrder Order { get; }

    /// <summary>The table's columns that the files hold; others of the table read as NULL.</summary>
    public ImmutableArray<ParquetColumn> Columns { get; }

    /// <summary>For each of <see cref="Columns"/> the position of the query's column.</summary>
    public ImmutableArray<int> ColumnMap { get; }

    /// <summary>The columns of a file written through this binding, as they are read back.</summary>
    public RowType StoredRows => new([.. Columns.Select(column => new Field(column.Name, column.Type.ReadAs))]);

    /// <summary>The binding for rows that were read back from such a file.</summary>
    public TableBinding OfStoredRows() => new(Schema, Spec, Order, Columns, [.. Enumerable.Range(0, Columns.Length)], _location, _settings);

    /// <summary>Whether files that are written through this binding are what the table, as it stands, asks for.</summary>
    public bool Fits(Table table) => FindChange(table) is null;

    /// <summary>
    /// What somebody has changed in the table since, so that files must be written again: a column that was dropped and added
    /// again has another field id, and what was written under the old one would read as NULL. Null where nothing has changed.
    /// </summary>
    public string? FindChange(Table table)
    {
        var now = table.Metadata;
        if (now.CurrentSchemaId != Schema.SchemaId) return $"its schema was {Schema.SchemaId} and is {now.CurrentSchemaId} now";
        if (now.DefaultSpecId != Spec.SpecId) return $"its partition spec was {Spec.SpecId} and is {now.DefaultSpecId} now";
        if (now.DefaultSortOrder.OrderId != Order.OrderId) return $"its sort order was {Order.OrderId} and is {now.DefaultSortOrder.OrderId} now";
        if (now.Location != _location) return $"its location was {_location} and is {now.Location} now";
        var settings = SettingsOf(now);
        var changed = settings.Keys.Union(_settings.Keys).FirstOrDefault(key => settings.GetValueOrDefault(key) != _settings.GetValueOrDefault(key));
        return changed is null ? null : $"its property {changed} was {Show(_settings.GetValueOrDefault(changed))} and is {Show(settings.GetValueOrDefault(changed))} now";

        static string Show(string? value) => value is null ? "not set" : $"'{value}'";
    }

    /// <summary>
    /// The properties by which this program writes data files. Others must drop no batch: an engine that changes one of its own
    /// with each of its commits would hold the run up for ever. Those of metadata files take effect by themselves.
    /// </summary>
    private static readonly ImmutableArray<string> SettingsPrefixes =
        ["write.parquet.", "write.target-file-size-bytes", "write.distribution-mode", "write.format.default", "write.location-provider.", "write.data.path", "write.object-storage.", "write.folder-storage.path"];

    private static ImmutableSortedDictionary<string, string> SettingsOf(TableMetadata metadata) => metadata.Properties.RemoveRange(
        metadata.Properties.Keys.Where(key => !SettingsPrefixes.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal))));

    /// <exception cref="PipelineException">A column is missing, or cannot hold what the query gives; or the table is a copy.</exception>
    public static TableBinding Bind(TablePlan plan, Table table)
    {
        WritableTable.Check(table);
        if (table.FindOtherFolder() is { } other)
        {
            throw PipelineException.Refused(
                $"Table {plan.Identifier} was read from {table.MetadataLocation}, but its metadata says that it is in {other}: its folder was copied or moved, and its files would be written into the other folder.",
                "Point the warehouse at the folder that the metadata names, or put this one in its place; a copy that is to be a table of its own needs metadata with its own addresses (rewrite_table_path of Iceberg's Spark procedures).");
        }
        var schema = table.Metadata.CurrentSchema;
        var spec = table.Metadata.DefaultSpec;
        var faults = new List<string>();
        var columns = ImmutableArray.CreateBuilder<ParquetColumn>();
        var map = ImmutableArray.CreateBuilder<int>();
        for (var i = 0; i < plan.Rows.Count; i++)
        {
            var (name, type) = plan.Rows[i];
            if (schema.FindColumn(name) is not { } column)
                faults.Add($"it has no column '{name}' (it has {string.Join(", ", schema.Fields.Select(field => field.Name))})");
            else if (!TypeMapping.IsWritable(type, column.Type))
                faults.Add($"its column '{name}' of type {column.Type} cannot hold {type.Name}");
            else if (column.IsRequired && type.IsNullable)
                faults.Add($"its column '{name}' is required, and the query's can be NULL");
            else
            {
                columns.Add(new ParquetColumn(column.Id, column.Name, ParquetTypeOf(column.Type), column.IsRequired));
                map.Add(i);
            }
        }
        foreach (var column in schema.Fields)
            if (column.IsRequired && plan.Rows.IndexOf(column.Name) < 0) faults.Add($"its required column '{column.Name}' is not among the query's");
        if (faults.Count != 0)
        {
            throw new PipelineException(FailureKind.BadDefinition,
                $"The query does not fit table {plan.Identifier}: {string.Join("; ", faults)}.",
                "Change the SQL (aliases, CAST, COALESCE), or evolve the table; columns are matched by name.");
        }
        return new TableBinding(schema, spec, table.Metadata.DefaultSortOrder, columns.ToImmutable(), map.ToImmutable(), table.Metadata.Location, SettingsOf(table.Metadata));
    }

    private static ParquetType ParquetTypeOf(IcebergType type) => type switch
    {
        IcebergType.Boolean => new ParquetType.Boolean(),
        IcebergType.Int => new ParquetType.Int(),
        IcebergType.Long => new ParquetType.Long(),
        IcebergType.Float => new ParquetType.Float(),
        IcebergType.Double => new ParquetType.Double(),
        IcebergType.Decimal(var precision, var scale) => new ParquetType.Decimal(precision, scale),
        IcebergType.Date => new ParquetType.Date(),
        IcebergType.Time => new ParquetType.Time(),
        IcebergType.Timestamp => new ParquetType.Timestamp(),
        IcebergType.TimestampTz => new ParquetType.TimestampTz(),
        IcebergType.String => new ParquetType.String(),
        IcebergType.Uuid => new ParquetType.Uuid(),
        IcebergType.Fixed(var length) => new ParquetType.Fixed(length),
        IcebergType.Binary => new ParquetType.Binary(),
        _ => throw new NotSupportedException($"Columns of type {type} cannot be written yet."),
    };
}
