using System.Globalization;

namespace Matih.Iceberg.Manifests;

/// <summary>What a table holds at a snapshot, as snapshot summaries tell it; some engines plan by these numbers.</summary>
/// <remarks>Source: Apache Iceberg table spec, Appendix F, "Optional Snapshot Summary Fields".</remarks>
internal readonly record struct SnapshotTotals(long Records, long FilesBytes, long DataFiles, long DeleteFiles, long PositionDeletes, long EqualityDeletes)
{
    /// <summary>The totals of a summary, or null where one is missing or no number.</summary>
    public static SnapshotTotals? Of(IReadOnlyDictionary<string, string> summary)
    {
        return Number("total-records") is { } records && Number("total-files-size") is { } bytes && Number("total-data-files") is { } files
            && Number("total-delete-files") is { } deleteFiles && Number("total-position-deletes") is { } positions && Number("total-equality-deletes") is { } equalities
            ? new(records, bytes, files, deleteFiles, positions, equalities)
            : null;

        long? Number(string name) =>
            summary.TryGetValue(name, out var text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    public SnapshotTotals Add(DataFile file) => file.Content switch
    {
        FileContent.Data => this with { Records = Records + file.RecordCount, FilesBytes = FilesBytes + file.OwnBytes, DataFiles = DataFiles + 1 },
        FileContent.PositionDeletes => this with
        {
            FilesBytes = FilesBytes + file.OwnBytes, DeleteFiles = DeleteFiles + 1, PositionDeletes = PositionDeletes + file.RecordCount,
        },
        _ => this with { FilesBytes = FilesBytes + file.OwnBytes, DeleteFiles = DeleteFiles + 1, EqualityDeletes = EqualityDeletes + file.RecordCount },
    };

    /// <summary>What is left without a file that was counted.</summary>
    public SnapshotTotals Remove(DataFile file) => file.Content switch
    {
        FileContent.Data => this with { Records = Records - file.RecordCount, FilesBytes = FilesBytes - file.OwnBytes, DataFiles = DataFiles - 1 },
        FileContent.PositionDeletes => this with { FilesBytes = FilesBytes - file.OwnBytes, DeleteFiles = DeleteFiles - 1, PositionDeletes = PositionDeletes - file.RecordCount },
        _ => this with { FilesBytes = FilesBytes - file.OwnBytes, DeleteFiles = DeleteFiles - 1, EqualityDeletes = EqualityDeletes - file.RecordCount },
    };

    public void WriteTo(IDictionary<string, string> summary)
    {
        Put("total-records", Records);
        Put("total-files-size", FilesBytes);
        Put("total-data-files", DataFiles);
        Put("total-delete-files", DeleteFiles);
        Put("total-position-deletes", PositionDeletes);
        Put("total-equality-deletes", EqualityDeletes);

        void Put(string name, long number) => summary[name] = number.ToString(CultureInfo.InvariantCulture);
    }
}
