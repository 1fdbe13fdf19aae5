using System.Collections.Immutable;
using System.Globalization;
using Matih.Batches;
using Matih.Definition;
using Matih.Delivery.Tables;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;
using Matih.Iceberg;
using Matih.Parquet;
using Matih.Planning;
using Matih.Storage;

namespace Matih.Delivery.IcebergTables;

/// <summary>A flow's binding to the schema, partition spec and sort order of an Iceberg table.</summary>
internal sealed class IcebergBinding : TableBinding
{
    private readonly TableMetadata _metadata;
    private readonly TableFiles _files;
    private readonly MetricsSelection _metrics;
    private readonly ImmutableSortedDictionary<string, string> _settings;

    private IcebergBinding(TableMetadata metadata, ImmutableArray<ParquetColumn> columns, ImmutableArray<int> columnMap, ImmutableArray<SuppliedColumn> supplied) : base(columns, columnMap, supplied)
    {
        _metadata = metadata;
        _files = new TableFiles(metadata);
        _metrics = new MetricsSelection(metadata);
        _settings = SettingsOf(metadata);
    }

    private Schema Schema => _metadata.CurrentSchema;

    private PartitionSpec Spec => _metadata.DefaultSpec;

    private SortOrder Order => _metadata.DefaultSortOrder;

    public override TableBinding OfStoredRows() => new IcebergBinding(_metadata, Columns, [.. Enumerable.Range(0, Columns.Length)], []);

    public override string Shape => string.Create(CultureInfo.InvariantCulture, $"{Schema.SchemaId}\n{Spec.SpecId}");

    /// <summary>The partition spec in a shape.</summary>
    public static int SpecIdOf(string shape) => int.Parse(shape.AsSpan(shape.IndexOf('\n') + 1), NumberStyles.None, CultureInfo.InvariantCulture);

    public override IRowRouter CreateRouter(RowType rows) => new IcebergRouter(new PartitionRouter(Schema, Spec, rows));

    public override ISortKeys? CreateSortKeys(RowType rows) => SortKeyEncoder.Create(Schema, Order, rows) is { } encoder ? new IcebergSortKeys(encoder) : null;

    public override string NewLocation(TablePartition partition, IIdSource ids) => _files.DataLocation(KeyOf(partition), $"{ids.NewUuid():N}.parquet");

    public override WrittenFile Describe(string location, TablePartition partition, ParquetFileSummary summary, bool isSorted) => new IcebergFile(DataFile.Written(
        location, KeyOf(partition), summary.RowCount, summary.LengthBytes,
        [.. summary.Columns.Select(column => new ColumnMetrics(
            column.FieldId, column.CompressedBytes, column.ValueCount, column.NullCount, column.NanCount, column.LowerBound, column.UpperBound))],
        summary.SplitOffsets, _metrics, isSorted ? Order.OrderId : SortOrder.Unsorted.OrderId));

    private static PartitionKey KeyOf(TablePartition partition) => ((IcebergPartition)partition).Key;

    public override string? FindChange(ITableVersion table)
    {
        var now = ((IcebergVersion)table).Table.Metadata;
        if (now.CurrentSchemaId != Schema.SchemaId) return $"its schema was {Schema.SchemaId} and is {now.CurrentSchemaId} now";
        if (now.DefaultSpecId != Spec.SpecId) return $"its partition spec was {Spec.SpecId} and is {now.DefaultSpecId} now";
        if (now.DefaultSortOrder.OrderId != Order.OrderId) return $"its sort order was {Order.OrderId} and is {now.DefaultSortOrder.OrderId} now";
        if (now.Location != _metadata.Location) return $"its location was {_metadata.Location} and is {now.Location} now";
        var settings = SettingsOf(now);
        var changed = settings.Keys.Union(_settings.Keys).FirstOrDefault(key => settings.GetValueOrDefault(key) != _settings.GetValueOrDefault(key));
        return changed is null ? null : $"its property {changed} was {Show(_settings.GetValueOrDefault(changed))} and is {Show(settings.GetValueOrDefault(changed))} now";

        static string Show(string? value) => value is null ? "not set" : $"'{value}'";
    }

    /// <summary>
    /// The properties by which this program writes data files. Others must drop no batch: an engine that changes one of its own
    /// with each of its commits would hold the run up for ever. Those of metadata files take effect by themselves, but for the
    /// metrics that data files are described with.
    /// </summary>
    private static readonly ImmutableArray<string> SettingsPrefixes =
        ["write.parquet.", "write.target-file-size-bytes", "write.distribution-mode", "write.format.default", "write.location-provider.", "write.data.path", "write.object-storage.", "write.folder-storage.path", "write.metadata.metrics."];

    private static ImmutableSortedDictionary<string, string> SettingsOf(TableMetadata metadata) => metadata.Properties.RemoveRange(
        metadata.Properties.Keys.Where(key => !SettingsPrefixes.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal))));

    /// <exception cref="PipelineException">A column is missing, or cannot hold what the query gives; or the table is a copy.</exception>
    public static IcebergBinding Bind(TablePlan plan, Table table)
    {
        RequireWritable(plan, table);
        var match = Match(plan.Rows, table.Metadata.CurrentSchema);
        return match.Faults.Count == 0 ? new IcebergBinding(table.Metadata, match.Columns, match.Map, match.Supplied) : throw DoesNotFit(plan, match.Faults);
    }

    /// <summary>What the plan lets a run change in the table's columns, so that the rows fit; null where nothing is to change.</summary>
    /// <exception cref="PipelineException">The table cannot be written, or lacks a column that must not be added.</exception>
    public static SchemaEvolution? FindEvolution(TablePlan plan, Table table)
    {
        RequireWritable(plan, table);
        if (plan.SchemaEvolution == SchemaEvolutionMode.Strict) return null;
        var faults = new List<string>();
        var evolution = SchemaEvolution.Find(table.Metadata, plan.Rows, isFull: plan.SchemaEvolution == SchemaEvolutionMode.Full, faults);
        return faults.Count == 0 ? evolution : throw DoesNotFit(plan, faults);
    }

    /// <exception cref="PipelineException">The rows do not fit, even after what the plan lets a run change.</exception>
    public static void RequireFit(TablePlan plan, Table table)
    {
        var schema = FindEvolution(plan, table)?.Schema ?? table.Metadata.CurrentSchema;
        if (Match(plan.Rows, schema).Faults is { Count: > 0 } faults) throw DoesNotFit(plan, faults);
    }

    private static void RequireWritable(TablePlan plan, Table table)
    {
        WritableTable.Check(table);
        if (table.FindOtherFolder() is not { } other) return;
        throw PipelineException.Refused(
            $"Table {plan.Identifier} was read from {table.MetadataLocation}, but its metadata says that it is in {other}: its folder was copied or moved, and its files would be written into the other folder.",
            "Point the warehouse at the folder that the metadata names, or put this one in its place; a copy that is to be a table of its own needs metadata with its own addresses (rewrite_table_path of Iceberg's Spark procedures).");
    }

    private static Matching Match(RowType rows, Schema schema)
    {
        var faults = new List<string>();
        var columns = ImmutableArray.CreateBuilder<ParquetColumn>();
        var map = ImmutableArray.CreateBuilder<int>();
        for (var i = 0; i < rows.Count; i++)
        {
            var (name, type) = rows[i];
            if (schema.FindColumn(name) is not { } column)
                faults.Add($"it has no column '{name}' (it has {string.Join(", ", schema.Fields.Select(field => field.Name))})");
            else if (TypeMapping.FaultOf(type, column.Type, name) is { } fault)
                faults.Add("its column " + fault);
            else if (TypeMapping.FaultOfDepth(column.Type) is { } tooDeep)
                faults.Add($"its column '{name}' {tooDeep}");
            else if (column.IsRequired && type.IsNullable)
                faults.Add($"its column '{name}' is required, and the query's can be NULL");
            else
            {
                columns.Add(ColumnOf(column));
                map.Add(i);
            }
        }
        var supplied = ImmutableArray.CreateBuilder<SuppliedColumn>();
        foreach (var column in schema.Fields)
        {
            if (rows.IndexOf(column.Name) >= 0) continue;
            if (IcebergDefaults.HasDefault(column))
            {
                if (SupplyOf(column) is not var (stored, value))
                {
                    faults.Add($"its column '{column.Name}' of type {column.Type} is not among the query's, and its default ({column.WriteDefault ?? "NULL"}) cannot be written");
                    continue;
                }
                columns.Add(stored);
                map.Add(rows.Count + supplied.Count);
                supplied.Add(value);
            }
            else if (column.IsRequired)
            {
                faults.Add($"its required column '{column.Name}' is not among the query's");
            }
        }
        return new Matching(columns.ToImmutable(), map.ToImmutable(), supplied.ToImmutable(), faults);
    }

    /// <param name="Columns">Of the table, which files get.</param>
    /// <param name="Map">For each of them the query's column, or the place of a supplied one behind these.</param>
    /// <param name="Supplied">Defaults of columns that the query does not give.</param>
    /// <param name="Faults">Why the query does not fit; none where it does.</param>
    private sealed record Matching(ImmutableArray<ParquetColumn> Columns, ImmutableArray<int> Map, ImmutableArray<SuppliedColumn> Supplied, List<string> Faults);

    /// <summary>The column as files hold it, and its default; null where this build cannot write it.</summary>
    private static (ParquetColumn Stored, SuppliedColumn Value)? SupplyOf(NestedField column)
    {
        if (!column.Type.IsPrimitive || column.Type is IcebergType.Other) return null;
        var stored = ColumnOf(column);
        return IcebergDefaults.ForWriting(column, stored) is { } value ? (stored, value) : null;
    }

    private static PipelineException DoesNotFit(TablePlan plan, List<string> faults) => new(FailureKind.BadDefinition,
        $"The query does not fit table {plan.Identifier}: {string.Join("; ", faults)}.",
        $"Change the SQL (aliases, CAST, COALESCE), or evolve the table; columns are matched by name.{plan.SchemaEvolution switch
        {
            SchemaEvolutionMode.Strict => " With `schema_evolution: add` at the sink a run adds columns by itself.",
            SchemaEvolutionMode.Add => " With `schema_evolution: full` at the sink a run also widens types and makes columns optional.",
            _ => "",
        }}");

    /// <summary>For rows of the table itself: every column of its schema, in its order.</summary>
    /// <param name="withLineage">Whether <see cref="RowLineageFields"/> follow, as where rows keep their ids.</param>
    /// <exception cref="UnsupportedTableException">The table cannot be written, or a column's type cannot.</exception>
    public static IcebergBinding OfWholeTable(Table table, bool withLineage = false)
    {
        WritableTable.Check(table);
        var fields = table.Metadata.CurrentSchema.Fields;
        if (IcebergDefaults.NestedWithInitialDefault(table.Metadata.CurrentSchema).FirstOrDefault() is { } nested)
            throw new UnsupportedTableException($"The rows of table {table.Identifier} cannot be written: the field '{nested}' has an initial-default, which this build knows of columns only.");
        if (fields.FirstOrDefault(field => TypeMapping.FaultOfDepth(field.Type) is not null) is { } deep)
            throw new UnsupportedTableException($"The rows of table {table.Identifier} cannot be written: its column '{deep.Name}' {TypeMapping.FaultOfDepth(deep.Type)}.");
        ImmutableArray<ParquetColumn> lineage = withLineage ? [RowLineageFields.RowId, RowLineageFields.LastUpdated] : [];
        if (lineage.FirstOrDefault(reserved => table.Metadata.CurrentSchema.FindColumn(reserved.Name) is not null) is { } taken)
            throw new UnsupportedTableException($"The rows of table {table.Identifier} cannot be written: its column '{taken.Name}' has the name of one that rows of format version 3 have by themselves. Rename it.");
        try
        {
            return new IcebergBinding(table.Metadata, [.. fields.Select(ColumnOf), .. lineage], [.. Enumerable.Range(0, fields.Length + lineage.Length)], []);
        }
        catch (NotSupportedException e)
        {
            throw new UnsupportedTableException($"The rows of table {table.Identifier} cannot be written: {e.Message}");
        }
    }

    /// <summary>What rows of files that are older than a column have in it, by field id.</summary>
    /// <exception cref="UnsupportedTableException">This build cannot write such a value.</exception>
    public IReadOnlyDictionary<int, SuppliedColumn> InitialDefaults => Schema.Fields.Where(column => column.InitialDefault is not null).ToDictionary(
        column => column.Id,
        column => IcebergDefaults.ForReading(column, ColumnOf(column))
            ?? throw new UnsupportedTableException($"The initial-default {column.InitialDefault} of column '{column.Name}' of type {column.Type} cannot be written by this build."));

    private static ParquetColumn ColumnOf(NestedField field) => new(field.Id, field.Name, ParquetTypeOf(field.Type), field.IsRequired);

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
        IcebergType.TimestampNs => new ParquetType.TimestampNs(),
        IcebergType.TimestampTzNs => new ParquetType.TimestampTzNs(),
        IcebergType.String => new ParquetType.String(),
        IcebergType.Uuid => new ParquetType.Uuid(),
        IcebergType.Fixed(var length) => new ParquetType.Fixed(length),
        IcebergType.Binary => new ParquetType.Binary(),
        IcebergType.List list => new ParquetType.List(new ParquetColumn(list.ElementId, "element", ParquetTypeOf(list.Element), list.IsElementRequired)),
        IcebergType.Map map => new ParquetType.Map(
            new ParquetColumn(map.KeyId, "key", ParquetTypeOf(map.Key), IsRequired: true), new ParquetColumn(map.ValueId, "value", ParquetTypeOf(map.Value), map.IsValueRequired)),
        IcebergType.Struct fields => new ParquetType.Struct([.. fields.Fields.Select(ColumnOf)]),
        _ => throw new NotSupportedException($"Columns of type {type} cannot be written yet."),
    };
}
