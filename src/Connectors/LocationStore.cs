using System.Buffers;
using System.Collections.Immutable;
using Matih.Storage;

namespace Matih.Connectors;

/// <summary>
/// One store for all locations: each call goes to the store that a location's scheme names, or to the one that was assigned to
/// the folder that it is in. Thread-safe.
/// </summary>
/// <param name="open">Opens the store of a kind, once, when a location of that kind is first used.</param>
public sealed class LocationStore(Func<StoreKind, IStore> open) : IStore
{
    private readonly Dictionary<StoreKind, Lazy<IStore>> _byKind = new[] { StoreKind.Local, StoreKind.S3, StoreKind.Azure }.ToDictionary(kind => kind, kind => new Lazy<IStore>(() => open(kind)));
    private ImmutableArray<(string Prefix, IStore Store)> _assigned = [];

    /// <summary>What lies in the folder is reached through that store from now on: a catalog gave credentials for it.</summary>
    public void Assign(string folder, IStore store)
    {
        var prefix = $"{StoreLocation.Plain(folder).TrimEnd('/')}/";
        ImmutableInterlocked.Update(ref _assigned, all => [(prefix, store), .. all.Where(item => item.Prefix != prefix)]);
    }

    public async ValueTask<IObjectWriter> CreateAsync(string location, CancellationToken cancellationToken)
    {
        var store = Of(location);
        return new RoutedWriter(store, await store.CreateAsync(location, cancellationToken));
    }

    public async ValueTask PrepareAsync(IReadOnlyList<string> locations, CancellationToken cancellationToken)
    {
        foreach (var group in locations.GroupBy(Of)) await group.Key.PrepareAsync([.. group], cancellationToken);
    }

    public async ValueTask CompleteAsync(IReadOnlyList<IObjectWriter> writers, CancellationToken cancellationToken)
    {
        foreach (var group in writers.Cast<RoutedWriter>().GroupBy(writer => writer.Store))
            await group.Key.CompleteAsync([.. group.Select(writer => writer.Inner)], cancellationToken);
    }

    public ValueTask<bool> PutIfAbsentAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => Of(location).PutIfAbsentAsync(location, content, cancellationToken);

    public ValueTask<bool> PutIfAbsentAsync(string location, ReadOnlySequence<byte> content, CancellationToken cancellationToken) => Of(location).PutIfAbsentAsync(location, content, cancellationToken);

    public ValueTask PutAsync(string location, ReadOnlySequence<byte> content, CancellationToken cancellationToken) => Of(location).PutAsync(location, content, cancellationToken);

    public ValueTask PutAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => Of(location).PutAsync(location, content, cancellationToken);

    public ValueTask<byte[]?> ReadAsync(string location, CancellationToken cancellationToken) => Of(location).ReadAsync(location, cancellationToken);

    public ValueTask<byte[]> ReadRangeAsync(string location, long offset, int count, CancellationToken cancellationToken) => Of(location).ReadRangeAsync(location, offset, count, cancellationToken);

    public ValueTask<long?> LengthAsync(string location, CancellationToken cancellationToken) => Of(location).LengthAsync(location, cancellationToken);

    public IAsyncEnumerable<StoredObject> ListAsync(string prefix, CancellationToken cancellationToken) => Of(prefix).ListAsync(prefix, cancellationToken);

    public ValueTask<IReadOnlyList<StoredObject>?> TryFindAsync(IReadOnlyList<string> locations, CancellationToken cancellationToken) => Of(locations[0]).TryFindAsync(locations, cancellationToken);

    public ValueTask DeleteAsync(string location, CancellationToken cancellationToken) => Of(location).DeleteAsync(location, cancellationToken);

    private IStore Of(string location)
    {
        var assigned = _assigned;
        if (!assigned.IsEmpty)
        {
            var plain = StoreLocation.Plain(location);
            IStore? found = null;
            var length = 0;
            foreach (var (prefix, store) in assigned)
                if (prefix.Length > length && plain.StartsWith(prefix, StringComparison.Ordinal)) (found, length) = (store, prefix.Length);
            if (found is not null) return found;
        }
        return _byKind.TryGetValue(StoreLocation.KindOf(location), out var own) ? own.Value
            : throw new StoreException(StoreFailureKind.Refused, location, $"'{location}' is in no store that is reached from here. Expected an absolute path, file:///…, s3://bucket/…, or abfss://container@account.dfs.core.windows.net/….");
    }

    private sealed class RoutedWriter(IStore store, IObjectWriter inner) : IObjectWriter
    {
        public IStore Store => store;

        public IObjectWriter Inner => inner;

        public long PositionBytes => inner.PositionBytes;

        public long BufferedBytes => inner.BufferedBytes;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => inner.WriteAsync(bytes, cancellationToken);

        public ValueTask EndAsync(CancellationToken cancellationToken) => inner.EndAsync(cancellationToken);

        public ValueTask CompleteAsync(CancellationToken cancellationToken) => inner.CompleteAsync(cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
