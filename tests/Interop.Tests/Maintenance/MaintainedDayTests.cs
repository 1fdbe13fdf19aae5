using System.Collections.Immutable;
using System.Diagnostics;
using Matih.Batches;
using Matih.Definition;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Tables;
using Matih.Delivery.Writing;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Maintenance;
using Matih.Parquet;
using Matih.Storage;

namespace Matih.Interop.Tests.Maintenance;

/// <summary>
/// A day of a pipeline that commits every ten seconds, with maintenance once an hour, on a clock that is set forward: the rows are
/// few and the target size is small. Soak runs the whole day, the tests two hours.
/// </summary>
public sealed class MaintainedDayTests
{
    private const int CommitsPerHour = 360, RowsPerCommit = 5;
    private const long TargetBytes = 64 << 10;

    private static readonly int Hours = Soak.IsOn ? 24 : 2;
    private static readonly TimeSpan Retention = TimeSpan.FromHours(2);

    private readonly string _folder = TemporaryDirectory.New();
    private readonly SystemIdSource _ids = new();
    private readonly MovableClock _clock = new();
    private readonly MemoryAccount _memory = new(128 << 20);
    private readonly FileCatalog _catalog;
    private long _rowCount;

    public MaintainedDayTests() => _catalog = new FileCatalog(new LocalStore(_ids), _folder, _ids, _clock);

    private sealed class MovableClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private static TableIdentifier Name { get; } = TableIdentifier.Parse("ns.t");

    private string Folder => Path.Combine(_folder, "ns", "t");

    [Fact, LongTest]
    public async Task Files_stay_few_commits_stay_cheap_and_readers_of_kept_snapshots_find_every_file()
    {
        var schema = new Schema(0, [new NestedField(1, "id", true, new IcebergType.Long()), new NestedField(2, "at", true, new IcebergType.Timestamp()), new NestedField(3, "note", false, new IcebergType.String())]);
        var properties = ImmutableSortedDictionary<string, string>.Empty.Add("write.target-file-size-bytes", $"{TargetBytes}");
        var (table, _) = await _catalog.CreateAsync(Name, new NewTable(schema, PartitionSpec.Create(schema, [("at", new Transform.Hour(), null)]), properties), default);
        var settings = new MaintenanceDefinition(MaintenanceMode.On, Retention, TimeSpan.FromHours(1), long.MaxValue);
        var environment = new EngineEnvironment(_clock, _ids, new Random(1), new SystemTaskStarter(), new LocalScratch(_folder, _ids));
        var maintenance = new SinkMaintenance(environment, _catalog, Name, settings, null, _memory, share: 1);
        var held = new Queue<(DateTimeOffset At, Snapshot Snapshot)>();
        var times = new List<double>();
        var (rewritten, written) = (0L, 0L);
        for (var hour = 0; hour < Hours; hour++)
        {
            for (var commit = 0; commit < CommitsPerHour; commit++)
            {
                _clock.Now += TimeSpan.FromSeconds(10);
                var file = await WriteAsync(table);
                written += file.FileSizeBytes;
                var beganAt = Stopwatch.GetTimestamp();
                table = await CommitAsync(table, file);
                times.Add(Stopwatch.GetElapsedTime(beganAt).TotalMilliseconds);
                if (commit % 60 == 0) held.Enqueue((_clock.Now, table.Metadata.CurrentSnapshot!));
                if (commit % 45 == 44) await ReadHeldAsync(table, held);
            }
            var report = (await maintenance.RunAsync(removesOrphans: hour % 8 == 7, default))!;
            rewritten += report.Compaction!.Rewritten.Sum(group => group.AddedBytes);
            Assert.Empty(report.Refusals);
            Assert.Empty(report.Compaction.Skipped);
            table = (await _catalog.LoadAsync(Name, default))!;
            Assert.InRange(table.Metadata.Snapshots.Length, 1, 2 * CommitsPerHour + 40);
            if (hour == Hours / 2) await CheckAsync();
        }
        // What the last compaction replaced stays for readers as long as the retention.
        for (var i = 0; i < 2; i++)
        {
            _clock.Now += TimeSpan.FromHours(3);
            await maintenance.RunAsync(removesOrphans: true, default);
        }
        await CheckAsync();
        Assert.Equal(_rowCount, Assert.Single(await DuckDb.QueryAsync($"select count(distinct id)::bigint n from iceberg_scan('{Folder}')")).GetProperty("n").GetInt64());

        table = (await _catalog.LoadAsync(Name, default))!;
        var files = await SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default);
        var ideal = files.GroupBy(file => new PartitionIdentity(file)).Sum(group => (group.Sum(file => file.FileSizeBytes) + TargetBytes - 1) / TargetBytes);
        var (first, last) = (Median(times[..CommitsPerHour]), Median(times[^CommitsPerHour..]));
        TestContext.Current.SendDiagnosticMessage(
            $"{times.Count} commits: {files.Count} files (ideal {ideal}), write amplification {(double)(written + rewritten) / written:0.00}, median commit {first:0.0} ms in the first hour and {last:0.0} ms in the last, {Directory.GetFiles(_folder, "*", SearchOption.AllDirectories).Length} files on disk");
        Assert.InRange(files.Count, 1, 2 * ideal);
        // Files that nothing needs any more are not kept either; the file catalog's own versions are.
        Assert.Equal(files.Count, Directory.GetFiles(Folder, "*.parquet", SearchOption.AllDirectories).Length);
        if (Soak.IsOn) Assert.InRange(last / first, 0, 1.5);
    }

    private async Task CheckAsync()
    {
        await IcebergReference.CheckAsync(Folder, "--allow-missing-parents");
        Assert.Equal(_rowCount, await IcebergReference.CountAsync(Folder));
    }

    /// <summary>A reader that planned its scan at an earlier snapshot, within the retention, still finds all that it needs.</summary>
    private async Task ReadHeldAsync(Table table, Queue<(DateTimeOffset At, Snapshot Snapshot)> held)
    {
        while (held.TryPeek(out var oldest) && _clock.Now - oldest.At > Retention) held.Dequeue();
        if (!held.TryPeek(out var reader)) return;
        foreach (var file in await SnapshotReader.LiveFilesAsync(table, reader.Snapshot, default)) Assert.True(File.Exists(file.Path), $"{file.Path} of snapshot {reader.Snapshot.Id}, which is {_clock.Now - reader.At} old.");
    }

    private async Task<DataFile> WriteAsync(Table table)
    {
        var binding = IcebergBinding.OfWholeTable(table);
        var writing = new FileWriting(binding.StoredRows, binding, ParquetWriterSettings.Default, TargetBytes, new GatheringLimits(1 << 20), table.Store, _ids, _memory, new LocalScratch(_folder, _ids));
        Column[] columns = [.. binding.Columns.Select(column => Column.Create(column.Type.ReadAs, _memory))];
        try
        {
            for (var i = 0; i < RowsPerCommit; i++)
            {
                ((FixedColumn<long>)columns[0]).Append(_rowCount++);
                ((FixedColumn<long>)columns[1]).Append(_clock.Now.ToUnixTimeMilliseconds() * 1000);
                ((BytesColumn)columns[2]).Append(System.Text.Encoding.UTF8.GetBytes($"row {_rowCount * 7919 % 10_007} of the day"));
            }
            await using var writer = new SinkWriter(new FileSets(writing, 1, new SystemTaskStarter()), isAlone: true);
            await writer.WriteAsync(new ColumnBatch(binding.StoredRows, columns, RowsPerCommit), default);
            return ((IcebergFile)Assert.Single(await writer.FinishAsync(default))).File;
        }
        finally
        {
            foreach (var column in columns) column.Dispose();
        }
    }

    private async Task<Table> CommitAsync(Table table, DataFile file)
    {
        var change = await PreparedChange.PrepareAsync(table, [file], _ids, default);
        // As long as the ledger of a topic with some partitions.
        var summary = new Dictionary<string, string>(StringComparer.Ordinal) { ["example.positions"] = string.Concat(Enumerable.Repeat($"{_rowCount:D16}", 60)) };
        var attempt = Assert.IsType<ChangeAttempt.Ready>(await change.AttemptAsync(table, table.Metadata.NextTimestampMillis(_clock.Now), summary, [], default));
        var committed = Assert.IsType<CommitResult.Committed>(await _catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, default)).Table;
        foreach (var unused in attempt.UnusedLocations) await table.Store.DeleteAsync(unused, default);
        return committed;
    }

    private static double Median(IReadOnlyList<double> values) => values.Order().ElementAt(values.Count / 2);
}
