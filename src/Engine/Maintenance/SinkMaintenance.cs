using System.Collections.Immutable;
using Matih.Batches;
using Matih.Definition;
using Matih.Delivery.Ledgers;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Maintenance.Compaction;

namespace Matih.Maintenance;

/// <summary>What a round of maintenance did to a table.</summary>
/// <param name="Compaction">Null where it was not its turn, or could not be.</param>
/// <param name="Expiry">Null where it could not be.</param>
/// <param name="Refusals">Why a part could not be, each a sentence.</param>
public sealed record MaintenanceReport(TableIdentifier Table, CompactionReport? Compaction, ExpiryReport? Expiry, ImmutableArray<string> Refusals)
{
    public bool IsIdle => Refusals.IsEmpty && Compaction is null or { Rewritten.IsEmpty: true, Skipped.IsEmpty: true, IsOnlyManifests: false } && Expiry is null or { Expired.IsEmpty: true, ExpiredRefs.IsEmpty: true };

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
        done.AddRange(Refusals);
        return done.Count == 0 ? "nothing to do" : string.Join("; ", done);
    }
}

/// <summary>One round of maintenance of a sink's table after another: compaction, then expiry, as the definition says. Not thread-safe.</summary>
/// <param name="targetFileBytes">The sink's <c>target_file_size</c>; null takes the table's own.</param>
/// <param name="memory">What rows may take that are rewritten.</param>
/// <param name="share">Of one core; 1 and above do not hold back.</param>
public sealed class SinkMaintenance(EngineEnvironment environment, ICatalog catalog, TableIdentifier identifier, MaintenanceDefinition settings, long? targetFileBytes, MemoryAccount memory, double share)
{
    /// <returns>Null where there is no such table, or it is not to be maintained.</returns>
    /// <exception cref="InvalidTableException">A file that the table needs is missing or damaged.</exception>
    /// <exception cref="CatalogException">A commit did not get through.</exception>
    public async ValueTask<MaintenanceReport?> RunAsync(CancellationToken cancellationToken)
    {
        if (settings.Mode == MaintenanceMode.Off || await catalog.LoadAsync(identifier, cancellationToken) is not { } table) return null;
        if (!settings.Includes(table.Metadata.Properties.GetValueOrDefault(MaintenanceDefinition.TableProperty))) return null;
        var refusals = ImmutableArray.CreateBuilder<string>();
        CompactionReport? compaction = null;
        ExpiryReport? expiry = null;
        try
        {
            if (!WasCompactedLately(table.Metadata)) compaction = await CompactAsync(cancellationToken);
        }
        catch (UnsupportedTableException e)
        {
            refusals.Add(e.Message);
        }
        try
        {
            expiry = await new TableExpiry(catalog, environment.Clock) { Retention = settings.Retention }.RunAsync(identifier, isDryRun: false, cancellationToken);
        }
        catch (UnsupportedTableException e)
        {
            refusals.Add(e.Message);
        }
        return new MaintenanceReport(identifier, compaction, expiry, refusals.ToImmutable());
    }

    private ValueTask<CompactionReport?> CompactAsync(CancellationToken cancellationToken)
    {
        var pace = new WorkPace(share, environment.Clock);
        return new TableCompaction(catalog, environment, memory) { PaceAsync = pace.WaitAsync }.RunAsync(identifier, targetFileBytes, settings.BudgetBytes, isDryRun: false, cancellationToken);
    }

    /// <summary>Another pipeline of the table, or a scheduler, does the same: one of them is enough.</summary>
    private bool WasCompactedLately(TableMetadata metadata)
    {
        var latest = metadata.Lineage().FirstOrDefault(snapshot => snapshot.Summary.ContainsKey(LedgerKeys.Maintenance));
        return latest is not null && environment.Clock.GetUtcNow().ToUnixTimeMilliseconds() - latest.TimestampMillis < settings.Interval.TotalMilliseconds / 2;
    }
}
