using System.Collections.Immutable;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;

namespace Matih.Maintenance.Compaction;

/// <summary>A data file that may be worth rewriting.</summary>
/// <param name="AddedAtMillis">When it came into the table; 0 where the snapshot that added it has expired.</param>
/// <param name="Deletes">The delete files that may take rows out of it.</param>
internal sealed record CompactableFile(string Path, long LengthBytes, long RowCount, int SpecId, long AddedAtMillis, ImmutableArray<ManifestEntry> Deletes)
{
    /// <summary>The id of the first row; null where rows have none.</summary>
    public long? FirstRowId { get; init; }

    /// <summary>The age of its rows.</summary>
    public long SequenceNumber { get; init; }

    /// <summary>A live file, or one that a snapshot removed.</summary>
    public static CompactableFile Of(ManifestEntry entry, long addedAtMillis, ImmutableArray<ManifestEntry> deletes) =>
        new(entry.File.Path, entry.File.FileSizeBytes, entry.File.RecordCount, entry.File.SpecId, addedAtMillis, deletes)
        {
            FirstRowId = entry.File.FirstRowId,
            SequenceNumber = entry.SequenceNumber ?? 0,
        };
}

/// <summary>The files of one table partition that may be worth rewriting.</summary>
/// <param name="Name">As folders show it, e.g. <c>date=2026-05-01</c>; empty for a table without partitions.</param>
internal sealed record CompactablePartition(string Name, IReadOnlyList<CompactableFile> Files);

/// <summary>What the manifests of a table's current snapshot say that is worth rewriting.</summary>
/// <param name="Partitions">Partitions with small files, or files that delete files may reach.</param>
/// <param name="FileCount">All live data files.</param>
/// <param name="SmallFileCount">Those below the size that is taken for small.</param>
/// <param name="SmallManifestCount">Data manifests below half of their target size.</param>
/// <param name="IdleDeleteCount">Delete files that reach no data file any more.</param>
internal sealed record CompactableFiles(IReadOnlyList<CompactablePartition> Partitions, long FileCount, long SmallFileCount, int SmallManifestCount, int IdleDeleteCount)
{
    /// <summary>More candidates are left for the next run: each takes a kilobyte of memory.</summary>
    private const int CandidatesMax = 200_000;

    /// <param name="smallBytes">Files below are small.</param>
    /// <exception cref="InvalidTableException">A file that the table needs is missing or damaged.</exception>
    public static async ValueTask<CompactableFiles> FindAsync(Table table, long smallBytes, CancellationToken cancellationToken)
    {
        if (table.Metadata.CurrentSnapshot is not { } head) return new CompactableFiles([], 0, 0, 0, 0);
        var manifests = await SnapshotReader.ManifestsAsync(table, head, cancellationToken);
        var deletes = await DeletesAsync(table, manifests, cancellationToken);
        var addedAt = table.Metadata.Snapshots.ToDictionary(snapshot => snapshot.Id, snapshot => snapshot.TimestampMillis);
        var found = new Dictionary<PartitionIdentity, (DataFile First, List<CompactableFile> Files)>();
        var (count, smallCount, candidateCount) = (0L, 0L, 0);
        await foreach (var (_, contents) in SnapshotReader.ContentsAsync(table, manifests.Where(manifest => manifest.Content == ManifestContent.Data && manifest.MayHaveLiveFiles), cancellationToken))
        {
            foreach (var entry in contents.Entries)
            {
                if (!entry.IsLive) continue;
                count++;
                var file = entry.File;
                var isSmall = file.FileSizeBytes < smallBytes;
                if (isSmall) smallCount++;
                ImmutableArray<ManifestEntry> reaching = [.. deletes.Reaching(entry)];
                deletes.NoteLive(entry);
                if (!isSmall && reaching.IsEmpty || candidateCount >= CandidatesMax) continue;
                candidateCount++;
                var identity = new PartitionIdentity(file);
                if (!found.TryGetValue(identity, out var partition)) found.Add(identity, partition = (file, []));
                partition.Files.Add(CompactableFile.Of(entry, addedAt.GetValueOrDefault(entry.SnapshotId), reaching));
            }
        }
        var half = new TableSettings(table.Metadata.Properties).ManifestTargetBytes / 2;
        return new CompactableFiles(
            [.. found.Values.Select(partition => new CompactablePartition(partition.First.PartitionIn(table.Metadata), partition.Files))], count, smallCount,
            manifests.Count(manifest => manifest.Content == ManifestContent.Data && manifest.LengthBytes < half), deletes.LeftCount);
    }

    /// <summary>The data files that a snapshot removed, with the delete files that reached them before it, and those that it added.</summary>
    /// <param name="before">The snapshot's parent.</param>
    /// <exception cref="InvalidTableException">A manifest is gone or damaged.</exception>
    public static async ValueTask<(IReadOnlyList<CompactableFile> Removed, IReadOnlyList<CompactableFile> Added)> ChangedAsync(Table table, Snapshot before, Snapshot snapshot, CancellationToken cancellationToken)
    {
        var deletes = await DeletesAsync(table, await SnapshotReader.ManifestsAsync(table, before, cancellationToken), cancellationToken);
        var (removed, added) = (new List<CompactableFile>(), new List<CompactableFile>());
        var own = (await SnapshotReader.ManifestsAsync(table, snapshot, cancellationToken)).Where(manifest => manifest.Content == ManifestContent.Data && manifest.AddedSnapshotId == snapshot.Id);
        await foreach (var (_, contents) in SnapshotReader.ContentsAsync(table, own, cancellationToken))
        {
            foreach (var entry in contents.Entries)
            {
                if (entry.Status == EntryStatus.Deleted) removed.Add(CompactableFile.Of(entry, 0, [.. deletes.Reaching(entry)]));
                else if (entry.Status == EntryStatus.Added && entry.SnapshotId == snapshot.Id) added.Add(CompactableFile.Of(entry, 0, []));
            }
        }
        return (removed, added);
    }

    private static async ValueTask<DeleteIndex> DeletesAsync(Table table, IReadOnlyList<ManifestFile> manifests, CancellationToken cancellationToken)
    {
        var deletes = new List<ManifestEntry>();
        await foreach (var (_, contents) in SnapshotReader.ContentsAsync(table, manifests.Where(manifest => manifest.Content == ManifestContent.Deletes && manifest.MayHaveLiveFiles), cancellationToken))
            deletes.AddRange(contents.Entries.Where(entry => entry.IsLive));
        return new DeleteIndex(table.Metadata, deletes);
    }
}
