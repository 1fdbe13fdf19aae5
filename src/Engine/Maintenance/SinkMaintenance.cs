using System.Collections.Immutable;
using Matih.Batches;
using Matih.Definition;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Maintenance.Compaction;
using Matih.Maintenance.Orphans;
using Matih.Delivery;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Maintenance;

/// <summary>What a round of maintenance did to a table.</summary>
/// <param name="Compaction">Null where it was not its turn, or could not be.</param>
/// <param name="Expiry">Null where it could not be.</param>
/// <param name="Orphans">Null where it was not its turn, or could not be.</param>
/// <param name="Health">The table when the round was done.</param>
/// <param name="Refusals">Why a part could not be, each a sentence.</param>
public sealed record MaintenanceReport(TableIdentifier Table, CompactionReport? Compaction, ExpiryReport? Expiry, OrphanReport? Orphans, TableHealth Health, ImmutableArray<string> Refusals)
{
    public bool IsIdle => Refusals.IsEmpty && Compaction is null or { Rewritten.IsEmpty: true, Skipped.IsEmpty: true, IsOnlyManifests: false } && Expiry is null or { Expired.IsEmpty: true, ExpiredRefs.IsEmpty: true } && Orphans is null or { Files.Count: 0 };

    /// <summary>What was done, in a sentence.</summary>
    public override string ToString()
    {
        var done = new List<string>();
        if (Compaction is { Rewritten: { IsEmpty: false } groups })
        {
            done.Add($"put {Quantity.Of(groups.Sum(group => group.RemovedFileCount), "file")} ({Quantity.Bytes(groups.Sum(group => group.RemovedBytes))}) into {Quantity.Count(groups.Sum(group => group.AddedFileCount))} ({Quantity.Bytes(groups.Sum(group => group.AddedBytes))})");
        }
        if (Compaction is { IsOnlyManifests: true }) done.Add("put its manifests together");
        if (Compaction is { Skipped: { IsEmpty: false } skipped }) done.Add($"left {Quantity.Of(skipped.Length, "group")} of files as they were ({skipped[0].Reason})");
        if (Expiry is { Expired: { IsEmpty: false } expired }) done.Add($"expired {Quantity.Of(expired.Length, "snapshot")} and deleted {Quantity.Of(Expiry.Files.Count - Expiry.Undeleted.Count, "file")}");
        if (Orphans is { Files: { Count: > 0 } files }) done.Add($"removed {Quantity.Of(files.Count - Orphans.Undeleted.Count, "orphan file")} ({Quantity.Bytes(files.Sum(file => file.LengthBytes))})");
        done.AddRange(Refusals);
        return done.Count == 0 ? "nothing to do" : string.Join("; ", done);
    }
}

/// <summary>
/// One round of maintenance of a sink's table after another, as the definition says: compaction, then expiry, and where it is
/// asked for orphan files. Not thread-safe.
/// </summary>
/// <param name="targetFileBytes">The sink's <c>target_file_size</c>; null takes the table's own.</param>
/// <param name="memory">What rows may take that are rewritten.</param>
/// <param name="share">Of one core; 1 and above do not hold back.</param>
public sealed class SinkMaintenance(EngineEnvironment environment, ICatalog catalog, TableIdentifier identifier, MaintenanceDefinition settings, long? targetFileBytes, MemoryAccount memory, double share)
{
    /// <summary>Maintenance may take so much of a flow's memory, beside it, while it works.</summary>
    private const int MemoryShare = 4;

    private const long MemoryBytesMin = 64L << 20;

    private readonly HashSet<string> _warned = new(StringComparer.Ordinal);

    /// <summary>Refusals that were said already: a table that cannot be compacted is said once, not every hour.</summary>
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);

    public static SinkMaintenance Of(EngineEnvironment environment, ICatalog catalog, SinkDefinition sink, FlowPlan plan, double share) => new(
        environment, catalog, plan.Table.Identifier, sink.Maintenance, sink.TargetFileBytes, new MemoryAccount(Math.Max(MemoryBytesMin, plan.MemoryBytes / MemoryShare)), share);

    /// <summary>A round whose outcome is logged, failures as well: nothing that fails here is worth ending anything else.</summary>
    /// <param name="progress">Of the flow whose table it is.</param>
    /// <param name="removesOrphans">Whether orphan files are looked for, which costs a listing of the table's folder.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async ValueTask RunLoggedAsync(FlowProgress progress, bool removesOrphans, IEngineLog log, CancellationToken cancellationToken)
    {
        var (flow, beganAt) = (progress.Flow, environment.Clock.GetTimestamp());
        try
        {
            if (await RunAsync(removesOrphans, cancellationToken) is not { } report) return;
            var health = report.Health;
            progress.NoteMaintenance(
                new MaintainedTable(environment.Clock.GetUtcNow(), health.DataFileCount, health.SmallFileCount, health.DeleteFileCount, health.SnapshotCount, health.MetadataBytes),
                report.Compaction?.Rewritten.Sum(group => (long)group.RemovedFileCount) ?? 0, report.Expiry?.Expired.Length ?? 0);
            // What is told again each time is not read any more.
            foreach (var warning in health.Warnings().Where(warning => _warned.Add(warning.Code)))
                log.Warning("table-health", $"Flow {flow}: table {report.Table}: {warning.Text}", ("flow", flow), ("table", report.Table.ToString()));
            var text = $"Flow {flow}: maintenance of table {report.Table}: {report}.";
            if (report.IsIdle) log.Debug("maintained", text);
            else log.Information("maintained", text, ("flow", flow), ("table", report.Table.ToString()), ("took_ms", (long)environment.Clock.GetElapsedTime(beganAt).TotalMilliseconds));
        }
        catch (Exception e) when (e is IOException or InvalidTableException or UnsupportedTableException or UnauthorizedAccessException or PipelineException)
        {
            log.Warning("maintenance-failed", $"Flow {flow}: maintenance of table {identifier} failed, and is tried again at its next turn: {e.Message} The flow continues.", ("flow", flow), ("table", identifier.ToString()));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // A fault of ours. The flow's rows are not touched by it, and stopping the flow would help nobody.
            log.Warning("maintenance-broken", $"Flow {flow}: maintenance of table {identifier} ended with a fault of this program, which should be reported: {e.GetType().Name}: {e.Message} The flow continues.", ("flow", flow), ("table", identifier.ToString()));
        }
    }

    /// <returns>Null where there is no such table, or it is not to be maintained.</returns>
    /// <exception cref="InvalidTableException">A file that the table needs is missing or damaged.</exception>
    /// <exception cref="CatalogException">A commit did not get through.</exception>
    public async ValueTask<MaintenanceReport?> RunAsync(bool removesOrphans, CancellationToken cancellationToken)
    {
        if (settings.Mode == MaintenanceMode.Off || await catalog.LoadAsync(identifier, cancellationToken) is not { } table) return null;
        if (!settings.Includes(table.Metadata.Properties.GetValueOrDefault(MaintenanceDefinition.TableProperty))) return null;
        var refusals = ImmutableArray.CreateBuilder<string>();
        var compaction = WasCompactedLately(table.Metadata) ? null : await TryAsync(() => CompactAsync(cancellationToken));
        var expiry = await TryAsync(() => new TableExpiry(catalog, environment.Clock) { Retention = settings.Retention }.RunAsync(identifier, isDryRun: false, cancellationToken));
        var options = new OrphanOptions(OrphanOptions.OlderThanDefault);
        var orphans = removesOrphans ? await TryAsync(() => new OrphanRemoval(catalog, environment.Ids, environment.Clock).RunAsync(identifier, options, cancellationToken)) : null;
        if (await catalog.LoadAsync(identifier, cancellationToken) is not { } after) return null;
        return new MaintenanceReport(identifier, compaction, expiry, orphans, await TableHealth.ReadAsync(after, cancellationToken), [.. refusals.Where(_told.Add)]);

        // What one part cannot do must not keep the others from their work: expiry makes room where compaction found none.
        async ValueTask<T?> TryAsync<T>(Func<ValueTask<T?>> part) where T : class
        {
            try
            {
                return await part();
            }
            catch (Exception e) when (e is UnsupportedTableException or InvalidTableException or IOException or UnauthorizedAccessException)
            {
                refusals.Add(e.Message);
                return null;
            }
        }
    }

    private ValueTask<CompactionReport?> CompactAsync(CancellationToken cancellationToken)
    {
        var pace = new WorkPace(share, environment.Clock);
        return new TableCompaction(catalog, environment, memory) { PaceAsync = pace.WaitAsync }.RunAsync(identifier, targetFileBytes, settings.BudgetBytes, isDryRun: false, cancellationToken);
    }

    /// <summary>Another pipeline of the table, or a scheduler, does the same: one of them is enough.</summary>
    /// <remarks>A time that is far ahead tells of a wrong clock, not of a compaction lately: nobody would compact until then.</remarks>
    private bool WasCompactedLately(TableMetadata metadata) =>
        TableHealth.FindLastCompaction(metadata) is { } latest && Math.Abs(environment.Clock.GetUtcNow().ToUnixTimeMilliseconds() - latest.TimestampMillis) < settings.Interval.TotalMilliseconds / 2;
}
