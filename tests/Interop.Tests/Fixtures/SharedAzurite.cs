using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Sas;
using Matih.Definition;

[assembly: AssemblyFixture(typeof(Matih.Fixtures.SharedAzurite))]

namespace Matih.Fixtures;

/// <summary>
/// The one Azurite of a test run: Microsoft's own stand-in for Azure Blob Storage. It starts on first use and ends with the
/// run. Take a fresh container per test.
/// </summary>
public sealed class SharedAzurite : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private Task<Azurite>? _azurite;

    /// <summary>The running server. Skips the test where the test tools are declined.</summary>
    public Task<Azurite> StartedAsync()
    {
        if (SharedTools.IsDeclined) Assert.Skip("needs Azurite, which npm installs; test tools are declined by MATIH_SHARED=none");
        lock (_lock) return _azurite ??= Azurite.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_azurite is { IsCompletedSuccessfully: true }) await _azurite.Result.DisposeAsync();
    }
}

/// <summary>A running Azurite with its one account.</summary>
public sealed class Azurite : IAsyncDisposable
{
    public const string Account = "devstoreaccount1";

    /// <summary>The key that every Azurite has; it is public.</summary>
    public const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private readonly ExternalProcess _process;
    private readonly string _folder;
    private readonly StorageSharedKeyCredential _credential = new(Account, Key);
    private int _containerCount;

    private Azurite(ExternalProcess process, string folder, Uri server) => (_process, _folder, Server) = (process, folder, server);

    /// <summary>Where the server listens.</summary>
    public Uri Server { get; }

    /// <summary>The account's blob address, at this server or at a proxy before it.</summary>
    public static Uri EndpointAt(Uri server) => new(server, Account);

    public static async Task<Azurite> StartAsync()
    {
        var package = await NodePackages.EnsureAsync("azurite", "3.37.0");
        var folder = TemporaryDirectory.NewUnowned();
        var process = ExternalProcess.Start(
            "node",
            [
                Path.Combine(package, "node_modules", "azurite", "dist", "src", "blob", "main.js"),
                "--blobHost", "127.0.0.1", "--blobPort", "0", "--location", folder, "--silent", "--disableTelemetry", "--skipApiVersionCheck",
            ]);
        try
        {
            const string ready = "successfully listens on ";
            var line = await process.Output.WaitForAsync(ready);
            return new Azurite(process, folder, new Uri(line[(line.IndexOf(ready, StringComparison.Ordinal) + ready.Length)..].Trim()));
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>Creates an empty container and gives its name.</summary>
    public async Task<string> NewContainerAsync()
    {
        var name = $"c{Interlocked.Increment(ref _containerCount)}-{Guid.NewGuid():N}";
        await Service().CreateBlobContainerAsync(name);
        return name;
    }

    /// <summary>The SDK itself, to see and to prepare what a test needs.</summary>
    public BlobServiceClient Service() => new(EndpointAt(Server), _credential, new BlobClientOptions(BlobClientOptions.ServiceVersion.V2023_11_03));

    /// <summary>A SAS token for a container.</summary>
    public string Sas(string container, BlobContainerSasPermissions permissions, TimeSpan? validFor = null)
    {
        var builder = new BlobSasBuilder(permissions, DateTimeOffset.UtcNow + (validFor ?? TimeSpan.FromHours(2))) { BlobContainerName = container, Resource = "c" };
        return builder.ToSasQueryParameters(_credential).ToString();
    }

    /// <summary>A SAS token for the whole account, with every permission on blobs.</summary>
    public string AccountSas()
    {
        var builder = new AccountSasBuilder(AccountSasPermissions.All, DateTimeOffset.UtcNow.AddHours(2), AccountSasServices.Blobs, AccountSasResourceTypes.All);
        return builder.ToSasQueryParameters(_credential).ToString();
    }

    /// <summary>The settings that open the account with its key.</summary>
    public AzureAccess KeyAccess(Uri? server = null) => new()
    {
        Endpoint = Url(EndpointAt(server ?? Server)),
        Credential = AzureCredentialKind.AccountKey,
        AccountKey = new Secret(Key),
    };

    public AzureAccess SasAccess(string sas) => new() { Endpoint = Url(EndpointAt(Server)), Credential = AzureCredentialKind.SasToken, SasToken = new Secret(sas) };

    public AzureAccess TextAccess() => new()
    {
        Credential = AzureCredentialKind.ConnectionString,
        ConnectionString = new Secret($"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint={EndpointAt(Server)};"),
    };

    public static EndpointUrl Url(Uri uri) => EndpointUrl.TryParse(uri.AbsoluteUri, out var url) ? url! : throw new ArgumentException($"{uri} is no endpoint.", nameof(uri));

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        TemporaryDirectory.Delete(_folder);
    }
}
