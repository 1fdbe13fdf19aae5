using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Matih.Batches;
using Matih.Definition;
using Matih.Hosting;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Maintenance;
using Matih.Storage;

namespace Matih.Bench;

/// <summary>
/// A day of a pipeline that commits every ten seconds, on a clock that is set forward: once with maintenance every hour, once
/// without. Other engines then read both tables whole.
/// </summary>
/// <param name="shared">The folder of the shared tools: DuckDB and Iceberg's reference implementation.</param>
internal sealed class MaintainedDay(string folder, string shared)
{
    private const long TargetBytes = 8 << 20;

    private static readonly TableIdentifier Name = TableIdentifier.Parse("ns.t");

    private sealed class MovableClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }

    public async Task RunAsync(int rounds, int commits, int rows)
    {
        var with = await BuildAsync(Path.Combine(folder, "with"), commits, rows, isMaintained: true);
        var without = await BuildAsync(Path.Combine(folder, "without"), commits, rows, isMaintained: false);
        Console.WriteLine($"day: {commits} commits of {rows} rows; files {with.Files} with maintenance, {without.Files} without; {with.Amplification:0.00} x written; {with.RowsPerSecond / 1e3:0} thousand rows/s in rounds of maintenance; commits at the end {with.LastCommitMillis:0.0} ms, {without.LastCommitMillis:0.0} ms");
        foreach (var (engine, arguments) in new (string, Func<string, string[]>)[]
        {
            ("DuckDB", table => [Path.Combine(shared, "iceberg", "duckdb-iceberg"), $"select count(*), sum(id), max(note) from iceberg_scan('{table}')"]),
            ("Java", table => [Path.Combine(shared, "iceberg", "iceberg-ref"), "count", table, "--where", "id >= 0 and note >= 'a'"]),
        })
        {
            var times = new List<(double With, double Without)>();
            for (var round = 0; round <= rounds; round++)
            {
                var pair = (Time(arguments(with.Folder)), Time(arguments(without.Folder)));
                if (round > 0) times.Add(pair);
            }
            Console.WriteLine($"day: {engine} reads all in {Median(times.Select(pair => pair.With)):0.00} s with maintenance, {Median(times.Select(pair => pair.Without)):0.00} s without: {Median(times.Select(pair => pair.Without / pair.With)):0.0} x");
        }
    }

    private sealed record Built(string Folder, int Files, double Amplification, double RowsPerSecond, double LastCommitMillis);

    private static async Task<Built> BuildAsync(string folder, int commits, int rows, bool isMaintained)
    {
        Directory.CreateDirectory(folder);
        var (ids, clock, memory) = (new SystemIdSource(), new MovableClock(), new MemoryAccount(512 << 20));
        var catalog = new FileCatalog(new LocalStore(ids), folder, ids, clock);
        var environment = new EngineEnvironment(clock, ids, new Random(1), new SystemTaskStarter(), new LocalScratch(folder, ids));
        var schema = new Schema(0, [new NestedField(1, "id", true, new IcebergType.Long()), new NestedField(2, "at", true, new IcebergType.Timestamp()), new NestedField(3, "note", false, new IcebergType.String())]);
        var properties = ImmutableSortedDictionary<string, string>.Empty.Add("write.target-file-size-bytes", TargetBytes.ToString(CultureInfo.InvariantCulture));
        var (table, _) = await catalog.CreateAsync(Name, new NewTable(schema, PartitionSpec.Create(schema, [("at", new Transform.Hour(), null)]), properties), default);
        var settings = new MaintenanceDefinition(MaintenanceMode.On, TimeSpan.FromHours(2), TimeSpan.FromHours(1), long.MaxValue);
        var maintenance = new SinkMaintenance(environment, catalog, Name, settings, null, memory, share: 1);
        var (written, rewritten, read, working, last) = (0L, 0L, 0L, TimeSpan.Zero, new List<double>());
        for (var commit = 1; commit <= commits; commit++)
        {
            clock.Now += TimeSpan.FromSeconds(10);
            var file = await WriteAsync(table, environment, memory, rows, (long)commit * rows);
            written += file.FileSizeBytes;
            var change = await PreparedChange.PrepareAsync(table, [file], ids, default);
            var beganAt = Stopwatch.GetTimestamp();
            var attempt = (ChangeAttempt.Ready)await change.AttemptAsync(table, table.Metadata.NextTimestampMillis(clock.Now), new Dictionary<string, string>(StringComparer.Ordinal) { ["example.positions"] = new('7', 1000) }, [], default);
            table = ((CommitResult.Committed)await catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, default)).Table;
            if (commit > commits - 360) last.Add(Stopwatch.GetElapsedTime(beganAt).TotalMilliseconds);
            // Versions of some megabytes each would fill the disk; a run removes them after three days.
            File.Delete(Path.Combine(folder, "ns", "t", "metadata", $"v{commit - 200}.metadata.json"));
            if (!isMaintained || commit % 360 != 0 && commit != commits) continue;
            beganAt = Stopwatch.GetTimestamp();
            var report = (await maintenance.RunAsync(removesOrphans: false, default))!;
            working += Stopwatch.GetElapsedTime(beganAt);
            rewritten += report.Compaction!.Rewritten.Sum(group => group.AddedBytes);
            read += report.Compaction.Rewritten.Sum(group => group.RemovedRowCount);
            table = (await catalog.LoadAsync(Name, default))!;
        }
        var files = await SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default);
        return new Built(Path.Combine(folder, "ns", "t"), files.Count, (double)(written + rewritten) / written, working == TimeSpan.Zero ? 0 : read / working.TotalSeconds, Median(last));
    }

    private static Task<DataFile> WriteAsync(Table table, EngineEnvironment environment, MemoryAccount memory, int rows, long first) =>
        TableFile.WriteAsync(table, environment, memory, TargetBytes, rows, (columns, i) =>
        {
            ((FixedColumn<long>)columns[0]).Append(first + i);
            ((FixedColumn<long>)columns[1]).Append(environment.Clock.GetUtcNow().ToUnixTimeMilliseconds() * 1000 + i);
            ((BytesColumn)columns[2]).Append(Encoding.UTF8.GetBytes($"user-{(first + i) * 7919 % 100_003}/page-{(first + i) * 104_729 % 5_003}"));
        });

    private static double Time(string[] command)
    {
        var beganAt = Stopwatch.GetTimestamp();
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true }) ?? throw new InvalidOperationException($"{command[0]} did not start.");
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? Stopwatch.GetElapsedTime(beganAt).TotalSeconds : throw new InvalidOperationException($"{command[0]} ended with {process.ExitCode}: {errors.Result}");
    }

    private static double Median(IEnumerable<double> values) => values.Order().ToList() is { Count: > 0 } sorted ? sorted[sorted.Count / 2] : 0;
}
