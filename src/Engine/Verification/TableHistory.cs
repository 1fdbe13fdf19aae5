using Matih.Iceberg;

namespace Matih.Verification;

/// <summary>
/// A table's current lineage as far back as anything still tells of it, with what each snapshot did to the files. Read once
/// and shared by all flows that write the table. Not thread-safe.
/// </summary>
internal sealed class TableHistory
{
    private readonly Dictionary<SnapshotId, SnapshotChanges> _changes = [];
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

    /// <summary>The ancestor at which the history ends because nothing tells of it any more; null where all was seen.</summary>
    public SnapshotId? MissingSnapshotId { get; }

    public static async ValueTask<TableHistory> ReadAsync(Table table, CancellationToken cancellationToken)
    {
        var steps = new List<LineageStep.Found>();
        SnapshotId? missing = null;
        await foreach (var step in LineageReader.WalkAsync(table, cancellationToken))
        {
            if (step is LineageStep.Found found) steps.Add(found);
            else if (step is LineageStep.Missing(var id)) missing = id;
        }
        return new TableHistory(table, steps, missing);
    }

    public async ValueTask<SnapshotChanges> ChangesAsync(Snapshot snapshot, CancellationToken cancellationToken)
    {
        if (!_changes.TryGetValue(snapshot.Id, out var changes))
            _changes.Add(snapshot.Id, changes = await SnapshotChanges.ReadAsync(Table, snapshot, cancellationToken));
        return changes;
    }

    /// <summary>Every file that is part of the table now, delete files included, as often as manifests list it.</summary>
    /// <exception cref="InvalidTableException">A manifest of the current snapshot is gone or damaged.</exception>
    public async ValueTask<IReadOnlyList<ListedFile>> LiveFilesAsync(CancellationToken cancellationToken)
    {
        if (_live is not null) return _live;
        var live = new List<ListedFile>();
        if (Table.Metadata.CurrentSnapshot is { } head)
        {
            foreach (var manifest in await SnapshotReader.ManifestsAsync(Table, head, cancellationToken))
                foreach (var entry in await SnapshotReader.EntriesAsync(Table, manifest, cancellationToken))
                    if (entry.IsLive) live.Add(ListedFile.Of(entry));
        }
        return _live = live;
    }

    /// <summary>How many data files, and rows in them, that a snapshot added are still part of the table.</summary>
    public async ValueTask<(long Files, long Rows)> LiveOfAsync(SnapshotId snapshotId, CancellationToken cancellationToken)
    {
        if (_liveBySnapshot is null)
        {
            _liveBySnapshot = [];
            foreach (var file in await LiveFilesAsync(cancellationToken))
            {
                if (file.Content != FileContent.Data) continue;
                var (files, rows) = _liveBySnapshot.GetValueOrDefault(file.SnapshotId);
                _liveBySnapshot[file.SnapshotId] = (files + 1, rows + file.RowCount);
            }
        }
        return _liveBySnapshot.GetValueOrDefault(snapshotId);
    }
}
