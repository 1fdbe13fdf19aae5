using Matih.Engine.Tests.Storage;
using Matih.Fixtures;
using Matih.Storage;

namespace Matih.Interop.Tests.Connectors.S3;

public sealed class MotoStoreContractTests(SharedMoto moto) : StoreContract, IAsyncLifetime
{
    private S3Server _server = null!;

    public async ValueTask InitializeAsync() => _server = await S3Server.OfAsync(moto);

    public ValueTask DisposeAsync() => default;

    protected override string Folder { get; } = S3Server.NewFolder();

    protected override int LargeBytes => 20_000_001;

    protected override string RaceReason => "moto looks for the object and then puts it, in two steps: it is no server to race on";

    protected override IStore Open() => _server.Open(pageObjects: PageObjects);
}
