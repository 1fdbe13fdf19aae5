using System.Collections;
using System.Runtime.CompilerServices;

namespace Matih.Iceberg.Metadata;

/// <summary>The snapshots of a table in the order of its metadata, the newest last. Immutable; adding one copies none.</summary>
[CollectionBuilder(typeof(SnapshotList), nameof(Create))]
public sealed class SnapshotList : IReadOnlyList<Snapshot>
{
    private SnapshotList(JsonJournal<Snapshot> journal) => Journal = journal;

    internal JsonJournal<Snapshot> Journal { get; }

    public int Length => Journal.Count;

    int IReadOnlyCollection<Snapshot>.Count => Length;

    public bool IsEmpty => Length == 0;

    public Snapshot this[int index] => Journal[index];

    public static SnapshotList Create(ReadOnlySpan<Snapshot> snapshots)
    {
        var items = snapshots.ToArray();
        return new(JsonJournal<Snapshot>.Create(items, [.. items.Select(snapshot => snapshot.Source)], snapshot => snapshot.Id));
    }

    internal static SnapshotList Of(JsonJournal<Snapshot> journal) => new(journal);

    public SnapshotList Add(Snapshot snapshot) => new(Journal.Add(snapshot, snapshot.Source));

    /// <summary>The snapshot of that id, the last where there are several; null where there is none.</summary>
    public Snapshot? Find(SnapshotId id) => Journal.Find(id) is { } place ? Journal[place] : null;

    internal SnapshotList Without(IReadOnlySet<SnapshotId> gone) => new(Journal.Where(snapshot => !gone.Contains(snapshot.Id)));

    public IEnumerator<Snapshot> GetEnumerator()
    {
        for (var index = 0; index < Length; index++) yield return Journal[index];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
