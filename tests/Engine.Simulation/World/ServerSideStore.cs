using Matih.Storage;

namespace Matih.Engine.Simulation.World;

/// <summary>The store without a network between: for the auditor, for other writers and for a catalog's server. Every call completes at once, and objects that met with an accident are what they were.</summary>
internal sealed class ServerSideStore(StoreServer server) : IStore
{
    public ValueTask<IObjectWriter> CreateAsync(string location, CancellationToken cancellationToken) => new(new Writer(server, location));

    public ValueTask<bool> PutIfAbsentAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => new(server.PutIfAbsent(location, content.ToArray()));

    public ValueTask PutAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        server.Put(location, content.ToArray());
        return default;
    }

    public ValueTask<byte[]?> ReadAsync(string location, CancellationToken cancellationToken) => new(server.Lost.GetValueOrDefault(location) ?? server.Read(location));

    public ValueTask<byte[]> ReadRangeAsync(string location, long offset, int count, CancellationToken cancellationToken) =>
        new((server.Read(location) ?? throw RangeFault.Absent(location)).AsSpan((int)offset, count).ToArray());

    public ValueTask<long?> LengthAsync(string location, CancellationToken cancellationToken) => new(server.Read(location)?.LongLength);

    public async IAsyncEnumerable<StoredObject> ListAsync(string folder, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await ValueTask.CompletedTask;
        foreach (var item in server.List(folder)) yield return item;
    }

    public ValueTask DeleteAsync(string location, CancellationToken cancellationToken)
    {
        server.Delete(location);
        return default;
    }

    private sealed class Writer(StoreServer server, string location) : IObjectWriter
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
            server.Put(location, _content.ToArray());
            return default;
        }

        public ValueTask DisposeAsync() => default;
    }
}
