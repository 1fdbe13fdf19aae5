using System.Runtime.CompilerServices;
using Matih.Storage;

namespace Matih.Engine.Tests.Maintenance.Orphans;

/// <summary>A store in memory whose own clock says when objects were written.</summary>
internal sealed class DatedStore(Func<DateTimeOffset> now) : IStore
{
    private readonly SortedDictionary<string, (byte[] Content, DateTimeOffset WrittenAt)> _objects = new(StringComparer.Ordinal);
    private readonly List<(string Prefix, Func<Task> Act)> _after = [];

    /// <summary>Whether listings say when objects were written.</summary>
    public bool TellsTimes { get; set; } = true;

    /// <summary>Deletions of these places fail.</summary>
    public Func<string, bool> RefusesDeletion { get; set; } = _ => false;

    public int ChangeCount { get; private set; }

    /// <summary>What is asked for at these places is reached at others, as over a link.</summary>
    public (string From, string To)? Link { get; set; }

    public IEnumerable<string> Places => _objects.Keys;

    /// <summary>Runs once, after the next listing of exactly that prefix is through.</summary>
    public void AfterList(string prefix, Func<Task> act) => _after.Add((prefix, act));

    public void Write(string location, ReadOnlyMemory<byte> content, DateTimeOffset? at = null)
    {
        ChangeCount++;
        _objects[Place(location)] = (content.ToArray(), at ?? now());
    }

    public bool Holds(string location) => _objects.ContainsKey(Place(location));

    public ValueTask<IObjectWriter> CreateAsync(string location, CancellationToken cancellationToken) => new(new Writer(this, location));

    public ValueTask<bool> PutIfAbsentAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        if (Holds(location)) return new(false);
        Write(location, content);
        return new(true);
    }

    public ValueTask PutAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        Write(location, content);
        return default;
    }

    public ValueTask<byte[]?> ReadAsync(string location, CancellationToken cancellationToken) => new(_objects.TryGetValue(Place(location), out var item) ? item.Content : null);

    public ValueTask<byte[]> ReadRangeAsync(string location, long offset, int count, CancellationToken cancellationToken) =>
        _objects.TryGetValue(Place(location), out var item) ? new(item.Content.AsSpan((int)offset, count).ToArray()) : throw RangeFault.Absent(location);

    public ValueTask<long?> LengthAsync(string location, CancellationToken cancellationToken) => new(_objects.TryGetValue(Place(location), out var item) ? item.Content.Length : null);

    public async IAsyncEnumerable<StoredObject> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var place = Place(prefix);
        foreach (var (found, item) in _objects.Where(pair => pair.Key.StartsWith(place, StringComparison.Ordinal)).ToList())
            yield return new StoredObject(prefix + found[place.Length..], item.Content.Length, TellsTimes ? item.WrittenAt : default);
        if (_after.FindIndex(after => after.Prefix == prefix) is var index and >= 0)
        {
            var act = _after[index].Act;
            _after.RemoveAt(index);
            await act();
        }
    }

    public ValueTask DeleteAsync(string location, CancellationToken cancellationToken)
    {
        if (RefusesDeletion(location)) throw new StoreException(StoreFailureKind.Refused, location, "403 Forbidden");
        ChangeCount++;
        _objects.Remove(Place(location));
        return default;
    }

    private string Place(string location)
    {
        var plain = StoreLocation.Plain(location);
        return Link is var (from, to) && plain.StartsWith(from, StringComparison.Ordinal) ? to + plain[from.Length..] : plain;
    }

    private sealed class Writer(DatedStore store, string location) : IObjectWriter
    {
        private readonly MemoryStream _content = new();

        public long PositionBytes => _content.Length;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            _content.Write(bytes.Span);
            return default;
        }

        public ValueTask CompleteAsync(CancellationToken cancellationToken)
        {
            store.Write(location, _content.ToArray());
            return default;
        }

        public ValueTask DisposeAsync() => default;
    }
}
