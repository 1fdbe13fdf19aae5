using System.CommandLine;
using System.Text.Json;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Tables;
using Matih.Delivery;
using Matih.Host.Output;
using Matih.Host.Tables;
using Matih.Hosting;
using Matih.Iceberg.Catalogs;
using Matih.Maintenance;

namespace Matih.Host.Commands;

/// <summary><c>matih table</c>: what a table holds, from its metadata.</summary>
internal sealed class TableVerb : Verb
{
    private static readonly HelpPage Page = new(
        """
        Shows a table: what it is, its snapshots, the files of its current snapshot, and where each pipeline stands in it.

        TABLE is a dotted name in the file catalog of the warehouse, or the path of the table's own folder. With --definition
        it is a name in a catalog of that file, of whatever type. Reading never disturbs a running pipeline.
        """,
        ["table <command> TABLE [options]"],
        ("Examples",
        [
            ("matih table show analytics.web.clickstream_events", ""),
            ("matih table ledger ./demo-output/20260501-120000-000/warehouse/analytics/web/clickstream_events", ""),
            ("matih table show analytics.web.clickstream_events --definition pipeline.yaml", ""),
            ("matih table files analytics.web.clickstream_events --json | jq length", ""),
        ]),
        ("Exit codes", [("0", "Done."), ("2", "There is no such table."), ("3", "It cannot be read.")]));

    private readonly HostSettings _settings;

    public TableVerb(HostSettings settings) : base("table", "Show a table: show, snapshots, files, ledger, skipped.", Page)
    {
        _settings = settings;
        // Without a subcommand there is nothing to do, which the parser says.
        Command.Action = null;
        AddView("show", "Columns, partitioning, properties, refs, totals, health.", async (table, cancellationToken) =>
        {
            var health = await HealthOfAsync(table, cancellationToken);
            return new((_, output) => TableReport.WriteText(table, health, output), (_, json) => TableReport.WriteJson(table, health, json));
        });
        AddView("snapshots", "One line for each snapshot; * is the current one.",
            (table, _) => Task.FromResult<View>(new(SnapshotReport.WriteText, SnapshotReport.WriteJson)));
        AddView("files", "The files of the current snapshot, from its manifests.", async (table, cancellationToken) =>
        {
            var files = await FileReport.ReadAsync(table, cancellationToken);
            return new((_, output) => FileReport.WriteText(table, files, output), (_, json) => FileReport.WriteJson(table, files, json));
        });
        AddView("ledger", "Each pipeline's position, epoch, state and books.", async (table, cancellationToken) =>
        {
            var ledgers = await LedgerInspection.ReadAsync(new IcebergHistory(table), cancellationToken);
            return new((_, output) => LedgerReport.WriteText(ledgers, output), (_, json) => LedgerReport.WriteJson(ledgers, json));
        });
        AddView("skipped", "The offsets of bad records that were skipped, commit by commit, and why.", async (table, cancellationToken) =>
        {
            var history = await SkippedInspection.ReadAsync(new IcebergHistory(table), cancellationToken);
            return new((_, output) => SkippedReport.WriteText(history, output), (_, json) => SkippedReport.WriteJson(history, json));
        });
    }

    /// <summary>What a table is shall be shown also where its manifests are gone; `table files` says then what is wrong.</summary>
    private static async ValueTask<TableHealth?> HealthOfAsync(Table table, CancellationToken cancellationToken)
    {
        try
        {
            return await TableHealth.ReadAsync(table, cancellationToken);
        }
        catch (Exception e) when (e is InvalidTableException or UnsupportedTableException or IOException)
        {
            return null;
        }
    }

    protected override Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken) => throw new InvalidOperationException("A subcommand runs.");

    private void AddView(string name, string summary, Func<Table, CancellationToken, Task<View>> view)
    {
        var argument = new Argument<string>("TABLE") { Description = "A dotted name in the file catalog, or the table's folder." };
        var warehouse = new Option<string?>("--warehouse") { HelpName = "DIR", Description = "Folder of the file catalog: a path or an address such as s3://bucket/folder. Default: MATIH_WAREHOUSE, else ./warehouse." };
        var definition = new Option<string?>("--definition") { HelpName = "FILE", Description = "A pipeline's definition: the table is in its catalog, and is reached with its credentials." };
        var catalog = new Option<string?>("--catalog") { HelpName = "NAME", Description = "Which of the definition's catalogs, where it has several." };
        var isJson = new Option<bool>("--json") { Description = "Print JSON, to the standard output." };
        var command = new Command(name, summary) { argument, warehouse, definition, catalog, isJson };
        RefuseOptions(argument, command);
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var table = await TableOpening.OpenAsync(arguments.GetValue(argument)!, new TablePlace(arguments.GetValue(warehouse), arguments.GetValue(definition), arguments.GetValue(catalog)), _settings, cancellationToken);
            var shown = await TableOpening.GuardAsync(table.Identifier.ToString(), () => view(table, cancellationToken));
            if (arguments.GetValue(isJson)) JsonOutput.Write(Console.OpenStandardOutput(), json => shown.Json(table, json));
            else shown.Text(table, Console.Out);
            return ExitCode.Done;
        });
        Command.Subcommands.Add(command);
    }

    private sealed record View(Action<Table, TextWriter> Text, Action<Table, Utf8JsonWriter> Json);
}
