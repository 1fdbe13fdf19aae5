using System.CommandLine;
using Matih.Delivery;
using Matih.Host.Output;
using Matih.Host.Runtime;
using Matih.Host.Tables;
using Matih.Hosting;
using Matih.Iceberg.Catalogs;
using Matih.Maintenance;

namespace Matih.Host.Commands;

/// <summary><c>matih maintain</c>: expires the snapshots of a table, or of all tables of a definition.</summary>
internal sealed class MaintainVerb : Verb
{
    private static readonly HelpPage Page = new(
        """
        Removes the snapshots that are past the table's retention, and deletes the files that only they need. How long
        snapshots stay is said by the table's properties: history.expire.max-snapshot-age-ms (default five days),
        history.expire.min-snapshots-to-keep (default 1), history.expire.max-ref-age-ms for branches and tags, and by the
        retention of each branch and tag. What a pipeline, or its Flink job, needs to find out where it stands always stays.

        TABLE is a dotted name or a folder, as for matih table; FILE is a definition, whose sinks' tables are all
        maintained. It may run beside pipelines and beside other engines, and may be killed at any moment.
        """,
        ["maintain TABLE|FILE [--dry-run]"],
        ("Examples",
        [
            ("matih maintain analytics.web.clickstream_events --dry-run", "what would go, and change nothing"),
            ("matih maintain clicks.yaml", "the tables of all sinks"),
            ("matih maintain web.clicks --definition clicks.yaml --json", ""),
        ]),
        ("Exit codes", [("0", "Done, or there was nothing to do."), ("2", "There is no such table, or the definition is wrong."), ("3", "A table could not be read or changed, or some files could not be deleted."), ("5", "A table must not be changed.")]));

    private readonly HostSettings _settings;
    private readonly Argument<string> _what;
    private readonly Option<string?> _warehouse, _definition, _catalog;
    private readonly Option<bool> _isDryRun, _isJson;

    public MaintainVerb(HostSettings settings) : base("maintain", "Expire old snapshots of a table, and delete what only they need.", Page)
    {
        _settings = settings;
        _what = Positional("TABLE|FILE", "A table's name or folder, or a definition (.yaml, .yml).");
        _isDryRun = Flag("--dry-run", "Look only: say what would go.");
        _isJson = Flag("--json", "Print a JSON list, one object for each table, to the standard output.");
        _warehouse = Warehouse();
        _definition = Text("--definition", "FILE", "TABLE is in the catalog of this definition, and is reached with its credentials.");
        _catalog = Text("--catalog", "NAME", "Which of the definition's catalogs, where it has several.");
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var (isDryRun, isJson) = (arguments.GetValue(_isDryRun), arguments.GetValue(_isJson));
        var reports = new List<ExpiryReport>();
        foreach (var (catalog, identifier, place) in await TablesAsync(arguments))
        {
            var report = await TableOpening.GuardAsync(identifier.ToString(), async () => await ExpireAsync(catalog, identifier, isDryRun, cancellationToken))
                ?? throw TableOpening.Missing(identifier, catalog, place);
            reports.Add(report);
            if (!isJson) ExpiryText.WriteText(report, isDryRun, Console.Out);
        }
        if (isJson)
        {
            JsonOutput.Write(Console.OpenStandardOutput(), json =>
            {
                json.WriteStartArray();
                foreach (var report in reports) ExpiryText.WriteJson(report, isDryRun, json);
                json.WriteEndArray();
            });
        }
        return reports.Any(report => report.Undeleted.Count != 0) ? ExitCode.Environment : ExitCode.Done;
    }

    private static async Task<ExpiryReport?> ExpireAsync(ICatalog catalog, TableIdentifier identifier, bool isDryRun, CancellationToken cancellationToken)
    {
        try
        {
            return await new TableExpiry(catalog, TimeProvider.System).RunAsync(identifier, isDryRun, cancellationToken);
        }
        catch (UnsupportedTableException refusal)
        {
            throw new PipelineException(FailureKind.WouldLoseOrDouble, refusal.Message, "Nothing was changed.", refusal);
        }
    }

    private async Task<IReadOnlyList<(ICatalog Catalog, TableIdentifier Identifier, TablePlace Place)>> TablesAsync(ParseResult arguments)
    {
        var what = arguments.GetValue(_what)!;
        var place = new TablePlace(arguments.GetValue(_warehouse), arguments.GetValue(_definition), arguments.GetValue(_catalog));
        if (!what.EndsWith(".yaml", StringComparison.OrdinalIgnoreCase) && !what.EndsWith(".yml", StringComparison.OrdinalIgnoreCase))
        {
            var (catalog, identifier) = await TableOpening.OpenCatalogAsync(what, place, _settings);
            return [(catalog, identifier, place)];
        }
        if (place.Definition is not null || place.Catalog is not null) throw new UsageException($"--definition and --catalog say where a table is, and {what} is a definition itself.");
        var load = PipelineLoading.Load(new PipelineRequest(what, [], place.Warehouse), _settings, isForFlink: null);
        if (load.Pipeline is not { } pipeline) throw load.Failure!;
        var tables = new List<(ICatalog, TableIdentifier, TablePlace)>();
        foreach (var sink in pipeline.Definition.Flows.Select(flow => flow.Sink).DistinctBy(sink => (sink.Catalog.Name, sink.Table)))
        {
            var identifier = new TableIdentifier(sink.Table.Namespace, sink.Table.Name);
            tables.Add((await TableOpening.OpenCatalogAsync(identifier.ToString(), sink.Catalog), identifier, place with { Definition = what }));
        }
        return tables;
    }
}
