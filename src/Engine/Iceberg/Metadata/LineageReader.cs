using System.Runtime.CompilerServices;

namespace Matih.Iceberg;

/// <summary>One step back through a table's history.</summary>
public abstract record LineageStep
{
    private LineageStep() { }

    /// <summary>An ancestor; <paramref name="IsExpired"/> where only an older metadata file still tells of it.</summary>
    public sealed record Found(Snapshot Snapshot, bool IsExpired) : LineageStep;

    /// <summary>An ancestor that no metadata file tells of any more: what lies before is unknown.</summary>
    public sealed record Missing(SnapshotId SnapshotId) : LineageStep;
}

/// <summary>
/// Walks from the current snapshot back to the first. Ancestors that have expired are looked up in the older metadata files
/// of the metadata log, the newest first, and only when they are needed.
/// </summary>
public static class LineageReader
{
    /// <summary>The current snapshot and its ancestors, newest first; ends after the first snapshot, or after a missing one.</summary>
    public static async IAsyncEnumerable<LineageStep> WalkAsync(Table table, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var older = new Queue<MetadataLogEntry>(table.Metadata.MetadataLog.Reverse());
        var expired = new Dictionary<SnapshotId, Snapshot>();
        var seen = new HashSet<SnapshotId>();
        for (var next = table.Metadata.CurrentSnapshotId; next is { } id && seen.Add(id);)
        {
            var snapshot = table.Metadata.FindSnapshot(id);
            var isExpired = snapshot is null;
            while (snapshot is null && !expired.TryGetValue(id, out snapshot) && older.TryDequeue(out var entry))
            {
                if (await LoadMetadataAsync(table, entry.MetadataFile, cancellationToken) is not { } metadata) continue;
                foreach (var item in metadata.Snapshots) expired.TryAdd(item.Id, item);
            }
            if (snapshot is null)
            {
                yield return new LineageStep.Missing(id);
                yield break;
            }
            yield return new LineageStep.Found(snapshot, isExpired);
            next = snapshot.ParentId;
        }
    }

    /// <summary>An older metadata file of the same table; null where it is gone, or is of another table.</summary>
    public static async ValueTask<TableMetadata?> LoadMetadataAsync(Table table, string location, CancellationToken cancellationToken)
    {
        if (await table.Store.ReadAsync(location, cancellationToken) is not { } bytes) return null;
        var metadata = TableMetadataJson.Read(bytes, location);
        return metadata.TableUuid == table.Metadata.TableUuid ? metadata : null;
    }
}
