using System.Collections.Immutable;
using Matih.Delivery.Tables;
using Matih.Planning;

namespace Matih.Delivery.Replaying;

/// <summary>The data files that commits added, as the table holds them now.</summary>
internal static class ReplayedFiles
{
    /// <summary>All files of the commits.</summary>
    /// <remarks>
    /// Where count and rows of a commit's files equal its books, they are all there; a compaction or a delete by copying
    /// leaves fewer.
    /// </remarks>
    /// <exception cref="PipelineException">Files or rows of a commit are no longer as it wrote them.</exception>
    public static async ValueTask<ImmutableHashSet<string>> FindAsync(ITableVersion table, FlowName flow, ImmutableArray<HistoricCommit> commits, CancellationToken cancellationToken)
    {
        var added = await table.FindAddedAsync(commits.Select(commit => commit.SnapshotId).ToHashSet(), cancellationToken);
        foreach (var commit in commits)
        {
            var files = added[commit.SnapshotId].ToList();
            var books = commit.Ledger.Books;
            var rows = files.Sum(file => file.RowCount);
            if (files.Count == books.AddedFileCount && rows == books.AddedRowCount) continue;
            throw Changed(
                $"Commit {commit.Id} of {flow} added {Quantity.Of(books.AddedRowCount, "row")} in {Quantity.Of(books.AddedFileCount, "file")} to table {table.Identifier}, which holds {Quantity.Of(rows, "row")} in {Quantity.Of(files.Count, "file")} of it now: the others were compacted, deleted or rewritten.");
        }
        ImmutableHashSet<string> removed = [.. added.SelectMany(files => files).Select(file => file.Location)];
        return await table.FindFaultAsync(removed, cancellationToken) is { } fault ? throw Changed(table, fault) : removed;
    }

    public static PipelineException Changed(ITableVersion table, FileFault fault) => Changed(fault switch
    {
        FileFault.Gone gone => $"Table {table.Identifier} no longer holds {Quantity.Of(gone.Paths.Length, "file")} of the commits, the first of them {gone.Paths[0]}: compacted, deleted or rewritten.",
        FileFault.RowsDeleted deleted => $"Rows of {deleted.Path} in table {table.Identifier} were deleted, or may be, by delete file {deleted.DeleteFilePath}; a replay would bring them back.",
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, null),
    });

    private static PipelineException Changed(string message) =>
        PipelineException.Refused(message, "Nothing was changed. Replay only commits whose files nobody has touched; the others can be corrected with SQL in the engine that changed them.");
}
