using Matih.Batches;
using Matih.Definition;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Engine.Tests.Delivery;
using Matih.Engine.Tests.Status;
using Matih.Engine.Tests.Verification;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Maintenance;
using Matih.Telemetry;
using Matih.Verification;

namespace Matih.Engine.Tests.Maintenance;

/// <summary>Rounds of maintenance on the table of a flow. What other engines read afterwards is tested in Interop.Tests.</summary>
public sealed class SinkMaintenanceTests
{
    [Fact]
    public async Task A_round_puts_files_together_expires_snapshots_and_the_flow_continues_and_is_proven()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var before = await flow.LiveFilesAsync();

        var report = (await RoundAsync(flow, On with { Retention = TimeSpan.FromMilliseconds(1) }))!;
        flow.Produce(30, 10);
        await flow.CatchUpAsync();

        Assert.Equal((6, 1), (report.Compaction!.Rewritten.Sum(group => group.RemovedFileCount), report.Compaction.Rewritten.Sum(group => group.AddedFileCount)));
        Assert.Equal(6, before.Count);
        Assert.NotEmpty(report.Expiry!.Expired);
        Assert.Equal((1, 1), (report.Health.DataFileCount, report.Health.SmallFileCount));
        Assert.NotNull(report.Health.LastCompaction);
        var verified = await flow.AssertProvenAsync();
        Assert.Equal(40, verified.Ledger!.Totals.AddedRowCount);
    }

    [Fact]
    public async Task Compactions_are_proven_row_by_row_as_long_as_the_old_files_are_there()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await RoundAsync(flow, On);

        var verified = await flow.AssertProvenAsync();

        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.Proved { Code: FindingCode.RewrittenContent } proved && proved.Text.Contains("30 rows", StringComparison.Ordinal));
        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.Proved { Code: FindingCode.Rewritten } proved && proved.Text.StartsWith("1 compaction of our own", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_compaction_that_wrote_other_rows_though_as_many_is_found()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var (files, table) = (await flow.LiveFilesAsync(), await flow.TableAsync());
        var copy = $"{flow.TableFolder}/data/{flow.Ids.NewUuid():N}.parquet";
        File.Copy(files[1].Path, copy);
        var change = await PreparedChange.PrepareAsync(table, [files[1] with { Path = copy }], new FileRemoval([files[0].Path], KeepsRows: true), flow.Ids, default);
        var summary = (await CarriedLedgers.ReadAsync(new IcebergHistory(table), default)).Add(LedgerKeys.Maintenance, "compaction");
        var attempt = Assert.IsType<ChangeAttempt.Ready>(await change.AttemptAsync(table, table.Metadata.NextTimestampMillis(flow.Clock.GetUtcNow()), summary, [], default));
        Assert.IsType<CommitResult.Committed>(await flow.Catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, default));

        var violation = await flow.AssertViolatedAsync(FindingCode.RewriteRows, isOffline: false);

        Assert.Equal(files[0].RecordCount, files[1].RecordCount);
        Assert.Equal("5 rows with other values", violation.Found);
    }

    [Theory]
    [InlineData(MaintenanceMode.Auto, true, true)]
    [InlineData(MaintenanceMode.Auto, false, false)]
    [InlineData(MaintenanceMode.On, false, true)]
    [InlineData(MaintenanceMode.Off, true, false)]
    public async Task Auto_means_tables_that_say_so(MaintenanceMode mode, bool isOurs, bool isMaintained)
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        if (!isOurs) await flow.ChangeTableAsync(new TableUpdate.RemoveProperties([MaintenanceDefinition.TableProperty]));

        Assert.Equal(isMaintained, await RoundAsync(flow, On with { Mode = mode }) is not null);
    }

    [Fact]
    public async Task Where_somebody_compacted_a_moment_ago_it_is_not_done_again()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await RoundAsync(flow, On with { Interval = TimeSpan.FromHours(1) });
        flow.Produce(30, 10);
        await flow.CatchUpAsync();

        var soon = (await RoundAsync(flow, On with { Interval = TimeSpan.FromHours(1) }))!;
        flow.Clock.Jump = TimeSpan.FromMinutes(31);
        var later = (await RoundAsync(flow, On with { Interval = TimeSpan.FromHours(1) }))!;

        Assert.Null(soon.Compaction);
        Assert.NotNull(later.Compaction);
    }

    [Fact]
    public async Task A_compaction_by_a_clock_that_was_far_ahead_does_not_keep_others_from_theirs()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        flow.Clock.Jump = TimeSpan.FromDays(2);
        await RoundAsync(flow, On with { Interval = TimeSpan.FromHours(1) });
        flow.Clock.Jump = TimeSpan.Zero;
        flow.Produce(30, 10);
        await flow.CatchUpAsync();

        var report = (await RoundAsync(flow, On with { Interval = TimeSpan.FromHours(1) }))!;

        Assert.NotNull(report.Compaction);
        await flow.AssertProvenAsync();
    }

    [Fact]
    public async Task Main_is_not_compacted_away_from_a_branch_that_is_to_be_published()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        flow.Overrides.Add("sinks.lake.branch=audit");
        flow.Produce(30, 10);
        await flow.CatchUpAsync();
        var before = (await flow.TableAsync()).Metadata;

        var report = (await RoundAsync(flow, On))!;

        var after = (await flow.TableAsync()).Metadata;
        Assert.Equal(before.CurrentSnapshotId, after.CurrentSnapshotId);
        Assert.Contains(after.Lineage("audit"), snapshot => snapshot.Id == after.CurrentSnapshotId);
        Assert.StartsWith("Branch 'audit' stands on the newest snapshot of main, which could not be fast-forwarded", Assert.Single(report.Compaction!.Skipped).Reason, StringComparison.Ordinal);
        // Main goes another way, and the branch can be published no more.
        await flow.ForeignAppendAsync();
        Assert.NotEmpty((await RoundAsync(flow, On))!.Compaction!.Rewritten);
    }

    [Fact]
    public async Task A_damaged_file_costs_its_group_and_is_named_and_ends_nothing()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        File.Delete((await flow.LiveFilesAsync())[0].Path);
        var (log, progress) = (new ListLog(), new FlowProgress("orders/lake"));

        await Of(flow, On).RunLoggedAsync(progress, removesOrphans: false, log, default);

        var entry = Assert.Single(log.Entries);
        Assert.Equal("maintained", entry.Event);
        Assert.Contains("is missing", entry.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_limit_that_is_passed_is_said_with_the_remedy()
    {
        var fine = new TableHealth(1_000, 1, 900, 1, 10, 20, 100, 0, 1_000, null);

        Assert.Empty(fine.Warnings());
        Assert.Equal(["small-files"], (fine with { DataFileCount = 2_100, SmallFileCount = 1_100 }).Warnings().Select(warning => warning.Code));
        Assert.Empty((fine with { DataFileCount = 21_000, SmallFileCount = 1_100 }).Warnings());
        Assert.Equal(["delete-files", "snapshots", "manifests"], (fine with { DeleteFileCount = 101, SnapshotCount = 5_001, ManifestCount = 501 }).Warnings().Select(warning => warning.Code));
        Assert.Equal(["snapshots"], (fine with { MetadataBytes = (16 << 20) + 1 }).Warnings().Select(warning => warning.Code));
        Assert.All((fine with { DeleteFileCount = 101, MetadataBytes = 1 << 30 }).Warnings(), warning => Assert.Contains("`matih maintain`", warning.Text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Work_at_a_tenth_of_a_core_waits_nine_times_as_long_as_it_worked()
    {
        var clock = new WorkedClock();
        var pace = new WorkPace(0.1, clock);
        for (var i = 0; i < 10; i++)
        {
            clock.Work(TimeSpan.FromSeconds(1));
            await pace.WaitAsync(default);
        }

        Assert.Equal(90, clock.Waited.TotalSeconds, 0.5);
        Assert.Equal(0, (await WaitedAsync(1)).TotalSeconds);

        static async Task<TimeSpan> WaitedAsync(double share)
        {
            var clock = new WorkedClock();
            var pace = new WorkPace(share, clock);
            clock.Work(TimeSpan.FromSeconds(1));
            await pace.WaitAsync(default);
            return clock.Waited;
        }
    }

    private static MaintenanceDefinition On => MaintenanceDefinition.Default with { Mode = MaintenanceMode.On, Interval = TimeSpan.FromSeconds(1) };

    private static SinkMaintenance Of(FlowHarness flow, MaintenanceDefinition settings) =>
        new(flow.Environment(), flow.Catalog, flow.Plan()[0].Plan.Table.Identifier, settings, null, new MemoryAccount(64 << 20), share: 1);

    private static ValueTask<MaintenanceReport?> RoundAsync(FlowHarness flow, MaintenanceDefinition settings) => Of(flow, settings).RunAsync(removesOrphans: false, default);

    private sealed class ListLog : IEngineLog
    {
        public List<LogEntry> Entries { get; } = [];

        public void Write(LogEntry entry) => Entries.Add(entry);
    }

    /// <summary>A clock that goes on by work and by waits, which end at once.</summary>
    private sealed class WorkedClock : TimeProvider
    {
        private TimeSpan _now;

        public TimeSpan Waited { get; private set; }

        public void Work(TimeSpan time) => _now += time;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Waited += dueTime;
            _now += dueTime;
            return System.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }
}
