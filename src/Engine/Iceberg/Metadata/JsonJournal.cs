namespace Matih.Iceberg.Metadata;

/// <summary>
/// A JSON array that grows at its end: its elements, and the text that they were read from or are written as. Immutable. Versions
/// share what they have in common, so that to add an element to the newest costs the same however many there are. Thread-safe.
/// </summary>
/// <typeparam name="T">An element.</typeparam>
internal sealed class JsonJournal<T>
{
    private readonly Shared _shared;

    // Arrays of the version: the shared ones are replaced where they have to grow, and only filled behind all versions' ends.
    private readonly T[] _items;
    private readonly ReadOnlyMemory<byte>[] _texts;

    private JsonJournal(Shared shared, T[] items, ReadOnlyMemory<byte>[] texts, int count) => (_shared, _items, _texts, Count) = (shared, items, texts, count);

    public int Count { get; }

    public T this[int index] => index < Count ? _items[index] : throw new ArgumentOutOfRangeException(nameof(index));

    /// <param name="idOf">What elements are found by.</param>
    public static JsonJournal<T> Create(T[] items, ReadOnlyMemory<byte>[] texts, Func<T, SnapshotId> idOf)
    {
        var shared = new Shared(idOf) { Items = items, Texts = texts, Count = items.Length };
        return new JsonJournal<T>(shared, items, texts, items.Length);
    }

    public ReadOnlyMemory<byte> TextOf(int index) => index < Count ? _texts[index] : throw new ArgumentOutOfRangeException(nameof(index));

    public ReadOnlySpan<T> Items => _items.AsSpan(0, Count);

    public JsonJournal<T> Add(T item, ReadOnlyMemory<byte> text)
    {
        lock (_shared.Gate)
        {
            // Another commit may have been tried upon the same version: what it added is not ours.
            if (_shared.Count == Count)
            {
                if (Count == _shared.Items.Length) _shared.Grow();
                _shared.Items[Count] = item;
                _shared.Texts[Count] = text;
                _shared.Count++;
                return new JsonJournal<T>(_shared, _shared.Items, _shared.Texts, _shared.Count);
            }
        }
        return Create([.. Items, item], [.. _texts.AsSpan(0, Count), text], _shared.IdOf);
    }

    /// <summary>The elements for which the condition holds.</summary>
    public JsonJournal<T> Where(Func<T, bool> isKept)
    {
        var kept = Enumerable.Range(0, Count).Where(index => isKept(_items[index])).ToList();
        return Create([.. kept.Select(index => _items[index])], [.. kept.Select(index => _texts[index])], _shared.IdOf);
    }

    /// <summary>The place of the element of that id, the last where there are several; null where there is none.</summary>
    public int? Find(SnapshotId id)
    {
        // The newest is asked for far more often than all others.
        if (Count > 0 && _shared.IdOf(_items[Count - 1]) == id) return Count - 1;
        lock (_shared.Gate)
        {
            var places = _shared.Places;
            for (; _shared.PlacedCount < _shared.Count; _shared.PlacedCount++) places[_shared.IdOf(_shared.Items[_shared.PlacedCount])] = _shared.PlacedCount;
            if (!places.TryGetValue(id, out var place)) return null;
            if (place < Count) return place;
        }
        // A later version added one of that id; this one may have its own.
        for (var index = Count - 1; index >= 0; index--)
            if (_shared.IdOf(_items[index]) == id) return index;
        return null;
    }

    /// <summary>The elements' texts, joined by commas, in pieces that nobody changes.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Joined()
    {
        lock (_shared.Gate) return _shared.Joined.Take(Texts);
    }

    /// <summary>The same, compressed. What was compressed for an earlier version is not again.</summary>
    public IEnumerable<ZippedPart> JoinedZipped()
    {
        lock (_shared.Gate) return _shared.Joined.TakeZipped(Texts);
    }

    private ArraySegment<ReadOnlyMemory<byte>> Texts => new(_texts, 0, Count);

    private sealed class Shared(Func<T, SnapshotId> idOf)
    {
        public Lock Gate { get; } = new();

        public Func<T, SnapshotId> IdOf => idOf;

        public required T[] Items { get; set; }

        public required ReadOnlyMemory<byte>[] Texts { get; set; }

        /// <summary>How many elements the newest version has.</summary>
        public int Count { get; set; }

        /// <summary>Where each id is; filled when somebody asks.</summary>
        public Dictionary<SnapshotId, int> Places { get; } = [];

        public int PlacedCount { get; set; }

        public JsonText Joined { get; } = new();

        public void Grow()
        {
            var size = Math.Max(16, Items.Length * 2);
            var (items, texts) = (Items, Texts);
            Array.Resize(ref items, size);
            Array.Resize(ref texts, size);
            (Items, Texts) = (items, texts);
        }
    }
}
