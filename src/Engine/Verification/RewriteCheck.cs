using Matih.Iceberg.Metadata;

namespace Matih.Verification;

/// <summary>Whether snapshots that removed files with the flow's rows kept every row, as a rewrite (compaction) must.</summary>
internal sealed class RewriteCheck(FindingLog findings)
{
    /// <summary>Tables that another engine merges into every night have thousands; the rest are said in one sum.</summary>
    private const int SaidMax = 20;

    private int _rewriteCount, _unsaid, _said;
    private long _rewrittenRows;

    /// <summary>What the removal of files that hold, or may hold, rows of the flow means.</summary>
    public void Compare(Snapshot snapshot, SnapshotChanges.Known changes, List<TrackedFile> held)
    {
        var (removedRows, addedRows) = (FileCounts.Of(changes.Removed).Rows, FileCounts.Of(changes.Added).Rows);
        if (snapshot.Operation != "replace")
        {
            Say($"Whether all rows are there: snapshot {snapshot.Id} ({Operation(snapshot)}) removed {Quantity.Of(held.Count, "file")} with {Quantity.Of(held.Sum(tracked => tracked.File.RowCount), "row")} of the flow, and added {Quantity.Of(addedRows, "row")}.",
                "Another engine deleted or changed rows, which it may; which of them it meant is not known.");
        }
        else if (addedRows == removedRows)
        {
            _rewriteCount++;
            _rewrittenRows += removedRows;
        }
        else if (addedRows < removedRows && changes.HasDeleteFiles)
        {
            Say($"Whether all rows are there: snapshot {snapshot.Id} rewrote {Quantity.Of(removedRows, "row")} into {Quantity.Count(addedRows)}.",
                "Delete files of other engines were applied, which remove rows as those engines asked.");
        }
        else
        {
            findings.Violation(FindingCode.RewriteRows, $"snapshot {snapshot.Id} ({Operation(snapshot)})", $"{Quantity.Of(removedRows, "row")}, as many as it removed", Quantity.Of(addedRows, "row"),
                "The rewrite of another engine lost or doubled rows: roll the table back to before it, and report it to that engine.");
        }
    }

    public void Finish()
    {
        if (_rewriteCount > 0)
            findings.Proved(FindingCode.Rewritten, $"{Quantity.Of(_rewriteCount, "rewrite")} by others (compaction) put as many rows in the place of those in the files that they removed: {Quantity.Of(_rewrittenRows, "row")}.");
        if (_unsaid > 0)
            findings.NotProvable(FindingCode.RemovedByOthers, $"Whether all rows are there: {Quantity.Of(_unsaid, "further snapshot")} of other engines removed files with rows of the flow.", "Another engine deleted or changed rows, which it may.");
    }

    private void Say(string text, string reason)
    {
        if (_said++ < SaidMax) findings.NotProvable(FindingCode.RemovedByOthers, text, reason);
        else _unsaid++;
    }

    public static string Operation(Snapshot snapshot) => snapshot.Operation.Length == 0 ? "of an unnamed operation" : snapshot.Operation;
}
