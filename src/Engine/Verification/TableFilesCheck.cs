using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;

namespace Matih.Verification;

/// <summary>
/// What must hold of a table's lists whoever wrote them: the manifests are those that the manifest list describes, no data file
/// is listed twice, and the files add up to the snapshot's totals.
/// </summary>
internal sealed class TableFilesCheck(TableHistory history, FindingLog findings)
{
    private FileCounts _listed;
    private long _deletes;

    /// <param name="live">The live files, each once.</param>
    /// <param name="begin">Where the exact record of the files begins; null where there is none.</param>
    public async ValueTask CheckAsync(IReadOnlyList<TrackedFile> live, ListingBegin? begin, CancellationToken cancellationToken)
    {
        await CountAsync(cancellationToken);
        ReportOthers(live);
        CompareTotals(begin);
    }

    private void CheckManifest(ReadManifest manifest)
    {
        var listed = manifest.Listed;
        if (manifest.LengthBytes != listed.LengthBytes) Altered(Quantity.Of(listed.LengthBytes, "byte"), Quantity.Of(manifest.LengthBytes, "byte"));
        else if (manifest.Counts != manifest.Said) Altered(manifest.Said.ToString(), manifest.Counts.ToString());
        else if (manifest.StrangerCount > 0) Altered(listed.Content == ManifestContent.Data ? "data files" : "delete files", $"{Quantity.Of(manifest.StrangerCount, "entry", "entries")} of the other kind");

        void Altered(string expected, string actual) => findings.Violation(FindingCode.ManifestAltered, listed.Path, $"{expected}, as the manifest list of snapshot {history.Table.Metadata.CurrentSnapshotId} says", actual,
            "Somebody changed the manifest after it was written, or it was cut short: bring it back from a backup, or roll the table back to before the snapshot that added it.");
    }

    private async ValueTask CountAsync(CancellationToken cancellationToken)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var live = await history.LiveFilesAsync(cancellationToken);
        foreach (var manifest in history.Manifests) CheckManifest(manifest);
        _listed = FileCounts.Of(live);
        foreach (var file in live)
        {
            // One Puffin file may hold the deletion vectors of many data files, and is listed once for each.
            if (file.IsData && !seen.Add(file.Path))
            {
                findings.Violation(FindingCode.FileDoubled, file.Path, "listed once by the current snapshot", $"listed again, with {Quantity.Of(file.RowCount, "row")}",
                    "Its rows are read twice: roll the table back to before the snapshot that listed it again, or rewrite its manifests with another engine.");
            }
            if (!file.IsData) _deletes += file.RowCount;
        }
    }

    private void ReportOthers(IReadOnlyList<TrackedFile> live)
    {
        if (_listed.DeleteFiles > 0)
        {
            findings.NotProvable(FindingCode.DeleteFiles, $"Which rows readers see, because of {Quantity.Of(_listed.DeleteFiles, "delete file")} of other engines with {Quantity.Of(_deletes, "entry", "entries")}.",
                "Rows deleted by other engines are legitimate, and none are read here.");
        }
        var others = live.Where(tracked => tracked.MayHoldRowsOfEngine).ToList();
        var (files, rows, _) = FileCounts.Of(others.Select(tracked => tracked.File));
        if (files > 0)
        {
            var hold = others.All(tracked => (tracked.Origin & FileOrigin.Engine) != 0) ? "hold" : "hold or may hold";
            findings.NotProvable(FindingCode.AddedByOthers, $"That no row of the flow is there a second time among the {Quantity.Of(rows, "row")} of {Quantity.Of(files, "file")} that {hold} rows which other engines added.",
                "A copy of a file under another name, or of rows, looks like any other file: only the rows themselves tell, and none are read here.");
        }
    }

    private void CompareTotals(ListingBegin? begin)
    {
        if (begin is null) return; // The reason was reported.
        if (begin.Snapshot is { } first && !AgreesAtBegin(first, begin.Listed)) return;
        if (history.Table.Head is { } head && FileCounts.SaidTotal(head, _listed) is var said && said != _listed && !findings.IsVoid(FindingCode.Listing))
        {
            findings.Warning(FindingCode.TableTotals, $"The summary of snapshot {head.Id} says {said}; its manifests list {_listed}, every one of which could be followed.",
                "Engines that plan by these totals may plan badly; some engine that wrote this table counted wrong.");
        }
        findings.Proved(FindingCode.Listing, $"Every file that {(begin.Snapshot is { } since ? $"snapshot {since.Id} lists or a later one" : "a snapshot")} added, whoever wrote it, is listed now or was removed by a snapshot, and nothing else is listed: {_listed}.");
    }

    /// <summary>The list from which the record begins is held against that snapshot's own totals: nothing older is left.</summary>
    private bool AgreesAtBegin(Snapshot first, FileCounts listed)
    {
        if (SummaryNumber.Of(first, "total-data-files") is null || SummaryNumber.Of(first, "total-records") is null)
        {
            findings.NotProvable(FindingCode.Listing, $"That no file had left the manifests before snapshot {first.Id}.", "The manifests of older snapshots have expired, and its summary has no totals.");
            return false;
        }
        var said = FileCounts.SaidTotal(first, listed);
        if (said == listed) return true;
        findings.Violation(FindingCode.TableTotals, $"snapshot {first.Id}", $"{said}, as its summary says", $"{listed} in its manifests",
            "Files were dropped from or slipped into the manifests, or another engine counted wrong: compare the snapshots' summaries (matih table snapshots) to find the first that does not add up.");
        return false;
    }
}
