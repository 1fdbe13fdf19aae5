using System.Globalization;
using Matih.Delivery.Ledgers;
using Matih.Iceberg.Metadata;

namespace Matih.Verification;

/// <summary>
/// Holds the files and rows that each commit says it added against what its manifests list, and against the snapshot's own
/// summary. Where the manifests have expired, the files that are still live and carry the snapshot's id are what is left.
/// </summary>
/// <param name="links">The flow's commits.</param>
internal sealed class BooksCheck(IReadOnlyList<ChainLink> links, TableHistory history, FindingLog findings)
{
    private readonly HashSet<CommitId> _replaced = [.. links.SelectMany(link => link.Replaces)];
    private long _checkedCommits, _checkedFiles, _checkedRows;
    private long _leftCommits, _leftFiles, _leftRows;
    private int _uncheckedCommits;
    private long _uncheckedFiles, _uncheckedRows;

    /// <summary>Called when the changes of every commit that still has a snapshot were checked.</summary>
    public void Finish()
    {
        foreach (var link in links)
            if (link.Snapshot is null) Unchecked(link);
        if (_checkedCommits > 0)
            findings.Proved(FindingCode.Books, $"The manifests of {Quantity.Of(_checkedCommits, "commit")} list what the books say: {Quantity.Of(_checkedRows, "row")} in {Quantity.Of(_checkedFiles, "file")}.");
        if (_leftCommits > 0)
            findings.Proved(FindingCode.Books, $"All files of {Quantity.Of(_leftCommits, "further commit")}, whose manifests have expired, are still listed: {Quantity.Of(_leftRows, "row")} in {Quantity.Of(_leftFiles, "file")}.");
        if (_uncheckedCommits > 0)
        {
            findings.NotProvable(FindingCode.Books, $"The books of {Quantity.Of(_uncheckedCommits, "commit")}: {Quantity.Of(_uncheckedRows, "row")} in {Quantity.Of(_uncheckedFiles, "file")}.",
                "Their manifests have expired, and not all of their files are still part of the table.");
        }
    }

    public async ValueTask CheckAsync(ChainLink link, Snapshot snapshot, SnapshotChanges changes, CancellationToken cancellationToken)
    {
        var books = link.Ledger.Books;
        CheckSummary(link, snapshot);
        if (changes is SnapshotChanges.Known known)
        {
            var added = FileCounts.Of(known.Added);
            Compare(link, added.DataFiles, added.Rows, "its manifests list");
            if (added.DeleteFiles > 0)
            {
                findings.Violation(FindingCode.BooksManifests, link.Name, "no delete files, because the pipeline writes none", $"its manifests list {Quantity.Count(added.DeleteFiles)}",
                    "Somebody put them into the commit's manifests, and readers miss the rows that they delete: roll the table back to before the commit and let the pipeline read the range again.");
            }
            _checkedCommits++;
            _checkedFiles += books.AddedFileCount;
            _checkedRows += books.AddedRowCount;
            return;
        }
        var (files, rows) = await history.LiveOfAsync(snapshot.Id, cancellationToken);
        if (files < books.AddedFileCount)
        {
            Unchecked(link);
            return;
        }
        Compare(link, files, rows, "the table's manifests still list");
        _leftCommits++;
        _leftFiles += files;
        _leftRows += rows;
    }

    private void Compare(ChainLink link, long files, long rows, string where)
    {
        var books = link.Ledger.Books;
        if (files == books.AddedFileCount && rows == books.AddedRowCount) return;
        findings.Violation(FindingCode.BooksManifests, link.Name, $"{Quantity.Of(books.AddedRowCount, "row")} in {Quantity.Of(books.AddedFileCount, "file")}, as its books say", $"{where} {Quantity.Of(rows, "row")} in {Quantity.Of(files, "file")}",
            "Files of the commit were dropped from its manifests or slipped into them, or its ledger was edited: roll the table back to before it and let the pipeline read the range again.");
    }

    private void CheckSummary(ChainLink link, Snapshot snapshot)
    {
        var books = link.Ledger.Books;
        Check("added-records", books.AddedRowCount);
        Check("added-data-files", books.AddedFileCount);

        void Check(string key, long expected)
        {
            if (!snapshot.Summary.TryGetValue(key, out var text) || text == expected.ToString(CultureInfo.InvariantCulture)) return;
            findings.Violation(FindingCode.BooksSummary, link.Name, $"{key} of {expected}, as its books say", $"{key} of {text} in the snapshot's summary", LinkComparison.Tampering);
        }
    }

    /// <summary>Files that a replay took out are gone by right, and so are the books about them.</summary>
    private void Unchecked(ChainLink link)
    {
        if (_replaced.Contains(link.Ledger.Commit)) return;
        _uncheckedCommits++;
        _uncheckedFiles += link.Ledger.Books.AddedFileCount;
        _uncheckedRows += link.Ledger.Books.AddedRowCount;
    }
}
