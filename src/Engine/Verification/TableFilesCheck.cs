using System.Globalization;
using Matih.Iceberg;

namespace Matih.Verification;

/// <summary>What must hold of a table's live files whoever wrote them: none is listed twice, and they add up to the snapshot's totals.</summary>
internal sealed class TableFilesCheck(TableHistory history, FindingLog findings)
{
    /// <param name="isHistoryComplete">Whether every file was followed through the manifests, so that the totals are a second opinion only.</param>
    public async ValueTask CheckAsync(bool isHistoryComplete, CancellationToken cancellationToken)
    {
        var live = await history.LiveFilesAsync(cancellationToken);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var (files, rows, deletes, deleteFiles) = (0L, 0L, 0L, 0L);
        foreach (var file in live)
        {
            // One Puffin file may hold the deletion vectors of many data files, and is listed once for each.
            if (file.Content == FileContent.Data && !seen.Add(file.Path))
            {
                findings.Violation(FindingCode.FileDoubled, file.Path, "listed once by the current snapshot", $"listed again, with {file.RowCount} rows",
                    "Its rows are read twice: roll the table back to before the snapshot that listed it again, or rewrite its manifests with another engine.");
            }
            if (file.Content == FileContent.Data) (files, rows) = (files + 1, rows + file.RowCount);
            else (deleteFiles, deletes) = (deleteFiles + 1, deletes + file.RowCount);
        }
        if (deleteFiles > 0)
        {
            findings.NotProvable(FindingCode.DeleteFiles, $"Which rows readers see: {Count(deleteFiles)} delete files of other engines apply, with {Count(deletes)} entries.",
                "Rows deleted by other engines are legitimate, and none are read here.");
        }
        CompareTotals(files, rows, isHistoryComplete);
    }

    private void CompareTotals(long files, long rows, bool isHistoryComplete)
    {
        if (history.Table.Metadata.CurrentSnapshot is not { } head || SnapshotTotals.Of(head.Summary) is not { } totals) return;
        if (totals.DataFiles == files && totals.Records == rows) return;
        var (expected, found) = ($"{Count(totals.Records)} rows in {Count(totals.DataFiles)} files", $"{Count(rows)} rows in {Count(files)} files");
        if (isHistoryComplete)
        {
            findings.Warning(FindingCode.TableTotals, $"The summary of snapshot {head.Id} says {expected}; its manifests list {found}, every one of which could be followed.",
                "Engines that plan by these totals may plan badly; some engine that wrote this table counted wrong.");
            return;
        }
        findings.Violation(FindingCode.TableTotals, $"snapshot {head.Id}", $"{expected}, as its summary carries on from snapshot to snapshot", $"{found} in its manifests",
            "Files were dropped from or slipped into the manifests, or another engine counted wrong: compare the snapshots' summaries (matih table snapshots) to find the first that does not add up.");
    }

    private static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
