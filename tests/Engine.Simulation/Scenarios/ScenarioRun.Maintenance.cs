using Matih.Batches;
using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Engine.Simulation.Auditing;
using Matih.Engine.Simulation.Processes;
using Matih.Engine.Simulation.World;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Maintenance.Compaction;
using Matih.Maintenance;
using Matih.Maintenance.Orphans;

namespace Matih.Engine.Simulation.Scenarios;

/// <content>Our own maintenance, beside everything else: what it may delete, and what it must leave.</content>
internal sealed partial class ScenarioRun
{
    private static readonly TimeSpan PastEveryAge = TimeSpan.FromDays(6);

    private readonly HashSet<int> _maintaining = [];

    /// <summary>Null for what is not told when to end: maintenance, and hosts that drive a flow.</summary>
    private RunMode? ModeOf(SimulatedProcess process) => _maintaining.Contains(process.Id) ? null : _auditor.Orders.Of(process.Id).Mode;

    private void Maintain(WorldAction.Maintain order)
    {
        if (order.Sleep is { } time && !_isCalm) Sleep(time, () => StartMaintenance(order));
        else StartMaintenance(order);
    }

    private void StartMaintenance(WorldAction.Maintain order)
    {
        _replayCauses.Shortened.Add(order.Table);
        var process = NewProcess("cron", order.Seed, default);
        _maintaining.Add(process.Id);
        process.Ended = _ => RequireWhole(order.Table);
        if (order.KilledAfterCalls is { } calls) process.AfterCalls(calls, () => Kill(process));
        DeleteBeside(process, order);
        _simulator.Trace.Note(_simulator.Now, process.Name, $"maintains {order.Table}");
        process.Start(async (_, abort) =>
        {
            var catalog = PipelineProcess.CatalogOf(_world, process, new StoreClient(_world.Store, _world.Weather, process));
            var (table, clock) = (TableIdentifier.Parse(order.Table), new LaterClock(process.Clock));
            try
            {
                var choice = new Random(order.Seed);
                if (choice.Next(3) != 0) await CompactAsync(process, catalog, order.Table, choice, abort);
                var report = await new TableExpiry(catalog, clock).RunAsync(table, isDryRun: false, abort);
                if (report is not null) _simulator.Trace.Note(_simulator.Now, process.Name, $"expired {report.Expired.Length} of {report.SnapshotCount} snapshots of {report.Table}, {report.HeldForLedgers} held; {report.Files.Count} files deleted");
                // By the store's clock only what was written before a long sleep is so old.
                var orphans = await new OrphanRemoval(catalog, process.Environment.Ids, clock).RunAsync(table, new OrphanOptions(OrphanOptions.OlderThanMin), abort);
                if (orphans is not null) _simulator.Trace.Note(_simulator.Now, process.Name, $"removed {orphans.Files.Count} orphan files of {orphans.ListedCount} in {orphans.Table}");
            }
            catch (Exception e) when (e is IOException or InvalidTableException or UnsupportedTableException)
            {
                _simulator.Trace.Note(_simulator.Now, process.Name, $"gives up: {e.Message}");
            }
        });
    }

    /// <summary>Another engine deletes rows of its own before maintenance begins, and while it is at work.</summary>
    private void DeleteBeside(SimulatedProcess process, WorldAction.Maintain order)
    {
        var choice = new Random(order.Seed ^ 0x5a17);
        if (_isCalm || choice.Next(2) == 0) return;
        if (Load(order.Table) is { } table) _engines.AppendRows(table, PlanOf(order.Table), choice.Next(2, 6));
        for (var i = choice.Next(1, 4); i > 0; i--)
        {
            var pick = choice.Next(1000);
            if (choice.Next(3) == 0) Delete();
            else process.AfterCalls(choice.Next(1, 60), () => _simulator.After(TimeSpan.Zero, Delete));

            void Delete()
            {
                if (!_isCalm && Load(order.Table) is { } held) _deletes.DeleteRow(held, pick);
            }
        }
    }

    private async Task CompactAsync(SimulatedProcess process, ICatalog catalog, string table, Random choice, CancellationToken abort)
    {
        var terms = new CompactionTerms(choice.Next(2) == 0 ? 1 << 20 : 4 << 10, long.MaxValue) { FileCountMin = 2, ColdAge = choice.Next(2) == 0 ? TimeSpan.Zero : TimeSpan.FromHours(1) };
        var report = await new TableCompaction(catalog, process.Environment, new MemoryAccount(16 << 20)).RunAsync(TableIdentifier.Parse(table), terms, isDryRun: false, abort);
        if (report is null) return;
        _simulator.Trace.Note(_simulator.Now, process.Name,
            $"compacted {report.Rewritten.Sum(group => group.RemovedFileCount)} of {report.FileCount} files of {report.Table} into {report.Rewritten.Sum(group => group.AddedFileCount)}; left: {string.Join("; ", report.Skipped.Select(skipped => skipped.Reason))}");
    }

    /// <summary>All that a snapshot of the table leads to is there, and pipelines find their ledgers by the snapshots that are left.</summary>
    private void RequireWhole(string name)
    {
        if (Load(name) is not { } table) return;
        foreach (var snapshot in table.Metadata.Snapshots)
            if (_others.FindMissing(table, snapshot) is { } missing) throw new AuditException($"Snapshot {snapshot.Id} of {name} needs {missing}, which is gone.");
        // What others took away is not ours to answer for.
        if (_others.Expired.Contains(table.Identifier) || !table.Metadata.Refs.Keys.Any(LedgerKeys.IsTag)) return;
        for (var snapshot = table.Metadata.CurrentSnapshot; snapshot is not null && !snapshot.Summary.ContainsKey(LedgerKeys.Writer);)
        {
            if (snapshot.ParentId is not { } parent) return;
            snapshot = table.Metadata.FindSnapshot(parent) ?? throw new AuditException($"Maintenance of {name} took snapshot {parent}, through which pipelines find their ledgers.");
        }
    }

    /// <summary>The same clock, some days later.</summary>
    private sealed class LaterClock(TimeProvider clock) : TimeProvider
    {
        public override long TimestampFrequency => clock.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => clock.GetUtcNow() + PastEveryAge;

        public override long GetTimestamp() => clock.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => clock.CreateTimer(callback, state, dueTime, period);
    }
}
