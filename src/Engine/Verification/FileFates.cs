using Matih.Delivery.Ledgers;
using Matih.Iceberg.Metadata;

namespace Matih.Verification;

/// <summary>
/// Follows every file of the table, whoever added it, through the snapshots since the flow's oldest commit: each is listed now,
/// or a snapshot removed it and says so; and each that is listed now was added by a snapshot. Where the manifests of older
/// snapshots have expired, that is exact from the first snapshot after them on, whose own list is taken as it is, and the
/// summaries alone tell about the files before.
/// </summary>
internal sealed class FileFates(TableHistory history, FindingLog findings)
{
    private const string Vanished = "Its rows are lost to readers: roll the table back to before it vanished, or add the file again with another engine.";

    private readonly Dictionary<string, TrackedFile> _tracked = new(StringComparer.Ordinal);
    private readonly HashSet<SnapshotId> _replaced = [];
    private readonly HashSet<string> _unreadable = new(StringComparer.Ordinal);
    private readonly RewriteCheck _rewrites = new(findings);
    private readonly ExpiredRemovals _expired = new(findings);
    private Dictionary<SnapshotId, ChainLink> _own = [];
    private Dictionary<SnapshotId, string?>? _writers;

    /// <summary>What was proven of the lists of the table's files, for the comparison with the totals.</summary>
    public ListingBegin? Begin { get; private set; }

    /// <summary>The files that are part of the table now, each once, with what is known of whose rows they hold.</summary>
    public async ValueTask<IReadOnlyList<TrackedFile>> FollowAsync(IReadOnlyList<ChainLink> links, BooksCheck books, CancellationToken cancellationToken)
    {
        // Where the table itself cannot be read, nothing else matters, and every snapshot with that manifest would be reported as well.
        await history.LiveFilesAsync(cancellationToken);
        _own = links.Where(link => link.Snapshot is not null).ToDictionary(link => link.Snapshot!.Id);
        var replaced = links.SelectMany(link => link.Replaces).ToHashSet();
        foreach (var (id, link) in _own)
            if (replaced.Contains(link.Ledger.Commit)) _replaced.Add(id);
        var oldest = Oldest();
        var exactFrom = ExactFrom(oldest);
        // The newest step has index 0; history is gone through forward.
        await foreach (var (step, changes) in history.ChangesAsync(oldest, cancellationToken))
        {
            var (snapshot, isExpired) = history.Steps[step];
            var link = _own.GetValueOrDefault(snapshot.Id);
            if (link is not null) await books.CheckAsync(link, snapshot, changes, cancellationToken);
            if (changes is SnapshotChanges.Unknown unknown)
            {
                PassUnknown(snapshot, link, unknown, step, isExpired);
                continue;
            }
            if (link is null) Apply(snapshot, (SnapshotChanges.Known)changes, step);
            else ApplyOwn(link, (SnapshotChanges.Known)changes, step);
            if (Begin is null && step <= exactFrom) await BeginAsync(snapshot, step, cancellationToken);
        }
        _rewrites.Finish();
        return await SettleAsync(cancellationToken);
    }

    /// <summary>The flow's oldest commit; all of the history where only copies of its ledger are left.</summary>
    private int Oldest()
    {
        for (var step = history.Steps.Count - 1; step >= 0; step--)
            if (_own.ContainsKey(history.Steps[step].Snapshot.Id)) return step;
        return history.Steps.Count - 1;
    }

    /// <summary>The step after the newest expired one.</summary>
    private int ExactFrom(int oldest)
    {
        for (var step = 0; step <= oldest; step++)
            if (history.Steps[step].IsExpired) return step - 1;
        return oldest;
    }

    /// <summary>Another engine's snapshot, or another flow's.</summary>
    private void Apply(Snapshot snapshot, SnapshotChanges.Known changes, int step)
    {
        var isFlow = snapshot.Summary.ContainsKey(LedgerKeys.Writer);
        var removed = Removed(snapshot, changes);
        var held = new List<TrackedFile>();
        var origin = FileOrigin.None;
        foreach (var file in removed)
        {
            if (!_tracked.Remove(file.Key, out var tracked) || !file.IsData) continue;
            origin |= tracked.Origin;
            if (tracked.MayHoldRowsOfFlow) held.Add(tracked);
        }
        var known = changes with { Removed = [.. removed] };
        SummaryCheck.Compare(snapshot, known, findings);
        if (held.Count > 0) _rewrites.Compare(snapshot, known, held);
        else if (!isFlow) origin |= FileOrigin.Engine;
        foreach (var file in changes.Added) Track(file, file.IsData ? origin : FileOrigin.None, step);
    }

    /// <summary>
    /// The files that the snapshot removed, each once: a file that was listed twice by mistake has two entries. An entry that names
    /// the snapshot which added the file counts as well while the file is followed: some writers keep that id.
    /// </summary>
    private List<ListedFile> Removed(Snapshot snapshot, SnapshotChanges.Known changes) =>
        [.. changes.Removed.Where(file => file.SnapshotId == snapshot.Id || _tracked.TryGetValue(file.Key, out var tracked) && tracked.File.SnapshotId == file.SnapshotId).DistinctBy(file => file.Key)];

    /// <summary>A commit of the flow adds files; a replay also removes those of the commits that it replaces, all of them and no others.</summary>
    private void ApplyOwn(ChainLink link, SnapshotChanges.Known changes, int step)
    {
        var expected = link.Ledger.Replay?.Replaced ?? default;
        var removed = Removed(link.Snapshot!, changes);
        var removedRows = removed.Sum(file => file.RowCount);
        if (link.HasPositions && (removed.Count != expected.AddedFileCount || removedRows != expected.AddedRowCount))
        {
            findings.Violation(FindingCode.Replay, link.Name, $"{Quantity.Of(expected.AddedRowCount, "row")} in {Quantity.Of(expected.AddedFileCount, "file")} removed, those of the commits that it replaced", $"{Quantity.Of(removedRows, "row")} in {Quantity.Of(removed.Count, "file")}",
                "Files of the flow left the table without having been read again, or stayed although they were: roll the table back to before this commit.");
        }
        foreach (var file in removed) _tracked.Remove(file.Key);
        foreach (var file in changes.Added) Track(file, FileOrigin.Flow, step);
    }

    /// <remarks>
    /// A file that is followed already may be added again: where it had vanished before, that is the way to bring it back. Where it
    /// is listed twice now, <see cref="TableFilesCheck"/> says so.
    /// </remarks>
    private void Track(ListedFile file, FileOrigin origin, int step)
    {
        if (_tracked.TryGetValue(file.Key, out var before)) origin |= before.Origin;
        _tracked[file.Key] = new TrackedFile(file, origin, step);
    }

    /// <summary>The manifests of a snapshot are gone: what it did is known by its summary only.</summary>
    private void PassUnknown(Snapshot snapshot, ChainLink? link, SnapshotChanges.Unknown unknown, int step, bool isExpired)
    {
        Begin = null;
        // One manifest may be listed by many snapshots.
        if (!isExpired && !unknown.IsUnsupported && _unreadable.Add(unknown.Reason))
        {
            findings.Violation(FindingCode.SnapshotUnreadable, $"snapshot {snapshot.Id} ({RewriteCheck.Operation(snapshot)})", "a manifest list and manifests that can be read, because the table's metadata still holds the snapshot", unknown.Reason,
                "Somebody deleted or changed files that the table needs for rollback, time travel and this proof: bring them back from a backup, or expire the snapshot with an engine if it is not the current one.");
        }
        if (link is null) _expired.Pass(snapshot, step < history.Steps.Count - 1 ? history.Steps[step + 1].Snapshot : null, step);
    }

    /// <summary>From here on every file is followed exactly.</summary>
    private async ValueTask BeginAsync(Snapshot snapshot, int step, CancellationToken cancellationToken)
    {
        if (step == history.Steps.Count - 1 && history.MissingSnapshotId is null)
        {
            Begin = new ListingBegin(null, default);
            return;
        }
        IReadOnlyList<ListedFile> live;
        try
        {
            live = step == 0 ? await history.LiveFilesAsync(cancellationToken) : await history.LiveFilesAsync(snapshot, cancellationToken);
        }
        catch (Exception unreadable) when (step > 0 && unreadable is InvalidTableException or UnsupportedTableException)
        {
            PassUnknown(snapshot, _own.GetValueOrDefault(snapshot.Id), new SnapshotChanges.Unknown(unreadable.Message, unreadable is UnsupportedTableException), step, isExpired: false);
            return;
        }
        Begin = new ListingBegin(snapshot, FileCounts.Of(live));
        var listed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in live)
        {
            listed.Add(file.Key);
            if (!_tracked.ContainsKey(file.Key)) _tracked.Add(file.Key, new TrackedFile(file, OriginOf(file), step));
        }
        foreach (var (key, tracked) in _tracked.Where(pair => !listed.Contains(pair.Key)).ToList())
        {
            _tracked.Remove(key);
            if (_replaced.Contains(tracked.File.SnapshotId) || _expired.MayExplain(tracked)) continue;
            ReportVanished(tracked, $"snapshot {snapshot.Id} does not list it");
        }
        _expired.Finish(ReportVanished);
    }

    private FileOrigin OriginOf(ListedFile file)
    {
        if (!file.IsData) return FileOrigin.None;
        if (_own.ContainsKey(file.SnapshotId)) return FileOrigin.Flow;
        _writers ??= history.Steps.ToDictionary(step => step.Snapshot.Id, step => step.Snapshot.Operation == "append" ? step.Snapshot.Summary.GetValueOrDefault(LedgerKeys.Writer, "") : null);
        return _writers.GetValueOrDefault(file.SnapshotId) switch
        {
            null => FileOrigin.Unknown,
            "" => FileOrigin.Engine,
            _ => FileOrigin.None,
        };
    }

    /// <summary>What is followed must be just what the current snapshot lists.</summary>
    private async ValueTask<IReadOnlyList<TrackedFile>> SettleAsync(CancellationToken cancellationToken)
    {
        var live = new List<TrackedFile>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in await history.LiveFilesAsync(cancellationToken))
        {
            if (!seen.Add(file.Key)) continue;
            var isTracked = _tracked.Remove(file.Key, out var tracked);
            live.Add(isTracked ? tracked with { File = file } : new TrackedFile(file, OriginOf(file), 0));
            if (_replaced.Contains(file.SnapshotId))
            {
                findings.Violation(FindingCode.Replay, file.Path, $"no longer listed: a replay replaced the commit of snapshot {file.SnapshotId}, which added it", $"still listed, with {Quantity.Of(file.RowCount, "row")}",
                    "Its rows are there twice: roll the table back to before the snapshot that listed it again, or rewrite the file away with another engine.");
            }
            else if (!isTracked)
            {
                findings.Violation(FindingCode.FileUnexplained, file.Path, "added by a snapshot of the current history", $"listed with {file.RowCount} {(file.IsData ? "rows" : "deletes")} by the current snapshot, and no snapshot since {Begin?.Snapshot?.Id.ToString() ?? "the first"} added it or had it",
                    "Somebody edited manifests or metadata: find out what the file holds, and roll the table back to before it was listed, or remove the file with another engine if its rows are there twice.");
            }
        }
        foreach (var tracked in _tracked.Values)
            if (!_replaced.Contains(tracked.File.SnapshotId)) ReportVanished(tracked, "no manifest of the current snapshot lists it");
        _tracked.Clear();
        return live;
    }

    private void ReportVanished(TrackedFile tracked, string found)
    {
        var file = tracked.File;
        if (file.IsData)
            findings.Violation(FindingCode.FileUnlisted, file.Path, $"listed by the current snapshot: snapshot {file.SnapshotId} added it with {Quantity.Of(file.RowCount, "row")}, and no snapshot removed it", found, Vanished);
        else
            findings.Violation(FindingCode.DeleteFileUnlisted, file.Path, $"listed by the current snapshot: snapshot {file.SnapshotId} added it with {Quantity.Of(file.RowCount, "delete")}, and no snapshot removed it", found, "Rows that another engine deleted are there again: roll the table back to before it vanished, or delete them again.");
    }

    private void ReportVanished(long files, long explained)
    {
        findings.Violation(FindingCode.FileUnlisted, Quantity.Of(files, "file"), $"at most {Quantity.Of(explained, "file")} removed by the snapshots whose manifests have expired, as their summaries say", $"{Quantity.Of(files, "file")} no longer listed",
            "Rows are lost to readers: compare the snapshots' summaries (matih table snapshots) with the files that the table lists, and roll the table back to before they vanished.");
    }
}
