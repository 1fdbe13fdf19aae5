using Matih.Iceberg.Metadata;

namespace Matih.Verification;

/// <summary>
/// What snapshots whose manifests have expired may have removed, as far as their summaries say: a file that is gone may be one
/// of theirs, but not more files than they say.
/// </summary>
internal sealed class ExpiredRemovals(FindingLog findings)
{
    private int _newestStep = int.MaxValue;
    private long? _removedFiles = 0;
    private long _files, _rows;

    /// <param name="parent">The snapshot before it; null where it is no longer known.</param>
    public void Pass(Snapshot snapshot, Snapshot? parent, int step)
    {
        if (snapshot.Operation == "append") return;
        _newestStep = Math.Min(_newestStep, step);
        _removedFiles += RemovedFiles(snapshot, parent);
        var keepsRows = snapshot.Operation == "replace" && snapshot.Summary.TryGetValue("deleted-records", out var deleted) && snapshot.Summary.GetValueOrDefault("added-records") == deleted;
        findings.NotProvable(FindingCode.RemovedByOthers, keepsRows
                ? $"That the rewrite by snapshot {snapshot.Id} kept every row; its summary says so ({Removed(snapshot)} removed, as many added)."
                : $"What snapshot {snapshot.Id} ({RewriteCheck.Operation(snapshot)}) removed: by its summary {Removed(snapshot)}, with {Quantity.Count(SummaryNumber.Of(snapshot, "added-records") ?? 0)} added.",
            "Its manifests have expired.");
    }

    /// <summary>Whether one of these snapshots may have removed the file; it is counted then.</summary>
    public bool MayExplain(TrackedFile tracked)
    {
        if (_newestStep >= tracked.Step) return false;
        if (tracked.File.IsData) (_files, _rows) = (_files + 1, _rows + tracked.File.RowCount);
        return true;
    }

    /// <param name="tooMany">Called where more files are gone than the snapshots say that they removed, with both numbers.</param>
    public void Finish(Action<long, long> tooMany)
    {
        if (_removedFiles is { } explained && _files > explained) tooMany(_files, explained);
        else if (_files > 0)
        {
            findings.NotProvable(FindingCode.FileUnlisted, $"Who removed {Quantity.Of(_files, "file")} with {Quantity.Of(_rows, "row")} from the table.",
                "A snapshot whose manifests have expired may have.");
        }
        (_newestStep, _removedFiles, _files, _rows) = (int.MaxValue, 0, 0, 0);
    }

    private static string Removed(Snapshot snapshot) => SummaryNumber.Of(snapshot, "deleted-records") is { } rows ? Quantity.Of(rows, "row") : "an unknown number of rows";

    /// <summary>By the snapshot's own count, else by the totals before and after it; null where there is neither.</summary>
    private static long? RemovedFiles(Snapshot snapshot, Snapshot? parent)
    {
        if (SummaryNumber.Of(snapshot, "deleted-data-files") is { } removed) return removed;
        if (parent is null || SummaryNumber.Of(snapshot, "total-data-files") is not { } after || SummaryNumber.Of(parent, "total-data-files") is not { } before) return null;
        return before + (SummaryNumber.Of(snapshot, "added-data-files") ?? 0) - after;
    }
}
