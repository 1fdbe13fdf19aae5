using System.Collections.Immutable;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Planning;

namespace Matih.Delivery.Replaying;

/// <summary>The data files that commits added, as the table holds them now.</summary>
internal static class ReplayedFiles
{
    /// <summary>All files of the commits.</summary>
    /// <remarks>
    /// Manifests say which snapshot added a file, and keep that when they are rewritten. Where count and rows of a commit's
    /// files equal its books, they are all there; a compaction or a delete by copying leaves fewer.
    /// </remarks>
    /// <exception cref="PipelineException">Files or rows of a commit are no longer as it wrote them.</exception>
    public static async ValueTask<FileRemoval> FindAsync(Table table, FlowName flow, ImmutableArray<HistoricCommit> commits, CancellationToken cancellationToken)
    {
        var manifests = await SnapshotReader.ManifestsAsync(table, table.Metadata.CurrentSnapshot!, cancellationToken);
        var wanted = commits.ToDictionary(commit => commit.SnapshotId, _ => new List<DataFile>());
        foreach (var manifest in manifests.Where(manifest => manifest.Content == ManifestContent.Data))
            foreach (var entry in await SnapshotReader.EntriesAsync(table, manifest, cancellationToken))
                if (entry.IsLive && wanted.TryGetValue(entry.SnapshotId, out var files)) files.Add(entry.File);
        foreach (var commit in commits)
        {
            var files = wanted[commit.SnapshotId];
            var books = commit.Ledger.Books;
            var rows = files.Sum(file => file.RecordCount);
            if (files.Count == books.AddedFileCount && rows == books.AddedRowCount) continue;
            throw Changed(
                $"Commit {commit.Id} of {flow} added {Quantity.Of(books.AddedRowCount, "row")} in {Quantity.Of(books.AddedFileCount, "file")} to table {table.Identifier}, which holds {Quantity.Of(rows, "row")} in {Quantity.Of(files.Count, "file")} of it now: the others were compacted, deleted or rewritten.");
        }
        var removal = new FileRemoval([.. wanted.Values.SelectMany(files => files).Select(file => file.Path)], KeepsRows: false);
        if ((await new RemovalSearch(removal.Paths).FindAsync(table, manifests, cancellationToken)).Fault is { } fault) throw Changed(table, fault);
        return removal;
    }

    public static PipelineException Changed(Table table, ChangeAttempt fault) => Changed(fault switch
    {
        ChangeAttempt.FilesGone gone => $"Table {table.Identifier} no longer holds {Quantity.Of(gone.Paths.Length, "file")} of the commits, the first of them {gone.Paths[0]}: compacted, deleted or rewritten.",
        ChangeAttempt.RowsDeleted deleted => $"Rows of {deleted.Path} in table {table.Identifier} were deleted, or may be, by delete file {deleted.DeleteFilePath}; a replay would bring them back.",
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, null),
    });

    private static PipelineException Changed(string message) =>
        PipelineException.Refused(message, "Nothing was changed. Replay only commits whose files nobody has touched; the others can be corrected with SQL in the engine that changed them.");
}
