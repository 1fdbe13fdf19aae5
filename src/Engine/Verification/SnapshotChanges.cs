using System.Collections.Immutable;
using Matih.Iceberg;

namespace Matih.Verification;

/// <summary>A file as a manifest lists it, without its metrics: tables have many.</summary>
internal readonly record struct ListedFile(string Path, FileContent Content, string Format, long RowCount, long LengthBytes, SnapshotId SnapshotId)
{
    public static ListedFile Of(ManifestEntry entry) =>
        new(entry.File.Path, entry.File.Content, entry.File.Format, entry.File.RecordCount, entry.File.FileSizeBytes, entry.SnapshotId);
}

/// <summary>What a snapshot did to the table's files, by its own manifests.</summary>
internal abstract record SnapshotChanges
{
    private SnapshotChanges() { }

    /// <param name="Added">Data files that the snapshot added.</param>
    /// <param name="Removed">Data files that it removed.</param>
    /// <param name="HasDeleteFiles">Whether rows of its data files may be deleted by delete files.</param>
    public sealed record Known(ImmutableArray<ListedFile> Added, ImmutableArray<ListedFile> Removed, bool HasDeleteFiles) : SnapshotChanges;

    /// <summary>Its manifest list or a manifest is gone, as after expiry.</summary>
    public sealed record Unknown(string Reason) : SnapshotChanges;

    /// <remarks>
    /// What a snapshot adds or deletes stands in manifests that the same snapshot added (Apache Iceberg table spec,
    /// "Manifests": an entry's snapshot id is that of the snapshot that added or deleted the file).
    /// </remarks>
    public static async ValueTask<SnapshotChanges> ReadAsync(Table table, Snapshot snapshot, CancellationToken cancellationToken)
    {
        try
        {
            var added = ImmutableArray.CreateBuilder<ListedFile>();
            var removed = ImmutableArray.CreateBuilder<ListedFile>();
            var hasDeleteFiles = false;
            foreach (var manifest in await SnapshotReader.ManifestsAsync(table, snapshot, cancellationToken))
            {
                hasDeleteFiles |= manifest.Content == ManifestContent.Deletes;
                if (manifest.AddedSnapshotId != snapshot.Id || manifest.Content != ManifestContent.Data) continue;
                foreach (var entry in await SnapshotReader.EntriesAsync(table, manifest, cancellationToken))
                {
                    if (entry.SnapshotId != snapshot.Id) continue;
                    if (entry.Status == EntryStatus.Added) added.Add(ListedFile.Of(entry));
                    else if (entry.Status == EntryStatus.Deleted) removed.Add(ListedFile.Of(entry));
                }
            }
            return new Known(added.ToImmutable(), removed.ToImmutable(), hasDeleteFiles);
        }
        catch (Exception unreadable) when (unreadable is InvalidTableException or UnsupportedTableException)
        {
            return new Unknown(unreadable.Message);
        }
    }
}
