using System.Collections.Immutable;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Verification;

/// <summary>A file as a manifest lists it, without its metrics: tables have many.</summary>
/// <param name="Path">In one spelling: two engines may write the same place differently, and a file listed under both is read twice.</param>
/// <param name="Vector">The data file whose deletion vector this is; null for all other files. One Puffin file holds the vectors of many.</param>
/// <param name="SnapshotId">The snapshot that added the file; for a removed one, the snapshot that its entry names.</param>
internal readonly record struct ListedFile(
    string Path, string? Vector, FileContent Content, string Format, long RowCount, long LengthBytes, SnapshotId SnapshotId)
{
    /// <summary>What no two live entries share.</summary>
    public string Key => Vector is null ? Path : $"{Path}\n{Vector}";

    public bool IsData => Content == FileContent.Data;

    public bool IsPuffin => Format.Equals("puffin", StringComparison.OrdinalIgnoreCase);

    public static ListedFile Of(ManifestEntry entry)
    {
        var file = entry.File;
        var listed = new ListedFile(StoreLocation.Plain(file.Path), null, file.Content, file.Format, file.RecordCount, file.FileSizeBytes, entry.SnapshotId);
        return listed.IsPuffin ? listed with { Vector = file.ReferencedDataFile is { } of ? StoreLocation.Plain(of) : null } : listed;
    }
}

/// <summary>What a snapshot did to the table's files, by its own manifests.</summary>
internal abstract record SnapshotChanges
{
    private SnapshotChanges() { }

    /// <param name="Added">Files that the snapshot added, delete files among them.</param>
    /// <param name="Removed">Files that it removed, likewise.</param>
    /// <param name="HasDeleteFiles">Whether rows of its data files may be deleted by delete files.</param>
    public sealed record Known(ImmutableArray<ListedFile> Added, ImmutableArray<ListedFile> Removed, bool HasDeleteFiles) : SnapshotChanges;

    /// <summary>Its manifest list or a manifest is gone, as after expiry.</summary>
    /// <param name="IsUnsupported">It is there, in a form that this version does not read.</param>
    public sealed record Unknown(string Reason, bool IsUnsupported) : SnapshotChanges;

    /// <remarks>
    /// What a snapshot adds or deletes stands in manifests that the same snapshot added (Apache Iceberg table spec,
    /// "Manifests": an entry's snapshot id is that of the snapshot that added or deleted the file). A deleted entry may name
    /// another snapshot where a writer kept the entry's old id; who applies the changes knows whether the file was live.
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
                if (manifest.AddedSnapshotId != snapshot.Id) continue;
                foreach (var entry in await SnapshotReader.EntriesAsync(table, manifest, cancellationToken))
                {
                    if (entry.Status == EntryStatus.Added && entry.SnapshotId == snapshot.Id) added.Add(ListedFile.Of(entry));
                    else if (entry.Status == EntryStatus.Deleted) removed.Add(ListedFile.Of(entry));
                }
            }
            return new Known(added.ToImmutable(), removed.ToImmutable(), hasDeleteFiles);
        }
        catch (InvalidTableException unreadable)
        {
            return new Unknown(unreadable.Message, IsUnsupported: false);
        }
        catch (UnsupportedTableException unreadable)
        {
            return new Unknown(unreadable.Message, IsUnsupported: true);
        }
    }
}
