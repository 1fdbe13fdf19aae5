using System.CommandLine;
using Matih.Definition;
using Matih.Delivery;
using Matih.Flink;
using Matih.Host.Output;
using Matih.Host.Runtime;
using Matih.Hosting;
using Matih.Hosting.Flink;
using Matih.Telemetry;

namespace Matih.Host.Commands;

/// <summary><c>matih validate</c>: every error of a definition and its SQL, or the plan.</summary>
internal sealed class ValidateVerb : Verb
{
    private static readonly HelpPage Page = new(
        """
        Checks a definition, its SQL and its tests (matih test runs them), without Kafka; of the tables only with --with-table.

        With engine: flink, statements that only Flink understands are left to it; --gateway has a real one look at them.

        Every error is printed with its place, file:line:column; a right definition prints its plan: for each flow the topic,
        the steps, and the table with columns, types and partitioning.
        """,
        ["validate FILE [options]"],
        ("Examples", [("matih validate pipeline.yaml", ""), ("matih validate pipeline.yaml --with-table", ""), ("matih validate pipeline.yaml --explain", ""), ("matih validate pipeline.yaml --gateway http://flink:8083", "as Flink understands it"), ("matih validate pipeline.yaml --set sources.clicks.format=raw", "")]),
        ("Exit codes", [("0", "The definition is right."), ("2", "It is not, or does not fit a table."), ("3", "A table cannot be read (--with-table), or Flink does not answer (--gateway).")]));

    private readonly HostSettings _settings;
    private readonly Argument<string> _file;
    private readonly Option<string[]> _set;
    private readonly Option<string?> _warehouse;
    private readonly Option<bool> _explain, _withTable;
    private readonly FlinkPlace _flink = new();

    public ValidateVerb(HostSettings settings) : base("validate", "Check a definition and its SQL; print the plan.", Page)
    {
        _settings = settings;
        _file = Positional("FILE", "The definition, a YAML file.");
        _set = Texts("--set", "path=value", "Change a value of the definition first. Can be given often.");
        _warehouse = Warehouse();
        _withTable = Flag("--with-table", "Look at the tables that exist: whether the query fits them, and what the definition says otherwise than they have.");
        _flink.AddTo(Command);
        _explain = Flag("--explain", "Print how each query is computed, too: what is read, what filters, what is given.");
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var request = new PipelineRequest(arguments.GetValue(_file)!, arguments.GetValue(_set) ?? [], arguments.GetValue(_warehouse));
        var load = PipelineLoading.Load(request, _settings, isForFlink: _flink.IsGiven(arguments) ? true : null);
        DefinitionReport.WriteText(load, Console.Error);
        if (load.Pipeline is not { } pipeline || TestVerb.Prepare(pipeline, request, _settings, Console.Error) is null) return ExitCode.BadDefinition;
        if (arguments.GetValue(_withTable)) await CheckTablesAsync(pipeline, cancellationToken);
        if (_flink.IsGiven(arguments) && !await CheckByFlinkAsync(arguments, pipeline, cancellationToken)) return ExitCode.BadDefinition;
        WritePlan(pipeline, arguments.GetValue(_explain), Console.Out);
        return ExitCode.Done;
    }

    private async Task<bool> CheckByFlinkAsync(ParseResult arguments, LoadedPipeline pipeline, CancellationToken cancellationToken)
    {
        if (FlinkOptions.Generate(arguments.GetValue(_file)!, pipeline, new FlinkTraits()) is not { } script) return false;
        using var cluster = _flink.Open(arguments, _settings);
        try
        {
            await new JobDeployment(cluster, _ => { }).ExplainAsync(script, cancellationToken);
            return true;
        }
        catch (FlinkRefusalException refusal)
        {
            FlinkVerb.Show(refusal, hasTrace: false);
            return false;
        }
    }

    private async Task CheckTablesAsync(LoadedPipeline pipeline, CancellationToken cancellationToken)
    {
        var environment = SystemEnvironment.Create(_settings);
        var runner = new PipelineRunner(environment, new HostConnectors(_settings, environment, EngineLog.None, laneCountMax: 1), EngineLog.None);
        foreach (var difference in await runner.CheckTablesAsync([.. pipeline.Flows.Where(flow => flow.Definition.Sink.Catalog is not CatalogDefinition.Hive)], cancellationToken))
            Console.Error.WriteLine($"{(difference.Severity == LogSeverity.Warning ? "warning: " : "")}{difference.Message}");
    }

    internal static void WritePlan(LoadedPipeline pipeline, bool explain, TextWriter output)
    {
        var definition = pipeline.Definition;
        var orchestration = definition.Orchestration;
        output.WriteLine($"{definition.Metadata.Name}{(definition.Metadata.Version is { } version ? $" {version}" : "")}: valid");
        output.WriteLine(
            $"checkpoint every {DurationText.Show(orchestration.CheckpointInterval)}, parallelism {orchestration.Parallelism}, memory {Quantity.Bytes(orchestration.MemoryBytesMax)}{(orchestration.Engine == DeployTarget.Flink ? ", deployed to flink" : "")}");
        foreach (var left in pipeline.Uncompiled) output.WriteLine($"left to Flink: {left}");
        foreach (var flow in definition.Flows.Where(flow => pipeline.Flows.All(planned => planned.Definition != flow)))
        {
            output.WriteLine();
            output.WriteLine($"flow {flow.Pipeline}/{flow.Sink.Name}");
            if (flow.FlinkSource is { } source) output.WriteLine($"  source  {source.Name}, Flink's connector {source.Connector}");
            output.WriteLine($"  steps   {flow}");
            output.WriteLine($"  table   {flow.Sink.Table} in {CatalogText(flow.Sink.Catalog)}; Flink knows its columns");
        }
        foreach (var (flow, plan) in pipeline.Flows)
        {
            output.WriteLine();
            output.WriteLine($"flow {plan.Name}");
            output.WriteLine($"  topic   {plan.Topic} ({flow.Source.Format.ToString().ToLowerInvariant()}, starts at {plan.Start}, on error {plan.OnError.ToString().ToLowerInvariant()})");
            output.WriteLine($"  steps   {flow}");
            output.WriteLine($"  table   {plan.Table.Identifier} in {CatalogText(flow.Sink.Catalog)}");
            var columns = new TextTable("column", "type");
            foreach (var field in plan.Table.Rows.Fields) columns.Add(field.Name, field.Type.ToString());
            columns.WriteTo(output, "    ");
            var partitions = plan.Table.PartitionBy.Select(request => $"{request.Transform}({request.Column}){(request.Name is { } name ? $" as {name}" : "")}");
            output.WriteLine($"  partitioned by {(plan.Table.PartitionBy.IsEmpty ? "nothing" : string.Join(", ", partitions))}");
            if (!explain) continue;
            output.WriteLine("  query");
            foreach (var line in plan.Query.Explain().Split('\n', StringSplitOptions.RemoveEmptyEntries)) output.WriteLine($"    {line}");
        }
    }

    private static string CatalogText(CatalogDefinition catalog) => catalog switch
    {
        CatalogDefinition.File file => $"the file catalog at {file.Warehouse}",
        CatalogDefinition.Rest rest => $"the REST catalog {rest.Name} at {rest.Uri}",
        CatalogDefinition.Sql { Database: SqlDatabase.PostgreSql server } sql => $"the SQL catalog {sql.CatalogName} in database {server.Database} at {server.Host}:{server.Port}",
        CatalogDefinition.Sql { Database: SqlDatabase.Sqlite sqlite } sql => $"the SQL catalog {sql.CatalogName} in {sqlite.Path}",
        CatalogDefinition.Hive hive => $"the Hive catalog {hive.Name}{(hive.Uri is { } uri ? $" at {uri}" : "")}",
        _ => throw new InvalidOperationException($"Unknown catalog {catalog.Name}."),
    };
}
