using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Verification;

/// <summary>
/// A table's current lineage as far back as it is still known, and the files that it lists. What each snapshot did is
/// read when it is asked for and not kept: a long history must not fill the memory. Not thread-safe.
/// </summary>
internal sealed class TableHistory
{
    private readonly List<ReadManifest> _manifests = [];
    private List<ListedFile>? _live;
    private Dictionary<SnapshotId, (long Files, long Rows)>? _liveBySnapshot;

    private TableHistory(Table table, IReadOnlyList<LineageStep.Found> steps, SnapshotId? missing)
    {
        Table = table;
        Steps = steps;
        MissingSnapshotId = missing;
    }

    public Table Table { get; }

    /// <summary>The current snapshot and its ancestors, newest first.</summary>
    public IReadOnlyList<LineageStep.Found> Steps { get; }

    /// <summary>The ancestor at which the history ends because nothing names it any more; null where all was seen.</summary>
    public SnapshotId? MissingSnapshotId { get; }

    public static async ValueTask<TableHistory> ReadAsync(Table table, CancellationToken cancellationToken)
    {
        var steps = new List<LineageStep.Found>();
        SnapshotId? missing = null;
        await foreach (var step in LineageWalk.WalkAsync(table, cancellationToken))
        {
            if (step is LineageStep.Found found) steps.Add(found);
            else if (step is LineageStep.Missing(var id)) missing = id;
        }
        return new TableHistory(table, steps, missing);
    }

    /// <summary>What each snapshot did to the files, from a step forward to the current snapshot.</summary>
    /// <param name="oldest">The index of the step to begin with; -1 gives none.</param>
    public IAsyncEnumerable<(int Step, SnapshotChanges Changes)> ChangesAsync(int oldest, CancellationToken cancellationToken) =>
        Enumerable.Range(0, oldest + 1).Reverse().ReadAheadAsync(
            _ => 0, async ValueTask<(int, SnapshotChanges)> (step, token) => (step, await SnapshotChanges.ReadAsync(Table, Steps[step].Snapshot, token)), cancellationToken);

    /// <summary>Every file that is part of the table now, delete files included, as often as manifests list it.</summary>
    /// <exception cref="InvalidTableException">A manifest of the current snapshot is gone or damaged.</exception>
    public async ValueTask<IReadOnlyList<ListedFile>> LiveFilesAsync(CancellationToken cancellationToken) =>
        _live ??= Table.Head is { } head ? await LiveFilesAsync(head, _manifests, cancellationToken) : [];

    /// <summary>The current snapshot's manifests, once its live files were read.</summary>
    public IReadOnlyList<ReadManifest> Manifests => _manifests;

    /// <summary>The same for an earlier snapshot; not kept.</summary>
    public ValueTask<List<ListedFile>> LiveFilesAsync(Snapshot snapshot, CancellationToken cancellationToken) => LiveFilesAsync(snapshot, null, cancellationToken);

    private async ValueTask<List<ListedFile>> LiveFilesAsync(Snapshot snapshot, List<ReadManifest>? seen, CancellationToken cancellationToken)
    {
        seen?.Clear();
        var live = new List<ListedFile>();
        await foreach (var (manifest, contents) in SnapshotReader.ContentsAsync(Table, await SnapshotReader.ManifestsAsync(Table, snapshot, cancellationToken), cancellationToken))
        {
            seen?.Add(ReadManifest.Of(manifest, contents));
            live.AddRange(contents.Entries.Where(entry => entry.IsLive).Select(ListedFile.Of));
        }
        return live;
    }

    /// <summary>How many data files, and rows in them, that a snapshot added are still part of the table.</summary>
    public async ValueTask<(long Files, long Rows)> LiveOfAsync(SnapshotId snapshotId, CancellationToken cancellationToken)
    {
        if (_liveBySnapshot is null)
        {
            _liveBySnapshot = [];
            foreach (var file in await LiveFilesAsync(cancellationToken))
            {
                if (!file.IsData) continue;
                var (files, rows) = _liveBySnapshot.GetValueOrDefault(file.SnapshotId);
                _liveBySnapshot[file.SnapshotId] = (files + 1, rows + file.RowCount);
            }
        }
        return _liveBySnapshot.GetValueOrDefault(snapshotId);
    }
}
