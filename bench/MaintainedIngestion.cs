using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Matih.Batches;
using Matih.Delivery;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Bench;

/// <summary>
/// What maintenance costs the ingestion beside it: workload W1 from a real broker into a table that holds many small files, by
/// a continuous run with <c>maintenance: on</c> at its own pace and budget, against the same with <c>off</c>. Both share one process,
/// so that the clock counts, from the start of the run until the last record has become a row; CPU is that of the whole process until it is committed.
/// </summary>
internal sealed class MaintainedIngestion(string folder, string input, WorkloadFacts facts, int partitions)
{
    private const int WarmUpRounds = 2;

    private static readonly TableIdentifier Name = TableIdentifier.Parse("bench.w1");

    private readonly string _warehouse = Path.Combine(folder, "warehouse");
    private int _run;

    /// <param name="Seconds">By the clock.</param>
    /// <param name="CompactedCount">Small files that are no longer there.</param>
    private sealed record Round(double Seconds, double CpuSeconds, int CompactedCount);

    public async Task RunAsync(int rounds, int files, int rowsPerFile)
    {
        await using var broker = await KafkaBroker.StartAsync();
        var client = await broker.ClientAsync();
        await client.CreateTopicAsync(ClickPipeline.Topic, partitions);
        await client.ProduceFileAsync(ClickPipeline.Topic, input, partitions);
        var pristine = await BuildAsync(files, rowsPerFile);
        Console.WriteLine($"== maintenance on against off, W1, {partitions} partitions, into a table of {files} files with {rowsPerFile} rows each");
        var (clock, cpu) = (new List<double>(), new List<double>());
        for (var round = 1 - WarmUpRounds; round <= Math.Max(rounds, Comparison.RoundsMin); round++)
        {
            var on = await MeasureAsync(broker, pristine, "on", (long)files * rowsPerFile);
            var off = await MeasureAsync(broker, pristine, "off", (long)files * rowsPerFile);
            if (off.CompactedCount != 0) throw new InvalidOperationException($"{off.CompactedCount} files are gone without maintenance.");
            Console.WriteLine(Format(
                $"   {(round > 0 ? $"round {round}" : "warm-up")}: on {facts.Records / on.Seconds / 1e3:F0} k records/s, {on.CpuSeconds:F2} CPU-s, {on.CompactedCount} files put together; off {facts.Records / off.Seconds / 1e3:F0} k records/s, {off.CpuSeconds:F2} CPU-s; ratio {off.Seconds / on.Seconds:F2}, of CPU {off.CpuSeconds / on.CpuSeconds:F2}"));
            if (round <= 0) continue;
            clock.Add(off.Seconds / on.Seconds);
            cpu.Add(off.CpuSeconds / on.CpuSeconds);
        }
        foreach (var (what, ratios) in new[] { ("records per second", new Spread(clock)), ("CPU", new Spread(cpu)) })
            Console.WriteLine(Format($"   RATIO {what}, maintenance on against off: median {ratios.Median:F3}, quartiles {ratios.Quantile(0.25):F3} to {ratios.Quantile(0.75):F3}, range {ratios.Least:F2} to {ratios.Greatest:F2}, {ratios.Count} rounds"));
    }

    /// <summary>A table with small files, in one commit.</summary>
    /// <returns>The folder that holds the warehouse as it is to be before each round.</returns>
    private async Task<string> BuildAsync(int files, int rowsPerFile)
    {
        Directory.CreateDirectory(_warehouse);
        var (environment, memory) = (SystemEnvironment.Create(HostSettings.OfProcess()), new MemoryAccount(512 << 20));
        var catalog = Catalog(environment);
        var schema = new Schema(0, [.. ClickColumns.Inputs.Select((column, i) => new NestedField(i + 1, column.Name, false, column.Type is DataType.Double ? new IcebergType.Double() : new IcebergType.String()))]);
        var (table, _) = await catalog.CreateAsync(Name, new NewTable(schema, PartitionSpec.Unpartitioned, TableMetadata.EmptyProperties), default);
        var written = new List<DataFile>();
        for (var file = 0; file < files; file++)
        {
            var first = (long)file * rowsPerFile;
            written.Add(await TableFile.WriteAsync(table, environment, memory, 512 << 20, rowsPerFile, (columns, i) =>
            {
                foreach (var (column, text) in new[] { $"{unchecked((ulong)(first + i) * 0x9E3779B97F4A7C15):x16}", $"u{(first + i) * 7919 % 1_000_003:0000000}", "page_view", $"/page/{(first + i) * 104_729 % 20_011}" }.Index())
                    ((BytesColumn)columns[column]).Append(Encoding.UTF8.GetBytes(text));
                ((FixedColumn<double>)columns[4]).Append((first + i) % 10_007 / 100.0);
            }));
        }
        var change = await PreparedChange.PrepareAsync(table, written, environment.Ids, default);
        var attempt = (ChangeAttempt.Ready)await change.AttemptAsync(table, table.Metadata.NextTimestampMillis(environment.Clock.GetUtcNow()), new Dictionary<string, string>(StringComparer.Ordinal), [], default);
        if (await catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, default) is not CommitResult.Committed) throw new InvalidOperationException("The small files could not be committed.");
        var pristine = Path.Combine(folder, "pristine");
        Directory.Move(_warehouse, pristine);
        return pristine;
    }

    private async Task<Round> MeasureAsync(KafkaBroker broker, string pristine, string mode, long rowsBefore)
    {
        TemporaryDirectory.Delete(_warehouse);
        foreach (var file in Directory.EnumerateFiles(pristine, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(_warehouse, Path.GetRelativePath(pristine, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        // A short interval begins the first round at once. Pace and budget are the usual ones.
        var flow = ClickPipeline.Plan(
            ClickPipeline.Definition(broker.Bootstrap, partitions, $"bench-{++_run}", "1s"), _warehouse, $"sinks.lake.maintenance.mode={mode}", "sinks.lake.maintenance.interval=1s");
        var environment = SystemEnvironment.Create(HostSettings.OfProcess());
        var (log, progress, seconds) = (new FaultLog(), new FlowProgress(flow.Plan.Name.ToString()), 0.0);
        var runner = new PipelineRunner(environment, new HostConnectors(HostSettings.OfProcess(), environment, log, partitions), log);
        var before = (await LiveFilesAsync(environment)).Select(file => file.Path).ToHashSet(StringComparer.Ordinal);
        var cpu = await CpuTime.OfWorkAsync(async () =>
        {
            using var stop = new CancellationTokenSource();
            var beganAt = Stopwatch.GetTimestamp();
            var run = runner.RunAsync([flow], new RunRequest(new RunMode.Continuous(), OpenAnswers.None, null, _ => true), [progress], stop.Token, default);
            // The last commit comes with the next checkpoint: its time is a multiple of the interval, which says nothing.
            while (progress.ProducedCount < facts.Records && !run.IsCompleted) await Task.Delay(10);
            seconds = Stopwatch.GetElapsedTime(beganAt).TotalSeconds;
            while (progress.CommittedRecordCount < facts.Records && !run.IsCompleted) await Task.Delay(10);
            await stop.CancelAsync();
            await run;
        });
        log.RequireNone();
        var live = await LiveFilesAsync(environment);
        var rows = live.Sum(file => file.RecordCount);
        if (rows != rowsBefore + facts.Records) throw new InvalidOperationException($"The table holds {rows} rows with maintenance {mode}; expected are {rowsBefore} and {facts.Records}.");
        return new Round(seconds, cpu, before.Count - live.Count(file => before.Contains(file.Path)));
    }

    private async Task<IReadOnlyList<DataFile>> LiveFilesAsync(EngineEnvironment environment)
    {
        var table = (await Catalog(environment).LoadAsync(Name, default))!;
        return [.. (await SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default))];
    }

    private FileCatalog Catalog(EngineEnvironment environment) => new(new LocalStore(environment.Ids), _warehouse, environment.Ids, environment.Clock);

    private static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>Keeps what would make a round another work than the one that is measured.</summary>
    private sealed class FaultLog : IEngineLog
    {
        private ImmutableList<string> _faults = [];

        public void Write(LogEntry entry)
        {
            if (entry.Event is "maintenance-failed" or "maintenance-broken" or "retrying") ImmutableInterlocked.Update(ref _faults, faults => faults.Add(entry.Message));
        }

        public void RequireNone()
        {
            if (_faults is [var first, ..]) throw new InvalidOperationException($"{_faults.Count} of the round's steps failed, the first: {first}");
        }
    }
}
