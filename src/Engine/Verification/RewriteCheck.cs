using Matih.Delivery.Ledgers;
using Matih.Iceberg.Metadata;

namespace Matih.Verification;

/// <summary>Whether snapshots that removed files with the flow's rows kept every row, as a rewrite (compaction) must.</summary>
internal sealed class RewriteCheck(FindingLog findings)
{
    /// <summary>Tables that another engine merges into every night have thousands; the rest are said in one sum.</summary>
    private const int SaidMax = 20;

    private int _unsaid, _said;
    private (int Count, long Rows) _own, _foreign;

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
            Count(snapshot, removedRows);
        }
        else if (addedRows < removedRows && changes.HasDeleteFiles && IsOwn(snapshot))
        {
            Count(snapshot, addedRows);
        }
        else if (addedRows < removedRows && changes.HasDeleteFiles)
        {
            Say($"Whether all rows are there: snapshot {snapshot.Id} rewrote {Quantity.Of(removedRows, "row")} into {Quantity.Count(addedRows)}.",
                "Delete files of other engines were applied, which remove rows as those engines asked.");
        }
        else
        {
            findings.Violation(FindingCode.RewriteRows, $"snapshot {snapshot.Id} ({Operation(snapshot)})", $"{Quantity.Of(removedRows, "row")}, as many as it removed", Quantity.Of(addedRows, "row"),
                IsOwn(snapshot) ? "A compaction of `matih maintain` lost or doubled rows, which it must never do: roll the table back to before it, set `maintenance: off` for the sink, and report it."
                : "The rewrite of another engine lost or doubled rows: roll the table back to before it, and report it to that engine.");
        }
    }

    public void Finish()
    {
        if (_own.Count > 0) findings.Proved(FindingCode.Rewritten, $"{Quantity.Of(_own.Count, "compaction")} of our own put the same number of rows in the place of those that it removed, less what delete files had taken out: {Quantity.Of(_own.Rows, "row")}.");
        if (_foreign.Count > 0) findings.Proved(FindingCode.Rewritten, $"{Quantity.Of(_foreign.Count, "rewrite")} by others (compaction) put as many rows in the place of those in the files that they removed: {Quantity.Of(_foreign.Rows, "row")}.");
        if (_unsaid > 0)
            findings.NotProvable(FindingCode.RemovedByOthers, $"Whether all rows are there: {Quantity.Of(_unsaid, "further snapshot")} of other engines removed files with rows of the flow.", "Another engine deleted or changed rows, which it may.");
    }

    private static bool IsOwn(Snapshot snapshot) => snapshot.Summary.ContainsKey(LedgerKeys.Maintenance);

    private void Count(Snapshot snapshot, long rows)
    {
        if (IsOwn(snapshot)) _own = (_own.Count + 1, _own.Rows + rows);
        else _foreign = (_foreign.Count + 1, _foreign.Rows + rows);
    }

    private void Say(string text, string reason)
    {
        if (_said++ < SaidMax) findings.NotProvable(FindingCode.RemovedByOthers, text, reason);
        else _unsaid++;
    }

    public static string Operation(Snapshot snapshot) => snapshot.Operation.Length == 0 ? "of an unnamed operation" : snapshot.Operation;
}
