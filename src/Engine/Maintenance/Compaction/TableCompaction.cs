using System.Collections.Immutable;
using Matih.Batches;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Maintenance.Compaction;

/// <summary>What compaction did to a table, or would do.</summary>
/// <param name="FileCount">Live data files before.</param>
/// <param name="SmallFileCount">Those of them that were small.</param>
/// <param name="Rewritten">What was rewritten; in a dry run what would be, with nothing added.</param>
/// <param name="Skipped">Groups that stayed as they were, each with the reason: somebody changed them meanwhile, or they cannot be read.</param>
/// <param name="LeftGroupCount">Groups beyond the budget, for the next run.</param>
/// <param name="IsOnlyManifests">Whether manifests alone were rewritten: small ones put together, delete files that reach nothing left out.</param>
public sealed record CompactionReport(
    TableIdentifier Table, long FileCount, long SmallFileCount, ImmutableArray<CompactedGroup> Rewritten, ImmutableArray<(string Partition, string Reason)> Skipped, int LeftGroupCount, bool IsOnlyManifests)
{
    /// <summary>Whether a group was skipped because a file of it is missing, damaged, or holds other rows than the table says.</summary>
    public bool IsDamaged { get; init; }
}

/// <summary>Files of a table partition that were put together.</summary>
/// <param name="Partition">As folders show it; empty for a table without partitions.</param>
/// <param name="RemovedRowCount">Rows of the files before, those that delete files had taken out included.</param>
public sealed record CompactedGroup(string Partition, int RemovedFileCount, long RemovedBytes, long RemovedRowCount, int AddedFileCount, long AddedBytes, long AddedRowCount);

/// <summary>
/// Puts small data files of a table together, partition by partition, in its sort order, and applies delete files. Each commit
/// is a <c>replace</c> with the same rows, which carries the ledgers of all pipelines forward.
/// docs/delivery.md, "Compaction".
/// </summary>
/// <remarks>
/// It may run beside writers, beside itself and beside other engines' maintenance: whose files somebody changed meanwhile are left
/// out, and the others are committed. Killed at any moment, it leaves at most files that nothing names.
/// </remarks>
public sealed class TableCompaction(ICatalog catalog, EngineEnvironment environment, MemoryAccount memory)
{
    /// <summary>So much is committed at once: what a lost race, or a process that dies, costs at most.</summary>
    private const long CommitBytes = 256L << 20;

    /// <summary>So many small manifests are worth a commit that does nothing but put them together.</summary>
    private const int SmallManifestCountMax = 20;

    /// <summary>Called between batches: where it waits, the work is done at a lower pace.</summary>
    public Func<CancellationToken, ValueTask> PaceAsync { get; init; } = _ => ValueTask.CompletedTask;

    /// <param name="targetFileBytes">The size that files are to have; null takes the table's own.</param>
    /// <param name="bytesMax">Bytes of files that are rewritten at most; null for no limit.</param>
    /// <inheritdoc cref="RunAsync(TableIdentifier, CompactionTerms, bool, CancellationToken)"/>
    public async ValueTask<CompactionReport?> RunAsync(TableIdentifier identifier, long? targetFileBytes, long? bytesMax, bool isDryRun, CancellationToken cancellationToken)
    {
        if (await catalog.LoadAsync(identifier, cancellationToken) is not { } table) return null;
        return await RunAsync(table, new CompactionTerms(targetFileBytes ?? new TableSettings(table.Metadata.Properties).TargetFileBytes, bytesMax ?? long.MaxValue), isDryRun, cancellationToken);
    }

    /// <param name="isDryRun">Whether to look only.</param>
    /// <returns>Null where there is no such table.</returns>
    /// <exception cref="UnsupportedTableException">The table, or a type of its columns, cannot be written by this build.</exception>
    /// <exception cref="InvalidTableException">A file that the table needs is missing or damaged.</exception>
    /// <exception cref="CatalogException">A commit did not get through.</exception>
    public async ValueTask<CompactionReport?> RunAsync(TableIdentifier identifier, CompactionTerms terms, bool isDryRun, CancellationToken cancellationToken) =>
        await catalog.LoadAsync(identifier, cancellationToken) is { } table ? await RunAsync(table, terms, isDryRun, cancellationToken) : null;

    private async ValueTask<CompactionReport> RunAsync(Table table, CompactionTerms terms, bool isDryRun, CancellationToken cancellationToken)
    {
        var identifier = table.Identifier;
        var binding = IcebergBinding.OfWholeTable(table, withLineage: table.Metadata.HasRowIds);
        CompactableFiles files;
        try
        {
            files = await CompactableFiles.FindAsync(table, terms.SmallBytes, cancellationToken);
        }
        catch (InvalidTableException e)
        {
            if (!await HasMovedAsync(table, cancellationToken)) throw;
            // Somebody expires snapshots beside it: what was listed a moment ago is gone for good reasons.
            return new CompactionReport(identifier, 0, 0, [], [("", $"Another writer changed the table while its manifests were read; the next round looks again. ({e.Message})")], 0, IsOnlyManifests: false);
        }
        var plan = CompactionPlan.Of(files.Partitions, terms, environment.Clock.GetUtcNow().ToUnixTimeMilliseconds());
        var report = new CompactionReport(identifier, files.FileCount, files.SmallFileCount, [], [], plan.LeftGroupCount, IsOnlyManifests: plan.Groups.IsEmpty && (files.SmallManifestCount >= SmallManifestCountMax || files.IdleDeleteCount != 0));
        if ((!plan.Groups.IsEmpty || report.IsOnlyManifests) && FindBranchAhead(table.Metadata) is { } branch) return report with { Skipped = [("", WaitsFor(branch))], IsOnlyManifests = false };
        if (isDryRun) return report with { Rewritten = [.. plan.Groups.Select(group => Done(new RewrittenGroup(group, [], default)))] };

        var rewrite = new GroupRewrite(table, binding, terms, environment, memory, PaceAsync);
        var waiting = new List<RewrittenGroup>();
        foreach (var group in plan.Groups)
        {
            try
            {
                waiting.Add(await rewrite.RunAsync(group, cancellationToken));
            }
            catch (UnreadableFileException e)
            {
                report = report with { Skipped = report.Skipped.Add((group.Partition, e.Message)) };
                continue;
            }
            catch (InvalidTableException e)
            {
                // A damaged file costs its group. It is named, and others of the table are as good as ever.
                var hasMoved = await HasMovedAsync(table, cancellationToken);
                report = report with { Skipped = report.Skipped.Add((group.Partition, hasMoved ? $"Another writer changed the table meanwhile: {e.Message}" : e.Message)), IsDamaged = report.IsDamaged || !hasMoved };
                continue;
            }
            if (waiting.Sum(done => done.Group.LengthBytes) < CommitBytes) continue;
            report = await CommitAsync(table, binding, waiting, report, cancellationToken);
            waiting = [];
        }
        return waiting.Count != 0 || report.IsOnlyManifests ? await CommitAsync(table, binding, waiting, report, cancellationToken) : report;
    }

    /// <summary>
    /// A branch that begins at the newest snapshot of <c>main</c>, as one does that is audited before <c>main</c> is fast-forwarded to it. After
    /// another commit on <c>main</c> that could not be done any more.
    /// </summary>
    private static string? FindBranchAhead(TableMetadata metadata) => metadata.CurrentSnapshotId is not { } head ? null
        : metadata.Refs.Where(entry => entry.Value.Kind == SnapshotRefKind.Branch && entry.Key != SnapshotRef.Main).Select(entry => entry.Key)
            .FirstOrDefault(branch => metadata.Lineage(branch).Any(snapshot => snapshot.Id == head));

    private static string WaitsFor(string branch) =>
        $"Branch '{branch}' stands on the newest snapshot of main, which could not be fast-forwarded to it after a compaction. Publish the branch and drop it, or drop it, where the files are to be put together.";

    private async ValueTask<bool> HasMovedAsync(Table seen, CancellationToken cancellationToken) =>
        (await catalog.LoadAsync(seen.Identifier, cancellationToken))?.Metadata.CurrentSnapshotId != seen.Metadata.CurrentSnapshotId;

    /// <summary>Commits groups together; those whose files somebody changed meanwhile are left out, and their new files deleted.</summary>
    private async ValueTask<CompactionReport> CommitAsync(Table planned, IcebergBinding binding, List<RewrittenGroup> groups, CompactionReport report, CancellationToken cancellationToken)
    {
        var isOnlyManifests = groups.Count == 0;
        while (groups.Count != 0 || isOnlyManifests)
        {
            var removal = new FileRemoval([.. groups.SelectMany(done => done.Group.Files).Select(file => file.Path)], KeepsRows: true)
            {
                AppliedDeletes = [.. groups.SelectMany(done => done.Group.Files).SelectMany(file => file.Deletes).Select(delete => delete.File.DeleteName)],
                WithoutRowIds = [.. groups.SelectMany(done => done.Group.Files).Where(file => file.FirstRowId is null).Select(file => file.Path)],
            };
            var change = await PreparedChange.PrepareAsync(planned, [.. groups.SelectMany(done => done.Added)], removal, environment.Ids, cancellationToken);
            switch (await CommitAsync(planned, binding, change, groups, cancellationToken))
            {
                case Outcome.Committed:
                    return report with { Rewritten = [.. report.Rewritten, .. groups.Select(Done)] };
                case Outcome.Superseded(var reason):
                    return report with { Skipped = [.. report.Skipped, .. groups.Select(done => (done.Group.Partition, reason))], IsOnlyManifests = false };
                case Outcome.Changed(var paths, var written, var mayDelete):
                    var lost = groups.Where(done => done.Group.Files.Any(file => paths.Contains(file.Path) || file.Deletes.Any(delete => paths.Contains(delete.File.DeleteName)))).ToList();
                    if (lost.Count == 0) throw new InvalidOperationException($"{string.Join(", ", paths)} of table {planned.Identifier} belong to no group of the compaction.");
                    if (mayDelete) await DeleteAsync(planned.Store, [.. written, .. change.ManifestLocations, .. lost.SelectMany(done => done.Added).Select(file => file.Path)], cancellationToken);
                    report = report with { Skipped = [.. report.Skipped, .. lost.Select(done => (done.Group.Partition, "Another writer changed its files, or deleted rows of them, meanwhile."))] };
                    groups = [.. groups.Except(lost)];
                    break;
            }
        }
        return report;
    }

    private abstract record Outcome
    {
        public sealed record Committed : Outcome;

        /// <param name="Written">What only the attempts that were refused refer to.</param>
        /// <param name="MayDelete">No attempt was sent whose answer is not known, so that nothing can name the new files any more.</param>
        public sealed record Changed(ImmutableHashSet<string> Paths, IEnumerable<string> Written, bool MayDelete) : Outcome;

        public sealed record Superseded(string Reason) : Outcome;
    }

    /// <remarks>All attempts share one snapshot id: after anything but a plain success the table is read, and where its lineage has the id, the commit stands.</remarks>
    private async ValueTask<Outcome> CommitAsync(Table planned, IcebergBinding binding, PreparedChange change, List<RewrittenGroup> groups, CancellationToken cancellationToken)
    {
        var isUnsure = false;
        CommitResult? result = null;
        var attempts = new List<ChangeAttempt.Ready>();
        for (var attempt = 1; ; attempt++)
        {
            var table = await catalog.LoadAsync(planned.Identifier, cancellationToken);
            if (table is null || table.Metadata.TableUuid != planned.Metadata.TableUuid) return new Outcome.Superseded("The table was dropped or replaced meanwhile.");
            if (table.Metadata.Lineage().FirstOrDefault(snapshot => snapshot.Id == change.SnapshotId) is { } stands) return await CommittedAsync(table, stands, attempts, cancellationToken);
            if (table.Metadata.FindSnapshot(change.SnapshotId) is not null) return new Outcome.Superseded("The table was rolled back past the compaction.");
            // The rows may have got ids since, which the new files would not have.
            if (table.Metadata.FormatVersion != planned.Metadata.FormatVersion) return new Outcome.Superseded($"The table was raised to format version {table.Metadata.FormatVersion} meanwhile.");
            if (FindBranchAhead(table.Metadata) is { } branch) return new Outcome.Superseded(WaitsFor(branch));
            if (binding.FindChange(new IcebergVersion(catalog, table)) is { } differs) return new Outcome.Superseded($"The table was changed meanwhile: {differs}.");
            if (attempt > CommitAttempts.CountMax)
                throw CommitAttempts.NotThrough($"The compaction of table {planned.Identifier} could not be committed", CommitAttempts.CountMax, result!, "the table does not hold it", "Every row is where it was.");
            var summary = (await CarriedLedgers.ReadAsync(new IcebergHistory(table), cancellationToken)).SetItem(LedgerKeys.Maintenance, "compaction");
            var built = await change.AttemptAsync(table, table.Metadata.NextTimestampMillis(environment.Clock.GetUtcNow()), summary, [], cancellationToken);
            switch (built)
            {
                case ChangeAttempt.FilesGone(var paths):
                    return new Outcome.Changed([.. paths], attempts.SelectMany(attempt => attempt.WrittenLocations), MayDelete: !isUnsure);
                case ChangeAttempt.RowsDeleted(var path, _):
                    return new Outcome.Changed([path], attempts.SelectMany(attempt => attempt.WrittenLocations), MayDelete: !isUnsure);
            }
            var ready = (ChangeAttempt.Ready)built;
            // Looked at last, because a machine can fall asleep at every step before.
            if (groups.Any(done => environment.Clock.GetUtcNow() - done.WrittenAt > TableLedger.PreparedAgeMax)) return new Outcome.Superseded($"Its files had waited for more than {TableLedger.PreparedAgeMax.TotalHours:0} hours.");
            TableRequirement[] shape = [new TableRequirement.AssertCurrentSchemaId(table.Metadata.CurrentSchemaId), new TableRequirement.AssertDefaultSpecId(table.Metadata.DefaultSpecId)];
            result = await catalog.CommitAsync(table, [.. ready.Requirements, .. shape], ready.Updates, cancellationToken);
            attempts.Add(ready);
            if (result is CommitResult.Committed) return await CommittedAsync(table, ready.Snapshot, attempts, cancellationToken);
            isUnsure |= result is CommitResult.Unknown;
            await CommitAttempts.WaitAfterAsync(attempt, environment.Clock, cancellationToken);
        }
    }

    /// <summary>The commit's fate is settled, so what only its lost attempts refer to can go.</summary>
    private static async ValueTask<Outcome> CommittedAsync(Table table, Snapshot stands, List<ChangeAttempt.Ready> attempts, CancellationToken cancellationToken)
    {
        if (attempts.FirstOrDefault(attempt => attempt.Snapshot.ManifestList == stands.ManifestList) is { } winner)
            await DeleteAsync(table.Store, [.. attempts.Where(attempt => attempt != winner).SelectMany(attempt => attempt.WrittenLocations).Except(winner.WrittenLocations), .. winner.UnusedLocations], cancellationToken);
        return new Outcome.Committed();
    }

    /// <summary>What the store does not delete is an orphan then, and does no harm.</summary>
    private static async ValueTask DeleteAsync(IStore store, IEnumerable<string> locations, CancellationToken cancellationToken) =>
        await FileDeletion.DeleteAsync(store, locations, location => location, cancellationToken);

    private static CompactedGroup Done(RewrittenGroup done) => new(
        done.Group.Partition, done.Group.Files.Length, done.Group.LengthBytes, done.Group.RowCount, done.Added.Length, done.AddedBytes, done.AddedRowCount);
}
