using System.Globalization;
using System.Collections.Immutable;
using Matih.Batches;
using Matih.Definition;
using Matih.Definition.Shapes;
using Matih.Iceberg;
using Matih.Iceberg.Metadata;
using Matih.Sql;

namespace Matih.Planning;

/// <summary>What planning gave: a plan for every flow, or every error found.</summary>
/// <param name="Warnings">What is allowed but probably not meant, in the same form.</param>
public sealed record PlanResult(ImmutableArray<PlannedFlow> Flows, ImmutableArray<DefinitionError> Errors, ImmutableArray<DefinitionError> Warnings)
{
    /// <summary>What this engine does not compile of statements that another one is to run; their flows have no plan.</summary>
    public ImmutableArray<DefinitionError> Uncompiled { get; init; } = [];

    public bool IsValid => Errors.IsEmpty;
}

/// <summary>One flow: its definition, and the plan to run.</summary>
public sealed record PlannedFlow(FlowDefinition Definition, FlowPlan Plan);

/// <summary>
/// Second half of validation: compiles the SQL of every flow, and resolves partition fields and column types against the
/// query's output. Needs neither Kafka nor a catalog.
/// </summary>
public static class PipelinePlanner
{
    private const string EventTimestamp = "event_timestamp";

    /// <param name="definition">What to plan.</param>
    /// <param name="isForFlink">Whether Flink is to run the statements: one that this engine does not compile is no error then.</param>
    public static PlanResult Plan(PipelineDefinition definition, bool isForFlink = false)
    {
        var flows = ImmutableArray.CreateBuilder<PlannedFlow>();
        var (errors, uncompiled) = (new List<DefinitionError>(), new List<DefinitionError>());
        foreach (var flow in definition.Flows)
        {
            if (!isForFlink && WhyOnlyFlink(flow) is { } reason) errors.Add(reason);
            else if (flow.FlinkSource is null && PlanFlow(definition, flow, errors, isForFlink ? uncompiled : errors) is { } plan) flows.Add(new PlannedFlow(flow, plan));
        }
        errors.AddRange(FindNested(definition.Sinks));
        var distinct = errors.Distinct().OrderBy(error => error.Position).ToImmutableArray();
        return new PlanResult(distinct.IsEmpty ? [.. flows.Select(flow => WithSiblings(flow, flows))] : [], distinct, [.. definition.Sinks.SelectMany(FindMisspelt), .. flows.SelectMany(FindOddNames)])
        {
            Uncompiled = [.. uncompiled.Distinct()],
        };
    }

    /// <summary>Why this engine cannot run a flow that Flink can; null where it can.</summary>
    private static DefinitionError? WhyOnlyFlink(FlowDefinition flow)
    {
        const string Remedy = "set orchestration.engine to flink and bring the pipeline onto a cluster with `matih deploy`";
        if (flow.FlinkSource is { } source)
            return At(source.Position, $"sources.{source.Name}.type", $"connector {source.Connector} is Flink's, and this engine reads Kafka topics. To run it, {Remedy}, or bring the data into a topic, as Debezium does with the changes of a database, and use type kafka.");
        if (flow.Sink.Catalog is CatalogDefinition.Hive hive)
            return At(flow.Sink.TablePosition, $"sinks.{flow.Sink.Name}.table", $"catalog '{hive.Name}' is a Hive metastore, which this engine does not reach. Put a REST catalog in front of it (Gravitino and Polaris have one), or {Remedy}.");
        return flow.Sink.Mode == SinkMode.Upsert
            ? At(flow.Sink.Position, $"sinks.{flow.Sink.Name}.mode", $"this engine does not write by upsert in this version. To run it, {Remedy}, or use append.")
            : null;
    }

    /// <summary>A file catalog keeps a table in the folder of its name, which belongs to it alone.</summary>
    private static IEnumerable<DefinitionError> FindNested(ImmutableArray<SinkDefinition> sinks) =>
        from inner in sinks
        from outer in sinks
        where inner.Catalog == outer.Catalog && $"{inner.Table}.".StartsWith($"{outer.Table}.", StringComparison.Ordinal) && inner.Table != outer.Table
        select At(inner.TablePosition, $"sinks.{inner.Name}.table", $"{inner.Table} would lie in the folder of table {outer.Table} of sink '{outer.Name}'; give it another namespace.");

    /// <summary>Iceberg allows any property, and one that is nearly a known one does nothing.</summary>
    private static IEnumerable<DefinitionError> FindMisspelt(SinkDefinition sink) =>
        from name in sink.Properties.Keys
        where !TablePropertyNames.IsKnown(name)
        let meant = Spelling.NearestWithin(Math.Min(2, name.Length / 5), name, TablePropertyNames.Candidates(name))
        where meant is not null
        let place = sink.PropertyPlaces.GetValueOrDefault(name)
        select At(place?.Position ?? sink.Position, place?.Path ?? $"sinks.{sink.Name}.properties.{name}", $"is no property that Iceberg knows, and does nothing here; did you mean '{meant}'?");

    private static IEnumerable<DefinitionError> FindOddNames(PlannedFlow flow)
    {
        var sink = flow.Definition.Sink;
        return ColumnNames.Oddities(flow.Plan.Table.Rows).Select(oddity => At(sink.Position, $"sinks.{sink.Name}", oddity));
    }

    private static PlannedFlow WithSiblings(PlannedFlow flow, IEnumerable<PlannedFlow> all)
    {
        var sink = flow.Definition.Sink;
        var siblings = all.Select(other => other.Definition.Sink).Where(other => other.Name != sink.Name && other.Table == sink.Table && other.Catalog == sink.Catalog).ToList();
        var maintainer = MaintainerOf([.. siblings, sink]);
        return flow with
        {
            Plan = flow.Plan with
            {
                SiblingSinks = [.. siblings.Select(other => other.Name)],
                MaintainsTable = maintainer.Name == sink.Name && sink.Maintenance.Mode != MaintenanceMode.Off,
                // Whichever of them creates the table, it says what the one goes by that maintains it.
                Table = flow.Plan.Table with { Defaults = DefaultsOf(maintainer) },
            },
        };
    }

    /// <summary>Of sinks into one table, the one whose settings count for its maintenance: one that says <c>on</c> before one that says nothing.</summary>
    public static SinkDefinition MaintainerOf(IEnumerable<SinkDefinition> sinks) => sinks
        .OrderBy(sink => sink.Maintenance.Mode switch { MaintenanceMode.On => 0, MaintenanceMode.Auto => 1, _ => 2 }).ThenBy(sink => sink.Name, StringComparer.Ordinal).First();

    /// <summary>Plans the table of a flow whose columns are known otherwise than by compiling its statements here.</summary>
    /// <param name="rows">The query's output columns.</param>
    /// <param name="errors">Gets what is wrong: types that no table holds, partition fields of columns that are not there.</param>
    public static TablePlan? PlanTable(FlowDefinition flow, RowType rows, List<DefinitionError> errors)
    {
        if (WithKey(flow.Sink, rows, errors) is not { } keyed) return null;
        rows = keyed;
        var partitionBy = ResolvePartitioning(flow.Sink, rows, errors);
        var hasUnwritable = CheckTypes(flow.Sink, rows, errors) | CheckNames(flow.Sink, rows, errors);
        var areSound = CheckProperties(flow.Sink, rows, errors);
        if (partitionBy is not { } requests || hasUnwritable || !CheckPartitionNames(flow.Sink, rows, requests, errors) || !CheckPartitionKey(flow.Sink, requests, errors) || !areSound) return null;
        return new TablePlan(
            new TableIdentifier(flow.Sink.Table.Namespace, flow.Sink.Table.Name), rows, requests, PropertiesOf(flow.Sink), flow.Sink.CreatesTable,
            flow.Sink.TargetFileBytes)
        {
            Key = flow.Sink.Key,
            Branch = flow.Sink.Branch,
            SchemaEvolution = flow.Sink.SchemaEvolution,
            SnapshotProperties = flow.Sink.SnapshotProperties,
            FormatVersion = FormatVersionOf(flow.Sink),
            Defaults = DefaultsOf(flow.Sink),
        };
    }

    private static int? FormatVersionOf(SinkDefinition sink) =>
        sink.Properties.TryGetValue(TablePropertyRules.FormatVersion, out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : null;

    /// <summary>
    /// A table that is created here says that pipelines maintain it, and how long snapshots stay, so that it need not be guessed.
    /// Where a server or database names the metadata file, those before it need not stay: a file catalog lives by them.
    /// </summary>
    private static ImmutableSortedDictionary<string, string> DefaultsOf(SinkDefinition sink)
    {
        var defaults = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        if (sink.Maintenance.Mode == MaintenanceMode.Off) return defaults.ToImmutable();
        defaults[MaintenanceDefinition.TableProperty] = "auto";
        defaults[TablePropertyRules.SnapshotAgeMax] = ((long)(sink.Maintenance.Retention ?? MaintenanceDefinition.RetentionDefault).TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        if (sink.Catalog is not CatalogDefinition.File) defaults[TablePropertyRules.DeleteAfterCommit] = "true";
        return defaults.ToImmutable();
    }

    /// <summary>Iceberg's sink of Flink replaces rows where the table says so (Iceberg documentation, "Flink writes", "UPSERT").</summary>
    private static ImmutableSortedDictionary<string, string> PropertiesOf(SinkDefinition sink)
    {
        var properties = sink.Properties.Remove(TablePropertyRules.FormatVersion);
        return sink.Mode == SinkMode.Upsert ? properties.SetItem("write.upsert.enabled", "true") : properties;
    }

    /// <summary>The rows with the key's columns NOT NULL, as identifier fields have to be; null after a report.</summary>
    private static RowType? WithKey(SinkDefinition sink, RowType rows, List<DefinitionError> errors)
    {
        var before = errors.Count;
        foreach (var column in sink.Key)
        {
            if (rows.IndexOf(column) is var at && at < 0) Refuse($"'{column}' is no column of the query; its columns are {string.Join(", ", rows.Fields.Select(field => field.Name))}.");
            else if (rows[at].Type is DataType.Float or DataType.Double) Refuse($"column '{column}' has type {rows[at].Type.Name}, by which Iceberg identifies no row. Cast it, or choose another column.");
        }
        return errors.Count == before ? new RowType([.. rows.Fields.Select(field => sink.Key.Contains(field.Name) ? new Field(field.Name, field.Type.NotNull()) : field)]) : null;

        void Refuse(string message) => errors.Add(At(sink.Position, $"sinks.{sink.Name}.key", message));
    }

    /// <summary>A row's deletion is written into the partition of its key: a partition by another column would keep the old row.</summary>
    private static bool CheckPartitionKey(SinkDefinition sink, ImmutableArray<PartitionRequest> requests, List<DefinitionError> errors)
    {
        if (sink.Key.IsEmpty) return true;
        var foreign = requests.Select((request, i) => (request.Column, Index: i)).Where(found => !sink.Key.Contains(found.Column)).ToList();
        foreach (var (column, i) in foreign)
            errors.Add(At(sink.PartitionBy[i].Position, $"sinks.{sink.Name}.partition_by[{i}]", $"'{column}' is not in the key ({string.Join(", ", sink.Key)}): with upsert the new row would go into one partition, and the deletion of the old one into another. Partition by columns of the key."));
        return foreign.Count == 0;
    }

    private static FlowPlan? PlanFlow(PipelineDefinition definition, FlowDefinition flow, List<DefinitionError> errors, List<DefinitionError> sqlErrors)
    {
        if (Compile(flow, sqlErrors) is not { } query || PlanTable(flow, query.Output, errors) is not { } table) return null;

        var orchestration = definition.Orchestration;
        var source = flow.Source;
        return new FlowPlan
        {
            Name = new FlowName(flow.Pipeline, flow.Sink.Name),
            SourceName = source.Name,
            Topic = source.Topic,
            IsolationLevel = source.ReadsCommittedOnly ? "read_committed" : "read_uncommitted",
            Start = source.Start,
            OnError = source.OnError,
            OnLostOffsets = source.OnLostOffsets,
            DefinitionHash = flow.Hash,
            Query = query,
            Table = table,
            CheckpointInterval = orchestration.CheckpointInterval,
            Parallelism = orchestration.Parallelism,
            RecordCountMax = orchestration.MaxRecords,
            IdleTimeout = orchestration.IdleTimeout,
            RetryCountMax = orchestration.MaxRetries,
            CommitFailureMax = orchestration.CommitFailureLimit,
            MemoryBytes = orchestration.MemoryBytesMax,
        };
    }

    private static CompiledQuery? Compile(FlowDefinition flow, List<DefinitionError> errors)
    {
        var format = flow.Source.Format switch
        {
            RecordFormat.Json => InputFormat.Json,
            RecordFormat.Avro => InputFormat.Typed,
            _ => InputFormat.Raw,
        };
        var input = new QueryInput(flow.Source.Name, flow.Source.Schema, HasRecordMetadata: true, format);
        (string Name, string Sql)[] chain = flow.Transformations.IsEmpty
            ? [(flow.Sink.Name, "SELECT * FROM {{ input }}")]
            : [.. flow.Transformations.Select(step => (step.Name, step.Sql.Text))];
        var compilation = QueryCompiler.CompileChain(chain, input, new QuerySettings { TimeZone = TimeZoneInfo.FindSystemTimeZoneById(flow.TimeZone) });
        if (compilation is { Query: { } query, Unnamed.IsEmpty: true }) return query;
        foreach (var error in compilation.Errors.Concat(compilation.Unnamed))
        {
            if (flow.Transformations.IsEmpty)
            {
                errors.Add(At(flow.Sink.Position, $"sinks.{flow.Sink.Name}", error.Message));
                continue;
            }
            var step = flow.Transformations[error.Statement];
            errors.Add(At(step.Sql.PositionAt(error.Offset), $"transformations.{step.Name}.sql", error.Message));
        }
        return null;
    }

    private static ImmutableArray<PartitionRequest>? ResolvePartitioning(SinkDefinition sink, RowType rows, List<DefinitionError> errors)
    {
        var requests = ImmutableArray.CreateBuilder<PartitionRequest>();
        var isRight = true;
        for (var i = 0; i < sink.PartitionBy.Length; i++)
        {
            var entry = sink.PartitionBy[i];
            var request = Resolve(entry, rows, out var fault);
            if (request is not null && rows[rows.IndexOf(request.Column)].Type is var type
                && CanBeWritten(type) && request.Transform.ResultType(TypeMapping.ToIceberg(type)) is null)
            {
                fault = $"{request.Transform} cannot partition column '{request.Column}' of type {type.Name}.";
            }
            if (fault is null)
            {
                requests.Add(request!);
                continue;
            }
            errors.Add(At(entry.Position, $"sinks.{sink.Name}.partition_by[{i}]", fault));
            isRight = false;
        }
        return isRight ? requests.ToImmutable() : null;
    }

    private static PartitionRequest? Resolve(PartitionDefinition entry, RowType rows, out string? fault)
    {
        fault = null;
        if (rows.IndexOf(entry.Column) >= 0) return new PartitionRequest(entry.Column, TransformOf(entry), entry.FieldName);
        if (entry.MayBeEventDate && rows.IndexOf(EventTimestamp) >= 0) return new PartitionRequest(EventTimestamp, new Transform.Day(), entry.FieldName ?? entry.Text);
        var columns = string.Join(", ", rows.Fields.Select(field => field.Name));
        fault = entry.MayBeEventDate
            ? $"'date' stands for the day of {EventTimestamp}, which the query does not give (its columns are {columns}). Select {EventTimestamp}, or partition by one of these."
            : $"'{entry.Column}' is no column of the query; its columns are {columns}.";
        return null;
    }

    /// <summary>Builds the partition spec as the table's creation does, entry by entry, so that both give the same answer.</summary>
    private static bool CheckPartitionNames(SinkDefinition sink, RowType rows, ImmutableArray<PartitionRequest> requests, List<DefinitionError> errors)
    {
        var schema = Schema.FromRow(rows);
        for (var i = 0; i < requests.Length; i++)
        {
            if (requests[i].Name is { } name && ColumnNames.FaultOf(name) is { } wrong)
            {
                errors.Add(At(sink.PartitionBy[i].Position, $"sinks.{sink.Name}.partition_by[{i}]", $"partition field '{ColumnNames.Shown(name)}' {wrong}; give it another one."));
                return false;
            }
            try
            {
                PartitionSpec.Create(schema, requests[..(i + 1)].Select(request => (request.Column, request.Transform, request.Name)));
            }
            catch (ArgumentException fault)
            {
                errors.Add(At(sink.PartitionBy[i].Position, $"sinks.{sink.Name}.partition_by[{i}]", $"{fault.Message} '{sink.PartitionBy[i].Text} AS name' gives the partition field a name."));
                return false;
            }
        }
        return true;
    }

    private static bool CheckProperties(SinkDefinition sink, RowType rows, List<DefinitionError> errors)
    {
        var before = errors.Count;
        var location = sink.Catalog switch { CatalogDefinition.File file => file.Warehouse, CatalogDefinition.Sql sql => sql.Warehouse, _ => null };
        foreach (var (property, fault) in TablePropertyRules.FaultsOfNew(sink.Properties, rows.Fields.Select(field => field.Name), location, namesMetadata: sink.Catalog is not CatalogDefinition.File))
        {
            var place = sink.PropertyPlaces.GetValueOrDefault(property);
            errors.Add(At(place?.Position ?? sink.Position, place?.Path ?? $"sinks.{sink.Name}.properties.{property}", fault));
        }
        return errors.Count == before;
    }

    private static Transform TransformOf(PartitionDefinition entry) => entry.Transform switch
    {
        PartitionTransform.Identity => new Transform.Identity(),
        PartitionTransform.Year => new Transform.Year(),
        PartitionTransform.Month => new Transform.Month(),
        PartitionTransform.Day => new Transform.Day(),
        PartitionTransform.Hour => new Transform.Hour(),
        PartitionTransform.Bucket => new Transform.Bucket(entry.Parameter!.Value),
        PartitionTransform.Truncate => new Transform.Truncate(entry.Parameter!.Value),
        _ => throw new InvalidOperationException($"Unknown transform {entry.Transform}."),
    };

    private static bool CheckTypes(SinkDefinition sink, RowType rows, List<DefinitionError> errors)
    {
        var faults = rows.Fields.Select(field => (field.Name, Fault: FaultOf(field.Type))).Where(found => found.Fault is not null).ToList();
        foreach (var (name, fault) in faults) errors.Add(At(sink.Position, $"sinks.{sink.Name}", $"column '{name}' of the query {fault}."));
        if (faults.Count != 0) return true;
        if (!sink.CreatesTable || (FormatVersionOf(sink) ?? TableMetadata.FormatVersionDefault) >= TableMetadata.NanosecondsFormatVersion) return false;
        if (TypeMapping.FindNanoseconds(TypeMapping.ToFields(rows, static () => 0)) is not var (path, type)) return false;
        errors.Add(At(sink.Position, $"sinks.{sink.Name}",
            $"column '{path}' of the query needs the type {type}, which tables have from format version 3 on; add properties: {{ format-version: 3 }} to the sink, or cast the column to TIMESTAMP(6) or TIMESTAMP_LTZ(6) in the SQL."));
        return true;

        static string? FaultOf(DataType type)
        {
            if (!CanBeWritten(type)) return $"has type {type.Name}, which no Iceberg column holds here; cast it in the SQL";
            return TypeMapping.FaultOfDepth(TypeMapping.ToIceberg(type)) is { } fault ? $"{fault}; select what is needed of it as columns of their own" : null;
        }
    }

    private static bool CheckNames(SinkDefinition sink, RowType rows, List<DefinitionError> errors)
    {
        var faults = rows.Fields.Select(field => (field.Name, Fault: ColumnNames.FaultOf(field.Name))).Where(found => found.Fault is not null).ToList();
        foreach (var (name, fault) in faults)
            errors.Add(At(sink.Position, $"sinks.{sink.Name}", $"column '{ColumnNames.Shown(name)}' of the query {fault}; give it another one with AS in the SQL."));
        return faults.Count != 0;
    }

    private static bool CanBeWritten(DataType type)
    {
        try
        {
            TypeMapping.ToIceberg(type);
            return true;
        }
        catch (NotSupportedException)
        {
            return false;
        }
    }

    private static DefinitionError At(DefinitionPosition position, string path, string message) =>
        new(position.File, position.Line, position.Column, path, message);
}
