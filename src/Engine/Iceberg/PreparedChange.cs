using System.Collections.Immutable;
using System.Globalization;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Iceberg;

/// <summary>
/// A change of a table's data files, the added ones written and listed in manifests: prepared once, attempted as often as races
/// demand. All attempts share one snapshot id, so that a lost answer can be resolved by looking for it. Not thread-safe;
/// attempt after attempt.
/// </summary>
internal sealed class PreparedChange
{
    private readonly IIdSource _ids;
    private readonly RemovalSearch _search;
    private readonly List<string> _outdated = [];
    private ImmutableArray<ManifestFile> _manifests;
    private int _formatVersion;
    private int _attempts;

    private PreparedChange(
        SnapshotId snapshotId, ImmutableArray<DataFile> files, FileRemoval removal, ImmutableArray<ManifestFile> manifests, int formatVersion, IIdSource ids)
    {
        SnapshotId = snapshotId;
        Files = files;
        Removal = removal;
        _search = new RemovalSearch(removal);
        _manifests = manifests;
        _formatVersion = formatVersion;
        _ids = ids;
    }

    /// <summary>The id that the snapshot will have, whichever attempt puts it into the table.</summary>
    public SnapshotId SnapshotId { get; }

    /// <summary>The data files to be added; none for a commit that only carries a summary.</summary>
    public ImmutableArray<DataFile> Files { get; }

    /// <summary>The data files to be removed in the same commit; none for a plain append.</summary>
    public FileRemoval Removal { get; }

    /// <summary>The manifests written for the added files; free to delete once the change is given up and its fate is settled.</summary>
    public IEnumerable<string> ManifestLocations => _manifests.Select(manifest => manifest.Path).Concat(_outdated);

    /// <summary>A plain append: adds files and removes none.</summary>
    /// <inheritdoc cref="PrepareAsync(Table, IReadOnlyList{DataFile}, FileRemoval, IIdSource, CancellationToken)"/>
    public static ValueTask<PreparedChange> PrepareAsync(Table table, IReadOnlyList<DataFile> files, IIdSource ids, CancellationToken cancellationToken) =>
        PrepareAsync(table, files, FileRemoval.None, ids, cancellationToken);

    /// <summary>Writes manifests, one per partition spec, that list the added files. Nothing refers to them until an attempt is committed.</summary>
    /// <param name="files">Durable data files, each new to the table; empty for a commit that adds none.</param>
    /// <param name="removal">The files to be removed; whether the table still holds them is for each attempt to find out.</param>
    /// <exception cref="UnsupportedTableException">The table must not be written.</exception>
    /// <exception cref="InvalidTableException">A file is of a partition spec that the table does not hold.</exception>
    public static async ValueTask<PreparedChange> PrepareAsync(
        Table table, IReadOnlyList<DataFile> files, FileRemoval removal, IIdSource ids, CancellationToken cancellationToken)
    {
        WritableTable.Check(table);
        var metadata = table.Metadata;
        var snapshotId = NewSnapshotId(metadata, ids);
        return new(snapshotId, [.. files], removal, await ListAsync(table, snapshotId, files, ids, cancellationToken), metadata.FormatVersion, ids);
    }

    private static async ValueTask<ImmutableArray<ManifestFile>> ListAsync(Table table, SnapshotId snapshotId, IReadOnlyList<DataFile> files, IIdSource ids, CancellationToken cancellationToken)
    {
        var manifests = ImmutableArray.CreateBuilder<ManifestFile>();
        foreach (var group in files.GroupBy(file => file.SpecId).OrderByDescending(group => group.Key))
        {
            var writer = ManifestMerge.WriterFor(table, group.Key, snapshotId)
                ?? throw new InvalidTableException($"{group.First().Path} is of partition spec {group.Key}, which {table.Identifier} does not hold or cannot be written with.");
            foreach (var file in group) writer.Add(file);
            manifests.Add(await ManifestMerge.StoreAsync(table, writer, ids, cancellationToken));
        }
        return manifests.ToImmutable();
    }

    private static SnapshotId NewSnapshotId(TableMetadata metadata, IIdSource ids)
    {
        while (true)
        {
            var id = new SnapshotId(ids.NewSnapshotId());
            if (metadata.FindSnapshot(id) is null) return id;
        }
    }

    /// <summary>
    /// Builds the commit on top of a table as it now stands, and writes its manifest list (and manifests, where small ones
    /// are merged, and those that list removed files) under unique names.
    /// </summary>
    /// <param name="baseTable">The table, just loaded.</param>
    /// <param name="timestampMillis">The commit's time: <see cref="TableMetadata.NextTimestampMillis"/>.</param>
    /// <param name="summary">Keys to add to the snapshot's summary, the ledger among them.</param>
    /// <param name="moreUpdates">Changes for the same commit, such as moving a tag to <see cref="SnapshotId"/>.</param>
    public async ValueTask<ChangeAttempt> AttemptAsync(
        Table baseTable,
        long timestampMillis,
        IReadOnlyDictionary<string, string> summary,
        IReadOnlyList<TableUpdate> moreUpdates,
        CancellationToken cancellationToken)
    {
        WritableTable.Check(baseTable);
        await RaiseAsync(baseTable, cancellationToken);
        var parent = baseTable.Head;
        var kept = new List<ManifestFile>();
        if (parent is not null)
        {
            var counted = (await SnapshotReader.ManifestsAsync(baseTable, parent, cancellationToken)).ReadAheadAsync(manifest => manifest.LengthBytes, (manifest, token) => ManifestMerge.WithCountsAsync(baseTable, manifest, token), cancellationToken);
            await foreach (var manifest in counted)
                if (manifest.MayHaveLiveFiles) kept.Add(manifest);
        }
        var removed = await _search.FindAsync(baseTable, kept, cancellationToken);
        if (removed.Fault is { } fault) return fault;
        var totals = parent is null ? default : await TotalsAsync(baseTable, parent, kept, cancellationToken);
        var merged = await ManifestMerge.MergeAsync(
            baseTable, SnapshotId, _manifests, [.. kept.Where(manifest => manifest.Content == ManifestContent.Data)], removed, mergesAll: Removal.KeepsRows, _ids, cancellationToken);
        var deletes = await DeleteFileRemoval.RunAsync(baseTable, SnapshotId, [.. kept.Where(manifest => manifest.Content == ManifestContent.Deletes)], removed, _ids, cancellationToken);
        ManifestFile[] manifests = [.. merged.Manifests, .. deletes.Manifests];

        var sequenceNumber = baseTable.Metadata.NextSequenceNumber;
        IReadOnlyList<ManifestFile> listed = manifests;
        SnapshotRowIds? rowIds = null;
        if (baseTable.Metadata.HasRowIds) (listed, rowIds) = RowIdAssignment.Assign(manifests, baseTable.Metadata.NextRowId);
        _attempts++;
        var location = new TableFiles(baseTable.Metadata).MetadataLocation(
            string.Create(CultureInfo.InvariantCulture, $"snap-{SnapshotId}-{_attempts}-{_ids.NewUuid():D}.avro"));
        await ManifestMerge.WriteAsync(
            baseTable.Store, location, ManifestListFile.Write(listed, SnapshotId, parent?.Id, sequenceNumber, _ids.NewUuid(), baseTable.Metadata.FormatVersion, rowIds?.First), cancellationToken);

        var allKeys = Summary(totals, merged, deletes.NewLocations.Length, kept.Count, removed, summary);
        var snapshot = new Snapshot(SnapshotId, parent?.Id, sequenceNumber, timestampMillis, location, allKeys, baseTable.Metadata.CurrentSchemaId, rowIds);
        return new ChangeAttempt.Ready(snapshot, Requirements(baseTable), Updates(baseTable, snapshot, moreUpdates), [location, .. merged.NewLocations, .. deletes.NewLocations], [.. merged.SwallowedLocations, .. _outdated]);
    }

    /// <summary>
    /// Lists the added files again where the table was of version 1 when they were listed and is no longer: without sequence
    /// numbers readers may take them for older than the table's deletes. Later versions take manifests of version 2 as they are.
    /// </summary>
    private async ValueTask RaiseAsync(Table baseTable, CancellationToken cancellationToken)
    {
        if (_formatVersion >= TableMetadata.SequenceNumbersFormatVersion || !baseTable.Metadata.HasSequenceNumbers) return;
        var raised = await ListAsync(baseTable, SnapshotId, Files, _ids, cancellationToken);
        _outdated.AddRange(_manifests.Select(manifest => manifest.Path));
        (_manifests, _formatVersion) = (raised, baseTable.Metadata.FormatVersion);
    }

    private static async ValueTask<SnapshotTotals> TotalsAsync(Table table, Snapshot parent, List<ManifestFile> manifests, CancellationToken cancellationToken)
    {
        if (SnapshotTotals.Of(parent.Summary) is { } told) return told;
        var totals = default(SnapshotTotals);
        await foreach (var (_, contents) in SnapshotReader.ContentsAsync(table, manifests, cancellationToken))
            totals = contents.Entries.Where(entry => entry.IsLive).Aggregate(totals, (sum, entry) => sum.Add(entry.File));
        return totals;
    }

    private OrderedDictionary<string, string> Summary(
        SnapshotTotals parentTotals, ManifestMerge.Result merged, int rewrittenDeletes, int parentManifestCount, RemovalFinding finding, IReadOnlyDictionary<string, string> more)
    {
        var (removed, deletes) = (finding.Entries, finding.DeleteFiles);
        var summary = new OrderedDictionary<string, string>(StringComparer.Ordinal) { ["operation"] = Removal.Operation(addsFiles: !Files.IsEmpty) };
        foreach (var (key, value) in more) summary[key] = value;
        Put("added-data-files", Files.Length);
        Put("added-records", Files.Sum(file => file.RecordCount));
        Put("added-files-size", Files.Sum(file => file.FileSizeBytes));
        if (removed.Count != 0)
        {
            Put("deleted-data-files", removed.Count);
            Put("deleted-records", removed.Sum(entry => entry.File.RecordCount));
        }
        if (removed.Count + deletes.Count != 0) Put("removed-files-size", removed.Concat(deletes).Sum(entry => entry.File.OwnBytes));
        if (deletes.Count != 0) Put("removed-delete-files", deletes.Count);
        PutDeletes("removed-dvs", "removed-position-deletes", deletes.Where(entry => entry.File.IsDeletionVector));
        PutDeletes("removed-position-delete-files", "removed-position-deletes", deletes.Where(entry => entry.File.Content == FileContent.PositionDeletes && !entry.File.IsDeletionVector));
        PutDeletes("removed-equality-delete-files", "removed-equality-deletes", deletes.Where(entry => entry.File.Content == FileContent.EqualityDeletes));
        Put("changed-partition-count", Files.Concat(removed.Select(entry => entry.File)).Select(file => new PartitionIdentity(file)).Distinct().Count());
        Put("manifests-created", merged.CreatedCount + rewrittenDeletes);
        Put("manifests-kept", parentManifestCount - merged.ReplacedCount - rewrittenDeletes);
        Put("manifests-replaced", merged.ReplacedCount + rewrittenDeletes);
        var totals = removed.Concat(deletes).Aggregate(parentTotals, (sum, entry) => sum.Remove(entry.File));
        Files.Aggregate(totals, (sum, file) => sum.Add(file)).WriteTo(summary);
        return summary;

        void Put(string name, long number) => summary[name] = number.ToString(CultureInfo.InvariantCulture);

        void PutDeletes(string files, string rows, IEnumerable<ManifestEntry> entries)
        {
            var (count, rowCount) = entries.Aggregate((Count: 0L, Rows: 0L), (sum, entry) => (sum.Count + 1, sum.Rows + entry.File.RecordCount));
            if (count == 0) return;
            Put(files, count);
            Put(rows, rowCount + (summary.TryGetValue(rows, out var before) ? long.Parse(before, CultureInfo.InvariantCulture) : 0));
        }
    }

    private static TableRequirement[] Requirements(Table baseTable) =>
    [
        new TableRequirement.AssertTableUuid(baseTable.Metadata.TableUuid),
        new TableRequirement.AssertRefSnapshotId(baseTable.Branch, BranchOf(baseTable)?.SnapshotId),
    ];

    private static TableUpdate[] Updates(Table baseTable, Snapshot snapshot, IReadOnlyList<TableUpdate> more)
    {
        // The branch keeps its own retention settings when it moves. One that is made here must not age away beside a quiet pipeline.
        var branch = BranchOf(baseTable) is { } found ? found with { SnapshotId = snapshot.Id } : SnapshotRef.NewBranch(baseTable.Branch, snapshot.Id);
        return [new TableUpdate.AddSnapshot(snapshot), new TableUpdate.SetSnapshotRef(baseTable.Branch, branch), .. more];
    }

    private static SnapshotRef? BranchOf(Table table) =>
        table.Metadata.Refs.TryGetValue(table.Branch, out var found) ? found
        : table.Branch == SnapshotRef.Main && table.Metadata.CurrentSnapshotId is { } current ? new SnapshotRef(current, SnapshotRefKind.Branch) : null;
}
