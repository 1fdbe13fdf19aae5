using Matih.Storage;

namespace Matih.Engine.Tests.Storage;

public sealed class LocalStoreContractTests : StoreContract, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    protected override string Folder => $"{_folder.Path}/";

    protected override int LargeBytes => 3_000_001;

    protected override IStore Open() => new LocalStore(new SeededIdSource(Random.Shared.Next()));
}
