using Matih.Iceberg.Metadata;

namespace Matih.Iceberg.Manifests;

/// <summary>
/// Row ids without a file being written again: a snapshot gives each of its data manifests a first id, and the files in it count
/// on from there. So manifests stay as they are when a commit is built again with other ids. Pure.
/// </summary>
/// <remarks>Source: Apache Iceberg table spec, "First Row ID Assignment", "First Row ID Inheritance" and "Row Lineage for Upgraded Tables".</remarks>
internal static class RowIdAssignment
{
    /// <summary>Gives ids to the data manifests that have none: new ones, and those from before the table was of version 3.</summary>
    /// <param name="manifests">All of the snapshot, in the order of its manifest list.</param>
    /// <param name="nextRowId">The table's.</param>
    public static (IReadOnlyList<ManifestFile> Manifests, SnapshotRowIds Ids) Assign(IReadOnlyList<ManifestFile> manifests, long nextRowId)
    {
        var next = nextRowId;
        var assigned = new ManifestFile[manifests.Count];
        for (var i = 0; i < assigned.Length; i++)
        {
            var manifest = assigned[i] = manifests[i];
            if (manifest.Content != ManifestContent.Data || manifest.FirstRowId is not null) continue;
            assigned[i] = manifest with { FirstRowId = next };
            // Files that were in the table already may have no id either.
            next = checked(next + manifest.AddedRowsCount.GetValueOrDefault() + manifest.ExistingRowsCount.GetValueOrDefault());
        }
        return (assigned, new SnapshotRowIds(nextRowId, next - nextRowId));
    }

    /// <summary>Fills in the ids that files have by their manifest. Where that has none, its files have none.</summary>
    public static List<ManifestEntry> Inherit(List<ManifestEntry> entries, ManifestFile manifest)
    {
        var next = manifest.FirstRowId;
        for (var i = 0; i < entries.Count; i++)
        {
            var (entry, file) = (entries[i], entries[i].File);
            if (next is not { } id)
            {
                if (file.FirstRowId is not null) entries[i] = entry with { File = file with { FirstRowId = null } };
            }
            else if (file.FirstRowId is null && entry.IsLive)
            {
                entries[i] = entry with { File = file with { FirstRowId = id } };
                next = checked(id + file.RecordCount);
            }
        }
        return entries;
    }
}
