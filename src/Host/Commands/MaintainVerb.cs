using System.CommandLine;
using System.Text.Json;
using Matih.Batches;
using Matih.Definition;
using Matih.Delivery;
using Matih.Host.Output;
using Matih.Host.Runtime;
using Matih.Host.Tables;
using Matih.Hosting;
using Matih.Iceberg.Catalogs;
using Matih.Maintenance.Compaction;
using Matih.Maintenance;
using Matih.Planning;
using Matih.Maintenance.Orphans;

namespace Matih.Host.Commands;

/// <summary><c>matih maintain</c>: puts small files together, expires snapshots and removes orphan files, of a table or of all tables of a definition.</summary>
internal sealed class MaintainVerb : Verb
{
    private static readonly HelpPage Page = new(
        """
        Keeps tables in shape, by several tasks, which run in the order below. --only names those that are wanted.

        TABLE is a dotted name or a folder, as for matih table; FILE is a definition, whose sinks' tables are all
        maintained. It may run beside pipelines and beside other engines, and may be killed at any moment.
        """,
        ["maintain TABLE|FILE [--only compact,expire,orphans] [--older-than DURATION] [--dry-run]"],
        ("Tasks",
        [
            ("compact", "puts small data files together, partition by partition, up to write.target-file-size-bytes (or the sink's target_file_size), in the table's sort order, without the rows that delete files took out; and small manifests. Files that another writer changes meanwhile stay as they are."),
            ("expire", "removes the snapshots that are past the table's retention, and deletes the files that only they need. How long snapshots stay is said by the table's properties: history.expire.max-snapshot-age-ms (default five days), history.expire.min-snapshots-to-keep (default 1), history.expire.max-ref-age-ms for branches and tags, and by the retention of each branch and tag; of a definition's tables by maintenance.retention before that. What a pipeline, or its Flink job, needs to find out where it stands always stays."),
            ("orphans", "deletes the files in the table's folder that no snapshot names and nobody is about to commit: those of failed jobs and killed processes, of attempts that lost, and what pipelines kept beside the table and need no more. They are three days old, or as --older-than says."),
        ]),
        ("Examples",
        [
            ("matih maintain analytics.web.clickstream_events --dry-run", "what would go, and change nothing"),
            ("matih maintain clicks.yaml", "the tables of all sinks"),
            ("matih maintain clicks.yaml --only orphans --older-than 7d", "nothing but orphan files, and those of a week"),
            ("matih maintain web.clicks --definition clicks.yaml --json", ""),
        ]),
        ("Exit codes", [("0", "Done, or there was nothing to do."), ("2", "There is no such table, or the definition is wrong."), ("3", "A table could not be read or changed, or some files could not be deleted."), ("5", "A table must not be changed.")]));

    /// <summary>In the order in which they run: each may leave something for the next.</summary>
    private static readonly MaintenanceTask[] Tasks =
    [
        new("compact", "compaction", "No file was rewritten.", CompactAsync),
        new("expire", "expiry", "No snapshot was removed.", async (order, token) =>
            await new TableExpiry(order.Catalog, TimeProvider.System) { Retention = order.Sink?.Maintenance.Retention }.RunAsync(order.Table, order.IsDryRun, token) is { } report ? new ExpiryOutcome(report, order.IsDryRun) : null),
        new("orphans", "orphans", "No file was deleted since that was seen.", async (order, token) =>
            new OrphanOptions(order.OlderThan, order.IsDryRun, order.LooksOutside) is var options
            && await new OrphanRemoval(order.Catalog, new SystemIdSource(), TimeProvider.System).RunAsync(order.Table, options, token) is { } report ? new OrphanOutcome(report, options) : null),
    ];

    /// <summary>Of the machine's memory that the garbage collector sees, compaction takes a quarter, and 2 GiB at most.</summary>
    private static long MemoryBytes => Math.Min(2L << 30, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4);

    private readonly HostSettings _settings;
    private readonly Argument<string> _what;
    private readonly Option<string?> _warehouse, _definition, _catalog, _only;
    private readonly Option<TimeSpan?> _olderThan;
    private readonly Option<bool> _isOutside, _isDryRun, _isJson;

    public MaintainVerb(HostSettings settings) : base("maintain", "Put small files of a table together, expire old snapshots, remove orphan files.", Page)
    {
        _settings = settings;
        _what = Positional("TABLE|FILE", "A table's name or folder, or a definition (.yaml, .yml).");
        _only = Text("--only", "TASKS", $"Some tasks alone, with commas between: {string.Join(", ", Tasks.Select(task => task.Word))}.");
        _olderThan = Duration("--older-than", "How old orphan files have to be, at least 24h. Default 3d.");
        _isOutside = Flag("--outside", "Look for orphan files also in folders outside of the table's location that its properties name. Only where no other table writes there.");
        _isDryRun = Flag("--dry-run", "Look only: say what would go.");
        _isJson = Flag("--json", "Print a JSON list, one object for each table, to the standard output.");
        _warehouse = Warehouse();
        _definition = Text("--definition", "FILE", "TABLE is in the catalog of this definition, and is reached with its credentials.");
        _catalog = Text("--catalog", "NAME", "Which of the definition's catalogs, where it has several.");
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var (isDryRun, isJson) = (arguments.GetValue(_isDryRun), arguments.GetValue(_isJson));
        var (tasks, olderThan) = (TasksOf(arguments.GetValue(_only)), OlderThan(arguments.GetValue(_olderThan)));
        var done = new List<(TableIdentifier Table, List<(string Member, IMaintenanceOutcome Outcome)> Outcomes)>();
        var failures = new List<PipelineException>();
        foreach (var (catalog, identifier, place, sink) in await TablesAsync(arguments))
        {
            var outcomes = new List<(string, IMaintenanceOutcome)>();
            foreach (var task in tasks)
            {
                var order = new MaintenanceOrder(catalog, identifier, isDryRun, olderThan, arguments.GetValue(_isOutside), sink) { Settings = _settings, IsOneOfFew = arguments.GetValue(_only) is not null };
                IMaintenanceOutcome outcome;
                try
                {
                    outcome = await TableOpening.GuardAsync(identifier.ToString(), () => RunAsync(task, order, cancellationToken)) ?? throw TableOpening.Missing(identifier, catalog, place);
                }
                catch (PipelineException failure)
                {
                    // What one task cannot do must not keep the others, and other tables, from theirs: expiry makes room where compaction found none.
                    failures.Add(failure);
                    continue;
                }
                if (!isJson) outcome.WriteText(Console.Out);
                outcomes.Add((task.Member, outcome));
            }
            done.Add((identifier, outcomes));
        }
        if (isJson) JsonOutput.Write(Console.OpenStandardOutput(), json => WriteJson(json, done, isDryRun));
        // The worst is said last, as the command's own failure.
        var worst = failures.MaxBy(failure => failure.ExitCode);
        foreach (var failure in failures.DistinctBy(failure => failure.Message).Where(failure => failure.Message != worst!.Message)) Console.Error.WriteLine($"matih: {failure.Message}\n{failure.Remedy}");
        if (worst is not null) throw worst;
        return done.All(table => table.Outcomes.All(outcome => outcome.Outcome.IsComplete)) ? ExitCode.Done : ExitCode.Environment;
    }

    private static async Task<IMaintenanceOutcome?> RunAsync(MaintenanceTask task, MaintenanceOrder order, CancellationToken cancellationToken)
    {
        try
        {
            return await task.RunAsync(order, cancellationToken);
        }
        catch (UnsupportedTableException refusal)
        {
            throw new PipelineException(FailureKind.WouldLoseOrDouble, refusal.Message, task.WhereRefused, refusal);
        }
    }

    private static async ValueTask<IMaintenanceOutcome?> CompactAsync(MaintenanceOrder order, CancellationToken cancellationToken)
    {
        var compaction = new TableCompaction(order.Catalog, SystemEnvironment.Create(order.Settings), new MemoryAccount(MemoryBytes));
        try
        {
            var report = await compaction.RunAsync(order.Table, order.Sink?.TargetFileBytes, order.Sink?.Maintenance.BudgetBytes, order.IsDryRun, cancellationToken);
            return report is null ? null : new CompactionOutcome(report, order.IsDryRun);
        }
        catch (UnsupportedTableException e) when (!order.IsOneOfFew)
        {
            return CompactionOutcome.Impossible(e.Message);
        }
    }

    private static MaintenanceTask[] TasksOf(string? only)
    {
        if (only is null) return Tasks;
        var words = only.Split(',', StringSplitOptions.TrimEntries);
        var known = Tasks.Select(task => task.Word).ToList();
        if (words.FirstOrDefault(word => !known.Contains(word)) is { } unknown) throw new UsageException($"--only: there is no task '{unknown}'. It can be {string.Join(", ", known[..^1])} or {known[^1]}, or several with commas between.");
        return [.. Tasks.Where(task => words.Contains(task.Word))];
    }

    private static TimeSpan OlderThan(TimeSpan? asked) =>
        asked < OrphanOptions.OlderThanMin
            ? throw new UsageException($"--older-than is {DurationText.Show(asked.Value)}; expected {OrphanOptions.OlderThanMin.TotalHours:0}h at least. A pipeline may commit files for 12 hours after it began them, and clocks may be wrong.")
            : asked ?? OrphanOptions.OlderThanDefault;

    private static void WriteJson(Utf8JsonWriter json, List<(TableIdentifier Table, List<(string Member, IMaintenanceOutcome Outcome)> Outcomes)> done, bool isDryRun)
    {
        json.WriteStartArray();
        foreach (var (table, outcomes) in done)
        {
            json.WriteStartObject();
            json.WriteString("table", table.ToString());
            json.WriteBoolean("is_dry_run", isDryRun);
            foreach (var (member, outcome) in outcomes)
            {
                json.WriteStartObject(member);
                outcome.WriteJson(json);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private async Task<IReadOnlyList<(ICatalog Catalog, TableIdentifier Identifier, TablePlace Place, SinkDefinition? Sink)>> TablesAsync(ParseResult arguments)
    {
        var what = arguments.GetValue(_what)!;
        var place = new TablePlace(arguments.GetValue(_warehouse), arguments.GetValue(_definition), arguments.GetValue(_catalog));
        if (!what.EndsWith(".yaml", StringComparison.OrdinalIgnoreCase) && !what.EndsWith(".yml", StringComparison.OrdinalIgnoreCase))
        {
            var (catalog, identifier) = await TableOpening.OpenCatalogAsync(what, place, _settings);
            return [(catalog, identifier, place, null)];
        }
        if (place.Definition is not null || place.Catalog is not null) throw new UsageException($"--definition and --catalog say where a table is, and {what} is a definition itself.");
        var load = PipelineLoading.Load(new PipelineRequest(what, [], place.Warehouse), _settings, isForFlink: null);
        if (load.Pipeline is not { } pipeline) throw load.Failure!;
        var tables = new List<(ICatalog, TableIdentifier, TablePlace, SinkDefinition?)>();
        foreach (var sink in pipeline.Definition.Flows.Select(flow => flow.Sink).GroupBy(sink => (sink.Catalog.Name, sink.Table)).Select(PipelinePlanner.MaintainerOf))
        {
            var identifier = new TableIdentifier(sink.Table.Namespace, sink.Table.Name);
            tables.Add((await TableOpening.OpenCatalogAsync(identifier.ToString(), sink.Catalog), identifier, place with { Definition = what }, sink));
        }
        return tables;
    }
}
