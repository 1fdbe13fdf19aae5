using Matih.Iceberg.Manifests;

namespace Matih.Verification;

/// <summary>A manifest of the current snapshot, as the manifest list describes it and as it is.</summary>
/// <param name="StrangerCount">Entries of the kind that such a manifest does not list: readers would skip them, or fail.</param>
internal sealed record ReadManifest(ManifestFile Listed, long LengthBytes, ManifestCounts Counts, int StrangerCount)
{
    /// <summary>What the manifest list says; counts that its writer left out are taken as found.</summary>
    public ManifestCounts Said => new(
        Listed.AddedFilesCount ?? Counts.AddedFiles, Listed.ExistingFilesCount ?? Counts.ExistingFiles, Listed.DeletedFilesCount ?? Counts.DeletedFiles,
        Listed.AddedRowsCount ?? Counts.AddedRows, Listed.ExistingRowsCount ?? Counts.ExistingRows, Listed.DeletedRowsCount ?? Counts.DeletedRows);

    public static ReadManifest Of(ManifestFile listed, ManifestContents contents) => new(
        listed, contents.LengthBytes, contents.Entries.Aggregate(default(ManifestCounts), (sum, entry) => sum.Add(entry)),
        contents.Entries.Count(entry => (entry.File.Content == FileContent.Data) != (listed.Content == ManifestContent.Data)));
}

/// <summary>What a manifest lists, by status.</summary>
internal readonly record struct ManifestCounts(long AddedFiles, long ExistingFiles, long DeletedFiles, long AddedRows, long ExistingRows, long DeletedRows)
{
    public ManifestCounts Add(ManifestEntry entry) => entry.Status switch
    {
        EntryStatus.Added => this with { AddedFiles = AddedFiles + 1, AddedRows = AddedRows + entry.File.RecordCount },
        EntryStatus.Existing => this with { ExistingFiles = ExistingFiles + 1, ExistingRows = ExistingRows + entry.File.RecordCount },
        _ => this with { DeletedFiles = DeletedFiles + 1, DeletedRows = DeletedRows + entry.File.RecordCount },
    };

    public override string ToString() =>
        $"{Quantity.Count(AddedFiles)} added, {Quantity.Count(ExistingFiles)} existing and {Quantity.Count(DeletedFiles)} deleted entries with {Quantity.Count(AddedRows)}, {Quantity.Count(ExistingRows)} and {Quantity.Count(DeletedRows)} rows";
}
