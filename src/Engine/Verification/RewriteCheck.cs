using System.Globalization;
using Matih.Iceberg;

namespace Matih.Verification;

/// <summary>What other engines' snapshots did to files: whether a rewrite kept every row, and whether manifests hold what the summary says.</summary>
internal sealed class RewriteCheck(FindingLog findings)
{
    /// <summary>Tables that another engine merges into every night have thousands; the rest are said in one sum.</summary>
    private const int SaidMax = 20;

    private int _rewriteCount, _unsaid, _said;
    private long _rewrittenRows;

    /// <summary>What the removal of files that hold, or may hold, rows of the flow means.</summary>
    public void Compare(Snapshot snapshot, SnapshotChanges.Known changes, List<TrackedFile> held)
    {
        var (removedRows, addedRows) = (SnapshotChanges.Known.Sum(changes.Removed).Rows, changes.AddedData.Rows);
        if (snapshot.Operation != "replace")
        {
            Say($"Whether all rows are there: snapshot {snapshot.Id} ({Operation(snapshot)}) removed {Count(held.Count)} files with {Count(held.Sum(tracked => tracked.File.RowCount))} rows of the flow, and added {Count(addedRows)} rows.",
                "Another engine deleted or changed rows, which it may; which of them it meant is not known.");
        }
        else if (addedRows == removedRows)
        {
            _rewriteCount++;
            _rewrittenRows += removedRows;
        }
        else if (addedRows < removedRows && changes.HasDeleteFiles)
        {
            Say($"Whether all rows are there: snapshot {snapshot.Id} rewrote {Count(removedRows)} rows into {Count(addedRows)}.",
                "Delete files of other engines were applied, which remove rows as those engines asked.");
        }
        else
        {
            findings.Violation(FindingCode.RewriteRows, $"snapshot {snapshot.Id} ({Operation(snapshot)})", $"{removedRows} rows, as many as it removed", $"{addedRows} rows",
                "The rewrite of another engine lost or doubled rows: roll the table back to before it, and report it to that engine.");
        }
    }

    /// <summary>
    /// A manifest that left the list of the very snapshot that wrote it takes its files along without a trace, except in the
    /// summary. Counts that the summary leaves out are not compared.
    /// </summary>
    public void CompareSummary(Snapshot snapshot, SnapshotChanges.Known changes)
    {
        var added = changes.AddedData;
        var (removedFiles, removedRows) = SnapshotChanges.Known.Sum(changes.Removed);
        var (saidAdded, saidAddedRows) = (Said("added-data-files", added.Files), Said("added-records", added.Rows));
        var (saidRemoved, saidRemovedRows) = (Said("deleted-data-files", removedFiles), Said("deleted-records", removedRows));
        if (added.Files == saidAdded && added.Rows == saidAddedRows && removedFiles == saidRemoved && removedRows == saidRemovedRows) return;
        var on = $"snapshot {snapshot.Id} ({Operation(snapshot)})";
        var expected = $"{saidAddedRows} rows in {saidAdded} files added and {saidRemovedRows} rows in {saidRemoved} files removed, as its summary says";
        var found = $"{added.Rows} rows in {added.Files} files added and {removedRows} rows in {removedFiles} files removed by its manifests";
        if (added.Files < saidAdded || added.Rows < saidAddedRows || removedFiles > saidRemoved || removedRows > saidRemovedRows)
        {
            findings.Violation(FindingCode.SnapshotSummary, on, expected, found,
                "Files were dropped from the snapshot's manifests, or removed by somebody who edited them: roll the table back to before the snapshot, or add the missing files again with another engine.");
        }
        else
        {
            findings.Mismatch(FindingCode.SnapshotSummary, $"The counts of {on} disagree: expected {expected}; found {found}.",
                "Find out whether the engine that wrote it counts wrong, or somebody put files into its manifests: rows may be there twice.");
        }

        long Said(string key, long counted) => SummaryNumber.Of(snapshot, key) ?? counted;
    }

    public void Finish()
    {
        if (_rewriteCount > 0)
            findings.Proved(FindingCode.Rewritten, $"{Count(_rewriteCount)} rewrites by others (compaction) kept every row of the files that they replaced: {Count(_rewrittenRows)} rows.");
        if (_unsaid > 0)
            findings.NotProvable(FindingCode.RemovedByOthers, $"Whether all rows are there: {Count(_unsaid)} further snapshots of other engines removed files with rows of the flow.", "Another engine deleted or changed rows, which it may.");
    }

    private void Say(string text, string reason)
    {
        if (_said++ < SaidMax) findings.NotProvable(FindingCode.RemovedByOthers, text, reason);
        else _unsaid++;
    }

    public static string Operation(Snapshot snapshot) => snapshot.Operation.Length == 0 ? "of an unnamed operation" : snapshot.Operation;

    private static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
