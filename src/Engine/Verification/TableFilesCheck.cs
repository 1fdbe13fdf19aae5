using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;

namespace Matih.Verification;

/// <summary>
/// What must hold of a table's lists whoever wrote them: the manifests are those that the manifest list describes, no data file
/// is listed twice, and the files add up to the snapshot's totals.
/// </summary>
internal sealed class TableFilesCheck(TableHistory history, FindingLog findings)
{
    /// <summary>Looked at side by side: an object store answers each in tens of milliseconds.</summary>
    private const int BatchCount = 16;

    private FileCounts _listed;
    private long _deletes;

    /// <param name="live">The live files, each once.</param>
    /// <param name="begin">Where the exact record of the files begins; null where there is none.</param>
    public async ValueTask CheckAsync(IReadOnlyList<TrackedFile> live, ListingBegin? begin, CancellationToken cancellationToken)
    {
        await CheckManifestsAsync(cancellationToken);
        await CountAsync(cancellationToken);
        ReportOthers(live);
        CompareTotals(begin);
    }

    private async ValueTask CheckManifestsAsync(CancellationToken cancellationToken)
    {
        if (history.Table.Metadata.CurrentSnapshot is not { } head) return;
        var manifests = await SnapshotReader.ManifestsAsync(history.Table, head, cancellationToken);
        foreach (var batch in manifests.Chunk(BatchCount))
        {
            var found = await Task.WhenAll(batch.Select(manifest => LookAsync(manifest, cancellationToken).AsTask()));
            foreach (var (manifest, (length, counts, strangers)) in batch.Zip(found))
            {
                if (length != manifest.LengthBytes) Altered(manifest, Quantity.Of(manifest.LengthBytes, "byte"), length is { } bytes ? Quantity.Of(bytes, "byte") : "no such file");
                else if (counts != Said(manifest, counts)) Altered(manifest, Said(manifest, counts).ToString(), counts.ToString());
                else if (strangers > 0) Altered(manifest, manifest.Content == ManifestContent.Data ? "data files" : "delete files", $"{Quantity.Of(strangers, "entry", "entries")} of the other kind");
            }
        }

        void Altered(ManifestFile manifest, string expected, string actual) => findings.Violation(FindingCode.ManifestAltered, manifest.Path, $"{expected}, as the manifest list of snapshot {head.Id} says", actual,
            "Somebody changed the manifest after it was written, or it was cut short: bring it back from a backup, or roll the table back to before the snapshot that added it.");
    }

    /// <returns>Among the rest, how many entries are of the kind that such a manifest does not list: readers would skip them, or fail.</returns>
    private async ValueTask<(long? LengthBytes, ManifestCounts Counts, int Strangers)> LookAsync(ManifestFile manifest, CancellationToken cancellationToken)
    {
        var length = await history.Table.Store.LengthAsync(manifest.Path, cancellationToken);
        var counts = default(ManifestCounts);
        var strangers = 0;
        foreach (var entry in await SnapshotReader.EntriesAsync(history.Table, manifest, cancellationToken))
        {
            counts = counts.Add(entry);
            if ((entry.File.Content == FileContent.Data) != (manifest.Content == ManifestContent.Data)) strangers++;
        }
        return (length, counts, strangers);
    }

    /// <summary>What the manifest list says; counts that its writer left out are taken as found.</summary>
    private static ManifestCounts Said(ManifestFile manifest, ManifestCounts found) => new(
        manifest.AddedFilesCount ?? found.AddedFiles, manifest.ExistingFilesCount ?? found.ExistingFiles, manifest.DeletedFilesCount ?? found.DeletedFiles,
        manifest.AddedRowsCount ?? found.AddedRows, manifest.ExistingRowsCount ?? found.ExistingRows, manifest.DeletedRowsCount ?? found.DeletedRows);

    private async ValueTask CountAsync(CancellationToken cancellationToken)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var live = await history.LiveFilesAsync(cancellationToken);
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
        if (history.Table.Metadata.CurrentSnapshot is { } head && FileCounts.SaidTotal(head, _listed) is var said && said != _listed && !findings.IsVoid(FindingCode.Listing))
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

    /// <summary>What a manifest lists, by status.</summary>
    private readonly record struct ManifestCounts(long AddedFiles, long ExistingFiles, long DeletedFiles, long AddedRows, long ExistingRows, long DeletedRows)
    {
        public ManifestCounts Add(ManifestEntry entry) => entry.Status switch
        {
            EntryStatus.Added => this with { AddedFiles = AddedFiles + 1, AddedRows = AddedRows + entry.File.RecordCount },
            EntryStatus.Existing => this with { ExistingFiles = ExistingFiles + 1, ExistingRows = ExistingRows + entry.File.RecordCount },
            _ => this with { DeletedFiles = DeletedFiles + 1, DeletedRows = DeletedRows + entry.File.RecordCount },
        };

        public override string ToString() => 
            $"{Quantity.Count(AddedFiles)} added, {Quantity.Count(ExistingFiles)} existing and {Quantity.Count(DeletedFiles)} deleted entries with {Quantity.Count(AddedRows)}, {Quantity.Count(ExistingRows)} and {Quantity.Count(DeletedRows)} rows";
    }
}
