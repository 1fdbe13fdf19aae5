using System.Globalization;
using Matih.Iceberg;

namespace Matih.Verification;

/// <summary>
/// Follows every file that a flow added through the snapshots after it, and the files that row-keeping rewrites put in its
/// place: each is live now, or some snapshot removed it and says so.
/// </summary>
internal sealed class FileFates(TableHistory history, FindingLog findings)
{
    private readonly Dictionary<string, (ListedFile File, int Step)> _tracked = new(StringComparer.Ordinal);
    private readonly HashSet<SnapshotId> _replaced = [];
    private int _rewriteCount;
    private long _rewrittenRows;
    private int _newestUnknown = int.MaxValue;

    /// <summary>Whether what every snapshot did to the files could be seen, back to the flow's oldest commit.</summary>
    public bool IsComplete { get; private set; } = true;

    /// <summary>The files that hold the flow's rows now: those of its commits, and those that rewrites made of them.</summary>
    public async ValueTask<IReadOnlyList<ListedFile>> FollowAsync(IReadOnlyList<ChainLink> links, CancellationToken cancellationToken)
    {
        var own = links.Where(link => link.Snapshot is not null).ToDictionary(link => link.Snapshot!.Id);
        var snapshotOf = own.ToDictionary(pair => pair.Value.Ledger.Commit, pair => pair.Key);
        foreach (var commit in links.SelectMany(link => link.Replaces))
            if (snapshotOf.TryGetValue(commit, out var replaced)) _replaced.Add(replaced);
        var oldest = Oldest(own.Keys);
        // The newest step has index 0; history is gone through forward.
        for (var step = oldest; step >= 0; step--)
        {
            var snapshot = history.Steps[step].Snapshot;
            var changes = await history.ChangesAsync(snapshot, cancellationToken);
            var link = own.GetValueOrDefault(snapshot.Id);
            if (changes is not SnapshotChanges.Known known) PassUnknown(snapshot, link, step);
            else if (link is null) Apply(snapshot, known, step);
            else ApplyOwn(link, known, step);
        }
        if (_rewriteCount > 0)
            findings.Proved(FindingCode.Rewritten, $"{Count(_rewriteCount)} rewrites by others (compaction) kept every row of the files that they replaced: {Count(_rewrittenRows)} rows.");
        return await SettleAsync(own.Keys, cancellationToken);
    }

    private int Oldest(IReadOnlyCollection<SnapshotId> own)
    {
        for (var step = history.Steps.Count - 1; step >= 0; step--)
            if (own.Contains(history.Steps[step].Snapshot.Id)) return step;
        return -1;
    }

    /// <summary>Another engine's snapshot.</summary>
    private void Apply(Snapshot snapshot, SnapshotChanges.Known changes, int step)
    {
        var removed = changes.Removed.Where(file => _tracked.Remove(file.Path)).ToList();
        if (removed.Count == 0 || !KeepsRows(snapshot, changes, removed)) return;
        foreach (var file in changes.Added) Track(file, step);
    }

    /// <summary>A commit of the flow adds files; a replay also removes those of the commits that it replaces, all of them and no others.</summary>
    private void ApplyOwn(ChainLink link, SnapshotChanges.Known changes, int step)
    {
        var expected = link.Ledger.Replay?.Replaced ?? default;
        var removedRows = changes.Removed.Sum(file => file.RowCount);
        if (link.HasPositions && (changes.Removed.Length != expected.AddedFileCount || removedRows != expected.AddedRowCount))
        {
            findings.Violation(FindingCode.Replay, link.Name, $"{expected.AddedRowCount} rows in {expected.AddedFileCount} files removed, those of the commits that it replaced", $"{removedRows} rows in {changes.Removed.Length} files",
                "Files of the flow left the table without having been read again, or stayed although they were: roll the table back to before this commit.");
        }
        foreach (var file in changes.Removed) _tracked.Remove(file.Path);
        foreach (var file in changes.Added) Track(file, step);
    }

    private void Track(ListedFile file, int step)
    {
        if (_tracked.TryAdd(file.Path, (file, step))) return;
        findings.Violation(FindingCode.FileDoubled, file.Path, $"added once, by snapshot {_tracked[file.Path].File.SnapshotId}", $"added again by snapshot {file.SnapshotId}",
            "Its rows are there twice: roll the table back to before the second snapshot, or rewrite the file away with another engine.");
    }

    /// <summary>What the removal of files of ours means.</summary>
    private bool KeepsRows(Snapshot snapshot, SnapshotChanges.Known changes, List<ListedFile> removed)
    {
        var (removedRows, addedRows) = (changes.Removed.Sum(file => file.RowCount), changes.Added.Sum(file => file.RowCount));
        var ours = $"{Count(removed.Count)} files with {Count(removed.Sum(file => file.RowCount))} rows of the flow";
        if (snapshot.Operation != "replace")
        {
            findings.NotProvable(FindingCode.RemovedByOthers, $"Whether all rows are there: snapshot {snapshot.Id} ({Operation(snapshot)}) removed {ours}, and added {Count(addedRows)} rows.",
                "Another engine deleted or changed rows, which it may; which of them it meant to is not told.");
            return false;
        }
        if (addedRows == removedRows)
        {
            _rewriteCount++;
            _rewrittenRows += removedRows;
            return true;
        }
        if (addedRows < removedRows && changes.HasDeleteFiles)
        {
            findings.NotProvable(FindingCode.RemovedByOthers, $"Whether all rows are there: snapshot {snapshot.Id} rewrote {Count(removedRows)} rows into {Count(addedRows)}.",
                "Delete files of other engines were applied, which remove rows as those engines asked.");
            return true;
        }
        findings.Violation(FindingCode.RewriteRows, $"snapshot {snapshot.Id} ({Operation(snapshot)})", $"{removedRows} rows, as many as it removed", $"{addedRows} rows",
            "The rewrite of another engine lost or doubled rows: roll the table back to before it, and report it to that engine.");
        return true;
    }

    /// <summary>The manifests of a snapshot are gone: what it did is known by its summary only.</summary>
    private void PassUnknown(Snapshot snapshot, ChainLink? link, int step)
    {
        IsComplete = false;
        if (link is not null || snapshot.Operation == "append") return;
        _newestUnknown = Math.Min(_newestUnknown, step);
        var keepsRows = snapshot.Operation == "replace" && snapshot.Summary.TryGetValue("deleted-records", out var deleted) && snapshot.Summary.GetValueOrDefault("added-records") == deleted;
        findings.NotProvable(FindingCode.RemovedByOthers, keepsRows
                ? $"That the rewrite by snapshot {snapshot.Id} kept every row; its summary says so ({snapshot.Summary["deleted-records"]} rows removed, as many added)."
                : $"What snapshot {snapshot.Id} ({Operation(snapshot)}) removed: by its summary {snapshot.Summary.GetValueOrDefault("deleted-records", "an unknown number of")} rows, with {snapshot.Summary.GetValueOrDefault("added-records", "0")} added.",
            "Its manifests have expired.");
    }

    /// <summary>Every file that is still tracked must be live, unless a snapshot whose manifests have expired may have removed it.</summary>
    private async ValueTask<IReadOnlyList<ListedFile>> SettleAsync(IReadOnlyCollection<SnapshotId> own, CancellationToken cancellationToken)
    {
        var holding = new List<ListedFile>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in await history.LiveFilesAsync(cancellationToken))
        {
            if (file.Content != FileContent.Data || !seen.Add(file.Path)) continue;
            if (_replaced.Contains(file.SnapshotId))
            {
                findings.Violation(FindingCode.Replay, file.Path, $"no longer listed: a replay replaced the commit of snapshot {file.SnapshotId}, which added it", $"still listed, with {file.RowCount} rows",
                    "Its rows are there twice: roll the table back to before the snapshot that listed it again, or rewrite the file away with another engine.");
            }
            if (_tracked.Remove(file.Path) || own.Contains(file.SnapshotId)) holding.Add(file);
        }
        var excused = (Files: 0, Rows: 0L);
        foreach (var (path, (file, step)) in _tracked)
        {
            if (_replaced.Contains(file.SnapshotId)) continue;
            if (_newestUnknown < step)
            {
                excused = (excused.Files + 1, excused.Rows + file.RowCount);
                continue;
            }
            findings.Violation(FindingCode.FileUnlisted, path, $"listed by the current snapshot: snapshot {file.SnapshotId} added it with {file.RowCount} rows, and no snapshot removed it", "no manifest of the current snapshot lists it",
                "Its rows are lost to readers: roll the table back to before it vanished, or add the file again with another engine.");
        }
        if (excused.Files > 0)
        {
            findings.NotProvable(FindingCode.FileUnlisted, $"Who removed {Count(excused.Files)} files with {Count(excused.Rows)} rows of the flow, which are no longer part of the table.",
                "A snapshot whose manifests have expired may have.");
        }
        return holding;
    }

    private static string Operation(Snapshot snapshot) => snapshot.Operation.Length == 0 ? "of an unnamed operation" : snapshot.Operation;

    private static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
