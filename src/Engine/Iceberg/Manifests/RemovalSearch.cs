using System.Collections.Immutable;
using Matih.Iceberg.Catalogs;

namespace Matih.Iceberg.Manifests;

/// <summary>
/// Finds files that are to be removed in the manifests of a table as it now stands. One search serves all attempts of a
/// change: manifests never alter, so one that held none of the files is not read again. Not thread-safe.
/// </summary>
internal sealed class RemovalSearch(FileRemoval removal)
{
    private readonly ImmutableHashSet<string> _paths = removal.Paths;
    private readonly HashSet<string> _manifestsWithout = new(StringComparer.Ordinal);

    /// <param name="manifests">All manifests of the snapshot, those of delete files included.</param>
    public async ValueTask<RemovalFinding> FindAsync(Table table, IReadOnlyList<ManifestFile> manifests, CancellationToken cancellationToken)
    {
        if (_paths.IsEmpty && !removal.KeepsRows) return RemovalFinding.Nothing;
        var holders = new HashSet<string>(StringComparer.Ordinal);
        var entries = new List<ManifestEntry>();
        var unseen = _paths.IsEmpty ? [] : manifests.Where(manifest => manifest.Content == ManifestContent.Data && !_manifestsWithout.Contains(manifest.Path)).ToList();
        await foreach (var (manifest, contents) in SnapshotReader.ContentsAsync(table, unseen, cancellationToken))
        {
            var found = contents.Entries.Where(IsRemoved).ToList();
            if (found.Count == 0)
            {
                _manifestsWithout.Add(manifest.Path);
                continue;
            }
            holders.Add(manifest.Path);
            entries.AddRange(found);
        }
        var gone = _paths.Except(entries.Where(entry => entry.File.FirstRowId is null || !removal.WithoutRowIds.Contains(entry.File.Path)).Select(entry => entry.File.Path));
        if (!gone.IsEmpty) return RemovalFinding.Nothing with { Fault = new ChangeAttempt.FilesGone([.. gone.Order(StringComparer.Ordinal)]) };
        return await WithDeletesAsync(new(_paths, holders, entries, null), table, manifests, cancellationToken);
    }

    private bool IsRemoved(ManifestEntry entry) => entry.IsLive && _paths.Contains(entry.File.Path);

    private async ValueTask<RemovalFinding> WithDeletesAsync(RemovalFinding removed, Table table, IReadOnlyList<ManifestFile> manifests, CancellationToken cancellationToken)
    {
        var missing = removal.AppliedDeletes.ToHashSet(StringComparer.Ordinal);
        var going = new List<(ManifestEntry Entry, string Manifest)>();
        var others = new List<(ManifestEntry Entry, string Manifest)>();
        await foreach (var (manifest, deletes) in SnapshotReader.ContentsAsync(table, manifests.Where(manifest => manifest.Content == ManifestContent.Deletes), cancellationToken))
        {
            foreach (var delete in deletes.Entries)
            {
                if (!delete.IsLive) continue;
                var isOfRemoved = delete.File.IsDeletionVector && delete.File.ReferencedDataFile is { } path && _paths.Contains(path);
                (isOfRemoved ? going : others).Add((delete, manifest.Path));
                if (missing.Remove(delete.File.DeleteName)) continue;
                if (removed.Entries.FirstOrDefault(entry => DeleteScope.MayReach(delete, entry, table.Metadata)) is { } reached)
                    return removed with { Fault = new ChangeAttempt.RowsDeleted(reached.File.Path, delete.File.Path) };
            }
        }
        if (missing.Count != 0) return removed with { Fault = new ChangeAttempt.FilesGone([.. missing.Order(StringComparer.Ordinal)]) };
        if (removal.KeepsRows) going.AddRange(await NotReachingAsync(others, table, manifests, cancellationToken));
        return removed with { DeleteFiles = [.. going.Select(found => found.Entry)], DeleteManifestPaths = going.Select(found => found.Manifest).ToHashSet(StringComparer.Ordinal) };
    }

    /// <summary>
    /// Those of the delete files that reach none of the data files which stay. The added files are younger than all of them. Data
    /// manifests that hold only younger files are not read.
    /// </summary>
    private async ValueTask<IEnumerable<(ManifestEntry Entry, string Manifest)>> NotReachingAsync(
        List<(ManifestEntry Entry, string Manifest)> deletes, Table table, IReadOnlyList<ManifestFile> manifests, CancellationToken cancellationToken)
    {
        if (deletes.Count == 0) return [];
        var youngest = deletes.Max(delete => delete.Entry.SequenceNumber ?? 0);
        var index = new DeleteIndex(table.Metadata, deletes.Select(delete => delete.Entry));
        var old = manifests.Where(manifest => manifest.Content == ManifestContent.Data && manifest.MinSequenceNumber <= youngest);
        await foreach (var (_, contents) in SnapshotReader.ContentsAsync(table, old, cancellationToken))
        {
            foreach (var data in contents.Entries)
                if (data.IsLive && !_paths.Contains(data.File.Path)) index.NoteLive(data);
        }
        return deletes.Where(delete => index.IsLeft(delete.Entry));
    }
}

/// <summary>Where a base table holds the files that a change removes.</summary>
/// <param name="Paths">The files.</param>
/// <param name="ManifestPaths">The manifests that list them, which must be written again.</param>
/// <param name="Entries">Their entries.</param>
/// <param name="Fault">Why they cannot be removed; null where they can.</param>
internal sealed record RemovalFinding(
    ImmutableHashSet<string> Paths, IReadOnlySet<string> ManifestPaths, IReadOnlyList<ManifestEntry> Entries, ChangeAttempt? Fault)
{
    /// <summary>The delete files that go with them: their deletion vectors, and where rows stay as they are, all that reach nothing then.</summary>
    public IReadOnlyList<ManifestEntry> DeleteFiles { get; init; } = [];

    /// <summary>The delete manifests that list those.</summary>
    public IReadOnlySet<string> DeleteManifestPaths { get; init; } = ImmutableHashSet<string>.Empty;

    public static RemovalFinding Nothing { get; } = new([], ImmutableHashSet<string>.Empty, [], null);
}
