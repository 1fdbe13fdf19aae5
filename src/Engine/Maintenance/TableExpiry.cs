using System.Collections.Immutable;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;

namespace Matih.Maintenance;

/// <summary>What expiry did to a table, or would do.</summary>
/// <param name="SnapshotCount">Snapshots that the table held before.</param>
/// <param name="Expired">Those that went, oldest first.</param>
/// <param name="ExpiredRefs">Branches and tags that went.</param>
/// <param name="HeldForLedgers">Snapshots past their age that stay, since pipelines find their ledgers, and Flink jobs their last commit, through them.</param>
/// <param name="Files">What nothing leads to any more: deleted, or in a dry run what would be.</param>
/// <param name="Undeleted">Files of <paramref name="Files"/> that the store did not delete, each with its reason. They are orphans now, and do no harm.</param>
public sealed record ExpiryReport(
    TableIdentifier Table, int SnapshotCount, ImmutableArray<SnapshotId> Expired, ImmutableArray<string> ExpiredRefs, int HeldForLedgers,
    IReadOnlyList<UnreachableFile> Files, IReadOnlyList<(UnreachableFile File, string Reason)> Undeleted);

/// <summary>
/// Removes snapshots that are past the table's retention (<c>history.expire.*</c>), in one commit that changes nothing else,
/// and then the files that only they led to. Nothing is deleted before the table was read back without the snapshots.
/// </summary>
/// <remarks>
/// It may run beside writers and beside other engines' maintenance: of two commits one is refused and made again on the table
/// as it then stands, and what others removed meanwhile is found in the table that is read back. Killed at any moment, it leaves
/// at most files that nothing names.
/// </remarks>
public sealed class TableExpiry(ICatalog catalog, TimeProvider clock)
{
    /// <summary>How long snapshots stay; null takes the table's own <c>history.expire.max-snapshot-age-ms</c>.</summary>
    public TimeSpan? Retention { get; init; }

    /// <param name="isDryRun">Whether to look only.</param>
    /// <returns>Null where there is no such table.</returns>
    /// <exception cref="UnsupportedTableException">The table forbids it, or cannot be written by this build.</exception>
    /// <exception cref="InvalidTableException">A file that the table needs is missing or damaged. Where the commit stands, no file was deleted.</exception>
    /// <exception cref="CatalogException">The commit did not get through.</exception>
    public async ValueTask<ExpiryReport?> RunAsync(TableIdentifier identifier, bool isDryRun, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            if (await catalog.LoadAsync(identifier, cancellationToken) is not { } table) return null;
            if (!new TableSettings(table.Metadata.Properties).MayDeleteFiles)
            {
                throw new UnsupportedTableException(
                    $"The table {identifier} has the property gc.enabled=false: other tables may need its files, so its snapshots do not expire. Set it to true if that is no longer so.");
            }
            var plan = ExpiryPlan.Of(table.Metadata, clock.GetUtcNow().ToUnixTimeMilliseconds(), Retention);
            if (plan.Snapshots.IsEmpty && plan.Refs.IsEmpty) return Report(table, plan, [], []);
            var updates = UpdatesOf(plan);
            if (isDryRun)
            {
                var expected = table with { Metadata = TableUpdates.Apply(table.Metadata, updates, table.Metadata.LastUpdatedMillis) };
                return Report(table, plan, await UnreachableFiles.FindAsync(table, expected, cancellationToken), []);
            }
            var result = await catalog.CommitAsync(table, Requirements(table, plan), updates, cancellationToken);
            if (result is not CommitResult.Conflict && await ReadBackAsync(table, plan, cancellationToken) is { } after)
            {
                var files = await FindUnreachableAsync(table, after, cancellationToken);
                return Report(table, plan, files, await FileDeletion.DeleteAsync(after.Store, files, file => file.Path, cancellationToken));
            }
            if (attempt >= CommitAttempts.CountMax)
                throw CommitAttempts.NotThrough($"The expiry of snapshots of table {identifier} did not get through", attempt, result, "the table has the snapshots still", "No file was deleted.");
            await CommitAttempts.WaitAfterAsync(attempt, clock, cancellationToken);
        }
    }

    /// <summary>Others that expire beside it take away what the table needed a moment ago: then it is looked at as it is now.</summary>
    private async ValueTask<IReadOnlyList<UnreachableFile>> FindUnreachableAsync(Table before, Table after, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return [.. await UnreachableFiles.FindAsync(before, after, cancellationToken)];
            }
            catch (InvalidTableException)
            {
                var now = await catalog.LoadAsync(before.Identifier, cancellationToken);
                if (attempt >= CommitAttempts.CountMax || now is null || now.Metadata.TableUuid != before.Metadata.TableUuid || now.MetadataLocation == after.MetadataLocation) throw;
                after = now;
            }
        }
    }

    private static List<TableUpdate> UpdatesOf(ExpiryPlan plan)
    {
        List<TableUpdate> updates = [.. plan.Refs.Select(name => new TableUpdate.RemoveSnapshotRef(name))];
        if (!plan.Snapshots.IsEmpty) updates.Add(new TableUpdate.RemoveSnapshots(plan.Snapshots));
        return updates;
    }

    /// <summary>Every ref stands where the plan saw it: one that was moved onto a snapshot of the plan must keep it.</summary>
    private static List<TableRequirement> Requirements(Table table, ExpiryPlan plan) =>
    [
        new TableRequirement.AssertTableUuid(table.Metadata.TableUuid),
        .. table.Metadata.Refs.Select(entry => new TableRequirement.AssertRefSnapshotId(entry.Key, entry.Value.SnapshotId)),
    ];

    /// <summary>The table as it stands since, where it no longer has what was planned to go; null where it still has.</summary>
    private async ValueTask<Table?> ReadBackAsync(Table before, ExpiryPlan plan, CancellationToken cancellationToken)
    {
        var after = await catalog.LoadAsync(before.Identifier, cancellationToken);
        if (after is null || after.Metadata.TableUuid != before.Metadata.TableUuid)
            throw new InvalidTableException($"The table {before.Identifier} was dropped or replaced while its snapshots expired. No file was deleted.");
        return plan.Snapshots.Any(id => after.Metadata.FindSnapshot(id) is not null) || plan.Refs.Any(after.Metadata.Refs.ContainsKey) ? null : after;
    }

    private static ExpiryReport Report(Table table, ExpiryPlan plan, IReadOnlyList<UnreachableFile> files, IReadOnlyList<(UnreachableFile File, string Reason)> undeleted) =>
        new(table.Identifier, table.Metadata.Snapshots.Length, plan.Snapshots, plan.Refs, plan.HeldForLedgers, files, undeleted);
}
