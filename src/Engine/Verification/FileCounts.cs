using Matih.Iceberg.Metadata;

namespace Matih.Verification;

/// <summary>How many files manifests list, or a snapshot's summary says.</summary>
/// <param name="DataFiles">Data files.</param>
/// <param name="Rows">Rows in them, whether delete files apply to them or not.</param>
/// <param name="DeleteFiles">Delete files; of deletion vectors each counts, as in summaries.</param>
internal readonly record struct FileCounts(long DataFiles, long Rows, long DeleteFiles)
{
    public static FileCounts Of(IEnumerable<ListedFile> files)
    {
        var counts = default(FileCounts);
        foreach (var file in files)
            counts = file.IsData ? counts with { DataFiles = counts.DataFiles + 1, Rows = counts.Rows + file.RowCount } : counts with { DeleteFiles = counts.DeleteFiles + 1 };
        return counts;
    }

    /// <summary>What the summary says that the snapshot added; what it leaves out is taken as found.</summary>
    public static FileCounts SaidAdded(Snapshot snapshot, FileCounts found) => Said(snapshot, "added-data-files", "added-records", "added-delete-files", found);

    /// <summary>The same of what it removed.</summary>
    public static FileCounts SaidRemoved(Snapshot snapshot, FileCounts found) => Said(snapshot, "deleted-data-files", "deleted-records", "removed-delete-files", found);

    /// <summary>The same of the whole table.</summary>
    public static FileCounts SaidTotal(Snapshot snapshot, FileCounts found) => Said(snapshot, "total-data-files", "total-records", "total-delete-files", found);

    /// <summary>Whether any count is higher than the other's.</summary>
    public bool Exceeds(FileCounts other) => DataFiles > other.DataFiles || Rows > other.Rows || DeleteFiles > other.DeleteFiles;

    public override string ToString() => $"{Quantity.Of(Rows, "row")} in {Quantity.Of(DataFiles, "file")}{(DeleteFiles == 0 ? "" : $" and {Quantity.Of(DeleteFiles, "delete file")}")}";

    private static FileCounts Said(Snapshot snapshot, string dataFiles, string rows, string deleteFiles, FileCounts found) =>
        new(SummaryNumber.Of(snapshot, dataFiles) ?? found.DataFiles, SummaryNumber.Of(snapshot, rows) ?? found.Rows, SummaryNumber.Of(snapshot, deleteFiles) ?? found.DeleteFiles);
}
