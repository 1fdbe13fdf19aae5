using Matih.Connectors;
using Matih.Engine.Tests.Storage;
using Matih.Storage;

namespace Matih.Engine.Tests.Connectors;

public sealed class LocationStoreTests : StoreContract, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    protected override string Folder => $"{_folder.Path}/";

    protected override int LargeBytes => 200_000;

    protected override IStore Open() => OpenLocal();

    private static LocationStore OpenLocal() => new(kind => kind == StoreKind.Local ? new LocalStore(new SeededIdSource(Random.Shared.Next())) : throw new InvalidOperationException($"Nobody asked for {kind}."));

    [Fact]
    public async Task What_was_assigned_to_a_folder_serves_it_and_the_longest_folder_counts()
    {
        var (outer, inner, store) = (new NamedStore("outer"), new NamedStore("inner"), OpenLocal());
        store.Assign("s3://b/t", outer);
        store.Assign("s3a://b/t/deep/", inner);

        Assert.Equal("outer"u8.ToArray(), await store.ReadAsync("s3n://b/t/x", CancellationToken.None));
        Assert.Equal("inner"u8.ToArray(), await store.ReadAsync("s3://b/t/deep/x", CancellationToken.None));
        Assert.Equal("outer"u8.ToArray(), await store.ReadAsync("s3://b/t/deeper/x", CancellationToken.None));
        store.Assign("s3://b/t", inner);
        Assert.Equal("inner"u8.ToArray(), await store.ReadAsync("s3://b/t/x", CancellationToken.None));
        Assert.Equal("Nobody asked for S3.", (await Assert.ThrowsAsync<InvalidOperationException>(async () => await store.ReadAsync("s3://b/tt/x", CancellationToken.None))).Message);
    }

    /// <summary>Every object's content is the store's name.</summary>
    private sealed class NamedStore(string name) : IStore
    {
        public ValueTask<byte[]?> ReadAsync(string location, CancellationToken cancellationToken) => new(System.Text.Encoding.UTF8.GetBytes(name));

        public ValueTask<IObjectWriter> CreateAsync(string location, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<bool> PutIfAbsentAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask PutAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<byte[]> ReadRangeAsync(string location, long offset, int count, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<long?> LengthAsync(string location, CancellationToken cancellationToken) => throw new NotSupportedException();

        public IAsyncEnumerable<StoredObject> ListAsync(string prefix, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask DeleteAsync(string location, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
