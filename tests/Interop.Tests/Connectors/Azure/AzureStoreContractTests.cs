using Matih.Connectors.Azure;
using Matih.Definition;
using Matih.Engine.Tests.Storage;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Storage;

namespace Matih.Interop.Tests.Connectors.Azure;

/// <summary>The contract of stores, kept against Azurite; in a class for each credential that it knows.</summary>
public abstract class AzureStoreContract(SharedAzurite shared) : StoreContract, IAsyncLifetime
{
    private Azurite _azurite = null!;
    private string _folder = "";

    protected abstract AzureAccess Access(Azurite azurite);

    protected override string Folder => _folder;

    /// <summary>Three blocks, the last of which is not full.</summary>
    protected override int LargeBytes => 20_000_001;

    protected override IStore Open() => new AzureBlobStore(Access(_azurite), new SystemIdSource(), TimeProvider.System) { PageObjects = PageObjects };

    public async ValueTask InitializeAsync()
    {
        _azurite = await shared.StartedAsync();
        _folder = $"abfss://{await _azurite.NewContainerAsync()}@{Azurite.Account}.dfs.core.windows.net/warehouse/db/t/";
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return default;
    }
}

public sealed class AzureKeyStoreContractTests(SharedAzurite shared) : AzureStoreContract(shared)
{
    protected override AzureAccess Access(Azurite azurite) => azurite.KeyAccess();
}

public sealed class AzureSasStoreContractTests(SharedAzurite shared) : AzureStoreContract(shared)
{
    protected override AzureAccess Access(Azurite azurite) => azurite.SasAccess(azurite.AccountSas());
}

public sealed class AzureTextStoreContractTests(SharedAzurite shared) : AzureStoreContract(shared)
{
    protected override AzureAccess Access(Azurite azurite) => azurite.TextAccess();
}
