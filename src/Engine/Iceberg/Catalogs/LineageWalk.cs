using System.Globalization;
using System.Runtime.CompilerServices;
using Matih.Iceberg.Metadata;

namespace Matih.Iceberg.Catalogs;

/// <summary>One step back through a table's history.</summary>
internal abstract record LineageStep
{
    private LineageStep() { }

    /// <summary>An ancestor; <paramref name="IsExpired"/> where only an older metadata file still names it.</summary>
    public sealed record Found(Snapshot Snapshot, bool IsExpired) : LineageStep;

    /// <summary>
    /// An ancestor that no metadata file names any more, or the last one that is known where not even the id of its parent is:
    /// what lies before is unknown.
    /// </summary>
    public sealed record Missing(SnapshotId SnapshotId) : LineageStep;
}

/// <summary>
/// Walks from the branch's newest snapshot back to the first. Ancestors that have expired are looked up in the older metadata files
/// of the metadata log, the newest first, and only when they are needed.
/// </summary>
internal static class LineageWalk
{
    /// <summary>The current snapshot and its ancestors, newest first; ends after the first snapshot, or after a missing one.</summary>
    /// <remarks>
    /// Some engines take the parent out of the snapshots that they keep when they expire older ones (seen with PyIceberg 0.12).
    /// So a snapshot without a parent that is not the table's first is looked up in the older metadata files as well.
    /// </remarks>
    public static async IAsyncEnumerable<LineageStep> WalkAsync(Table table, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var older = new OlderSnapshots(table);
        var seen = new HashSet<SnapshotId>();
        for (var next = table.HeadId; next is { } id && seen.Add(id);)
        {
            var known = table.Metadata.FindSnapshot(id);
            if ((known ?? await older.FindAsync(id, withParent: false, cancellationToken)) is not { } snapshot)
            {
                yield return new LineageStep.Missing(id);
                yield break;
            }
            yield return new LineageStep.Found(snapshot, IsExpired: known is null);
            next = snapshot.ParentId;
            // Snapshots of version 1 all have 0.
            if (next is not null || snapshot.SequenceNumber == 1) continue;
            next = (await older.FindAsync(id, withParent: true, cancellationToken))?.ParentId;
            if (next is null && older.OldestHolds(id) && HadFilesBefore(snapshot)) yield return new LineageStep.Missing(id);
        }
    }

    /// <summary>Whether its summary says that the table held more files than it added.</summary>
    private static bool HadFilesBefore(Snapshot snapshot)
    {
        return Number("total-data-files") > Number("added-data-files") || Number("total-records") > Number("added-records");

        long Number(string name) => long.TryParse(snapshot.Summary.GetValueOrDefault(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
    }

    /// <summary>An older metadata file of the same table; null where it is gone, or is of another table.</summary>
    public static async ValueTask<TableMetadata?> LoadMetadataAsync(Table table, string location, CancellationToken cancellationToken)
    {
        if (await table.Store.ReadAsync(location, cancellationToken) is not { } bytes) return null;
        var metadata = TableMetadataJson.Read(bytes, location);
        return metadata.TableUuid == table.Metadata.TableUuid ? metadata : null;
    }

    /// <summary>Snapshots as the older metadata files have them; the files are read, newest first, only as far as they are needed.</summary>
    private sealed class OlderSnapshots(Table table)
    {
        private readonly Queue<MetadataLogEntry> _unread = new(table.Metadata.MetadataLog.Reverse());
        private readonly Dictionary<SnapshotId, Snapshot> _found = [];
        private TableMetadata _oldest = table.Metadata;

        /// <summary>The newest version of a snapshot, or the newest with a parent; null where no file has one.</summary>
        public async ValueTask<Snapshot?> FindAsync(SnapshotId id, bool withParent, CancellationToken cancellationToken)
        {
            Snapshot? found;
            while (!(_found.TryGetValue(id, out found) && (!withParent || found.ParentId is not null)) && _unread.TryDequeue(out var entry))
            {
                if (await LoadMetadataAsync(table, entry.MetadataFile, cancellationToken) is not { } metadata) continue;
                _oldest = metadata;
                foreach (var item in metadata.Snapshots)
                    if (!_found.TryGetValue(item.Id, out var newer) || newer.ParentId is null) _found[item.Id] = item;
            }
            return found;
        }

        /// <summary>Whether the oldest metadata file that could be read has the snapshot, so that nothing tells how it began.</summary>
        public bool OldestHolds(SnapshotId id) => _oldest.FindSnapshot(id) is not null;
    }
}
