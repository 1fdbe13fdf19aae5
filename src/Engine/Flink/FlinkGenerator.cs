using System.Collections.Immutable;
using System.Globalization;
using Matih.Definition;
using Matih.Iceberg.Metadata;
using Matih.Planning;

namespace Matih.Flink;

/// <summary>What generating gave: a script, or every reason why there is none.</summary>
public sealed record FlinkResult(FlinkScript? Script, ImmutableArray<DefinitionError> Errors);

/// <summary>What of the cluster a script depends on.</summary>
/// <param name="HasSqlConnector">
/// Whether its Kafka connector is <c>flink-sql-connector-kafka</c>, which holds the client's classes under other names, and not
/// <c>flink-connector-kafka</c>.
/// </param>
public sealed record FlinkTraits(bool HasSqlConnector = true)
{
    internal string KafkaClassPrefix => HasSqlConnector ? "org.apache.flink.kafka.shaded." : "";
}

/// <summary>
/// Turns a definition into a job of Flink SQL. Statements of transformations are handed on as their author wrote them: Flink
/// knows more SQL than this engine, and has the last word.
/// </summary>
/// <param name="definition">What to run.</param>
/// <param name="written">The same as its author wrote it, for placeholders; null shows the path of each secret.</param>
/// <param name="planned">Plans of those flows whose statements this engine compiles: their columns are known.</param>
/// <param name="readFile">Reads a certificate that the definition names as a file.</param>
/// <param name="begins">By source, the offset at which each of its partitions begins; a source that is not in it begins as the definition says.</param>
public sealed class FlinkGenerator(PipelineDefinition definition, WrittenDefinition? written, ImmutableArray<PlannedFlow> planned, FlinkTraits traits, Func<string, string> readFile,
    IReadOnlyDictionary<string, ImmutableArray<(int Partition, long Offset)>>? begins = null)
{
    private readonly FlinkReferences _references = new(written);
    private readonly List<DefinitionError> _errors = [];
    private readonly HashSet<string> _names = [.. definition.Transformations.SelectMany(step => StatementScan.Names(step.Sql.Text))];

    public FlinkResult Generate()
    {
        var definitions = ImmutableArray.CreateBuilder<FlinkStatement>();
        definitions.AddRange(Catalogs());
        foreach (var source in definition.Sources.Where(source => IsUsed(source.Name))) definitions.AddRange(new SourceTables(source, NamesBeside(source.Name), new KafkaClientOptions(source, _references, traits.KafkaClassPrefix, readFile), BeginOf(source)).Create(_errors));
        foreach (var source in definition.FlinkSources.Where(source => IsUsed(source.Name)))
        {
            RequireOneWriter(source);
            definitions.Add(new ConnectorTable(source, _references).Create());
        }
        foreach (var step in definition.Transformations.Where(IsUsed)) definitions.Add(View(step));
        var tables = definition.Flows.Select(TableOf).ToImmutableArray();
        CheckStars();
        CheckSnapshotProperties();
        CheckTimeZone();
        var errors = _errors.Distinct().OrderBy(error => error.Position).ToImmutableArray();
        return errors.IsEmpty
            ? new FlinkResult(new FlinkScript
            {
                JobName = definition.Metadata.Name,
                Settings = [.. JobSettings.Of(definition).Select(SettingOf)],
                Definitions = definitions.ToImmutable(),
                Tables = tables,
                Topics = [.. new SourceOrder(definition).Topics()],
                Insert = Insert(tables, "", "EXECUTE STATEMENT SET"),
                Explain = Insert(tables, "EXPLAIN ", "EXPLAIN STATEMENT SET"),
            }, [])
            : new FlinkResult(null, errors);
    }

    /// <summary>What statements that read the source name, of it or of others: what only other sources are asked for is none of its columns.</summary>
    private HashSet<string> NamesBeside(string source) =>
        [.. definition.Transformations.Select(step => (step.Input, Names: StatementScan.Names(step.Sql.Text).ToHashSet())).Where(step => step.Input == source || step.Names.Contains(source)).SelectMany(step => step.Names)];

    /// <summary><c>partition:0,offset:42;partition:1,offset:300</c>, without a blank and without a last semicolon.</summary>
    private string? BeginOf(SourceDefinition source) => begins?.GetValueOrDefault(source.Name) is { IsDefaultOrEmpty: false } offsets
        ? string.Join(';', offsets.Select(entry => string.Create(CultureInfo.InvariantCulture, $"partition:{entry.Partition},offset:{entry.Offset}")))
        : null;

    /// <summary>
    /// Iceberg's sink (seen with 1.11) keeps what its writers give at the end of their input in one place, and a checkpoint between the
    /// ends of two of them has the second overwrite the first: the job is FINISHED, and rows are missing.
    /// </summary>
    private void RequireOneWriter(FlinkSourceDefinition source)
    {
        if (source.HasEnd && definition.Orchestration.Parallelism > 1)
            Refuse(source.Position, $"sources.{source.Name}", $"has an end, and {definition.Orchestration.Parallelism} tasks write its rows: where a checkpoint comes between their ends, Iceberg's sink loses the rows of one. Set orchestration.parallelism: 1.");
    }

    /// <summary>Whether it leads to a sink, or another statement names it: a join reads more than its input.</summary>
    private bool IsUsed(string source) => _names.Contains(source) || definition.Flows.Any(flow => flow.SourceName == source);

    private bool IsUsed(TransformationDefinition step) => _names.Contains(step.Name) || definition.Flows.Any(flow => flow.Transformations.Contains(step));

    private IEnumerable<FlinkStatement> Catalogs()
    {
        var statements = new List<FlinkStatement>();
        foreach (var group in definition.Sinks.GroupBy(CatalogOptions.NameOf, StringComparer.Ordinal))
        {
            var first = group.First();
            foreach (var other in group.Where(sink => sink.Catalog.Name != first.Catalog.Name).DistinctBy(sink => sink.Catalog.Name))
                Refuse(other.TablePosition, $"sinks.{other.Name}.table", $"catalogs '{first.Catalog.Name}' and '{other.Catalog.Name}' are both called '{group.Key}' in Flink, which needs a name for each. Rename one.");
            foreach (var other in group.Where(sink => sink.Catalog is CatalogDefinition.Sql && !CatalogOptions.BaseOf(sink).SequenceEqual(CatalogOptions.BaseOf(first))))
                Refuse(other.TablePosition, $"sinks.{other.Name}.table", $"{other.Table} and {first.Table} are in different namespaces above the last level, and Flink has one catalog '{group.Key}' for both, because tables of a SQL catalog are found by its name. Use the same one, or a pipeline for each.");
            statements.Add(new FlinkSql().Text("CREATE CATALOG ").Name(group.Key).Text(" WITH ").Options(new CatalogOptions(first, _references).Map(_errors)).Build($"catalogs.{first.Catalog.Name}"));
            foreach (var space in group.Select(sink => sink.Table.Namespace[^1]).Distinct(StringComparer.Ordinal))
                statements.Add(new FlinkSql().Text("CREATE DATABASE IF NOT EXISTS ").Name([group.Key, space]).Build($"catalogs.{first.Catalog.Name}"));
        }
        return statements;
    }

    /// <summary>What the author gave Flink by its own names may hold a secret, such as an object store's key.</summary>
    private FlinkSetting SettingOf(KeyValuePair<string, string> option)
    {
        var isOwn = definition.Orchestration.Flink.TryGetValue(option.Key, out var own) && own == option.Value;
        return new FlinkSetting(option.Key, FlinkScript.Set(option.Key, isOwn ? _references.Option(option.Key, option.Value, $"orchestration.flink.{option.Key}") : option.Value));
    }

    private FlinkStatement View(TransformationDefinition step) =>
        new FlinkSql().Text("CREATE TEMPORARY VIEW ").Name(step.Name).Text(" AS\n").Written(step.Sql, step.Input).Build($"transformations.{step.Name}.sql");

    private FlinkTable TableOf(FlowDefinition flow)
    {
        var table = new FlinkTable(flow, null, "create: false");
        if (!flow.Sink.CreatesTable) return table;
        if (PlanOf(flow)?.Table is not { } plan) return table with { Why = "its columns are known to Flink alone; `matih deploy` asks for them and creates it" };
        if (table.CreateOf(plan) is { } create) return table with { Create = create, Why = null };
        var hidden = FlinkTable.HiddenOf(plan)!;
        return table with { Why = $"Flink's DDL cannot say a partition field such as {hidden.Transform} of {hidden.Column}; `matih deploy` creates it" };
    }

    private FlowPlan? PlanOf(FlowDefinition flow) => planned.FirstOrDefault(item => item.Definition.Sink.Name == flow.Sink.Name)?.Plan;

    /// <summary>
    /// In the order of the sinks' names, whatever that of the file is, because Flink recognizes an operator by its place in the job: where
    /// two sinks of different topics changed places, each source continued with the other's positions, and wrote the other's topic
    /// again into its own table, without a word (seen with 1.20.3).
    /// </summary>
    internal static IEnumerable<T> InOrder<T>(ImmutableArray<T> items, Func<T, SinkDefinition> sinkOf) => items.OrderBy(item => sinkOf(item).Name, StringComparer.Ordinal);

    /// <summary>One job for all sinks: they share the sources.</summary>
    private FlinkStatement Insert(ImmutableArray<FlinkTable> tables, string ofOne, string ofSet)
    {
        var sql = new FlinkSql();
        var isSet = tables.Length > 1;
        sql.Text(isSet ? $"{ofSet} BEGIN\n" : ofOne);
        foreach (var table in InOrder(tables, table => table.Flow.Sink))
        {
            var flow = table.Flow;
            sql.Text("INSERT INTO ").Name(table.Path);
            if (HintOf(flow.Sink) is { } hint) sql.Text($" {hint}");
            // By name: a table that exists may have its columns in another order, and more of them.
            var columns = PlanOf(flow) is { } plan ? string.Join(", ", plan.Table.Rows.Fields.Select(field => FlinkSql.Quoted(field.Name))) : null;
            if (columns is not null) sql.Text($" ({columns})");
            sql.Text($"\nSELECT {columns ?? "*"} FROM ").Name(flow.Sink.Input);
            if (isSet) sql.Text(";\n");
        }
        if (isSet) sql.Text("END");
        return sql.Build(tables.Length == 1 ? $"sinks.{definition.Flows[0].Sink.Name}" : "sinks");
    }

    private void CheckSnapshotProperties()
    {
        foreach (var sink in definition.Flows.Select(flow => flow.Sink).Where(sink => !sink.SnapshotProperties.IsEmpty))
            Refuse(sink.Position, $"sinks.{sink.Name}.snapshot_properties", "Iceberg's sink of Flink takes none from SQL. Leave them out, or run the pipeline with engine matih.");
    }

    private static string? HintOf(SinkDefinition sink)
    {
        var options = new List<string>();
        // Whatever the table's own property says: without it a change would become another row.
        if (sink.Mode == SinkMode.Upsert) options.Add("'upsert-enabled' = 'true'");
        if (sink.Branch != SnapshotRef.Main) options.Add($"'branch' = '{sink.Branch}'");
        return options.Count == 0 ? null : $"/*+ OPTIONS({string.Join(", ", options)}) */";
    }

    /// <summary>A star gives the fields, or value and event_timestamp; Flink would add the record metadata that another statement names.</summary>
    private void CheckStars()
    {
        foreach (var step in definition.Transformations.Where(IsUsed))
        {
            if (definition.Sources.FirstOrDefault(source => source.Name == step.Input) is not { } source || !StatementScan.HasStar(step.Sql.Text)) continue;
            var names = NamesBeside(source.Name);
            var more = SourceTables.MetadataNames.Where(name => names.Contains(name) && !(source.Schema?.IndexOf(name) >= 0)).ToList();
            if (more.Count != 0)
                Refuse(step.Sql.PositionAt(0), $"transformations.{step.Name}.sql", $"'*' would give {string.Join(", ", more)} as well in Flink, because a statement names it. Name the columns in place of '*'.");
        }
    }

    /// <summary>Flink turns a record's timestamp into a TIMESTAMP in the session's zone, so that event_timestamp is in UTC in no other.</summary>
    private void CheckTimeZone()
    {
        if (definition.Orchestration.TimeZone == "UTC") return;
        foreach (var source in definition.Sources.Where(source => IsUsed(source.Name)))
        {
            var names = NamesBeside(source.Name);
            var wanted = ((string[])["event_timestamp", "timestamp"]).Where(name => !(source.Schema?.IndexOf(name) >= 0) && (names.Contains(name) || (source.Schema is null && name == "event_timestamp"))).ToList();
            if (wanted.Count != 0)
                Refuse(source.Position, $"sources.{source.Name}", $"gives {string.Join(" and ", wanted)}, which Flink would shift by the time zone {definition.Orchestration.TimeZone}. Leave orchestration.time_zone out, or take the time from a field of the record.");
        }
    }

    private void Refuse(DefinitionPosition position, string path, string message) => _errors.Add(new DefinitionError(position.File, position.Line, position.Column, path, message));
}
