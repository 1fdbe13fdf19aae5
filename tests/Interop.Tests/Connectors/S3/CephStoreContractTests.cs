using Matih.Engine.Tests.Storage;
using Matih.Fixtures;
using Matih.Storage;

namespace Matih.Interop.Tests.Connectors.S3;

public sealed class CephStoreContractTests(SharedCeph ceph) : StoreContract, IAsyncLifetime
{
    private S3Server _server = null!;

    public async ValueTask InitializeAsync() => _server = await S3Server.OfAsync(ceph);

    public ValueTask DisposeAsync() => default;

    protected override string Folder { get; } = S3Server.NewFolder();

    protected override int LargeBytes => 20_000_001;

    protected override IStore Open() => _server.Open(pageObjects: PageObjects);
}
