using Matih.Storage;

namespace Matih.Interop.Tests.Connectors.Sql;

/// <summary>A store that lets nobody delete anything.</summary>
internal sealed class UndeletingStore(IStore store) : IStore
{
    public ValueTask<IObjectWriter> CreateAsync(string location, CancellationToken cancellationToken) => store.CreateAsync(location, cancellationToken);

    public ValueTask<bool> PutIfAbsentAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => store.PutIfAbsentAsync(location, content, cancellationToken);

    public ValueTask PutAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => store.PutAsync(location, content, cancellationToken);

    public ValueTask<byte[]?> ReadAsync(string location, CancellationToken cancellationToken) => store.ReadAsync(location, cancellationToken);

    public ValueTask<byte[]> ReadRangeAsync(string location, long offset, int count, CancellationToken cancellationToken) => store.ReadRangeAsync(location, offset, count, cancellationToken);

    public ValueTask<long?> LengthAsync(string location, CancellationToken cancellationToken) => store.LengthAsync(location, cancellationToken);

    public IAsyncEnumerable<StoredObject> ListAsync(string prefix, CancellationToken cancellationToken) => store.ListAsync(prefix, cancellationToken);

    public ValueTask DeleteAsync(string location, CancellationToken cancellationToken) => throw new StoreException(StoreFailureKind.Refused, location, $"'{location}' may not be deleted.");
}
