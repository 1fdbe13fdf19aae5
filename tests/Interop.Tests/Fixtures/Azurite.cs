using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Sas;

namespace Matih.Fixtures;

/// <summary>What of Azure Storage an Azurite serves.</summary>
public enum AzuriteServices
{
    Blob,
    BlobQueueTable,
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

    private Azurite(ExternalProcess process, string folder, Uri blob, Uri? queue, Uri? table) =>
        (_process, _folder, Server, QueueServer, TableServer) = (process, folder, blob, queue, table);

    /// <summary>Where the blob service listens.</summary>
    public Uri Server { get; }

    /// <summary>Where the queue service listens, if it was asked for.</summary>
    public Uri? QueueServer { get; }

    /// <summary>Where the table service listens, if it was asked for.</summary>
    public Uri? TableServer { get; }

    /// <summary>What opens the account with its key, in all services that run.</summary>
    public string ConnectionString => ConnectionStringAt(Server, QueueServer, TableServer);

    /// <summary>The account's address in a service, at its server or at a proxy before it.</summary>
    public static Uri EndpointAt(Uri server) => new(server, Account);

    /// <summary>What opens the account with its key at servers, or at proxies before them.</summary>
    public static string ConnectionStringAt(Uri blob, Uri? queue = null, Uri? table = null) =>
        $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint={EndpointAt(blob)};" +
        (queue is null ? "" : $"QueueEndpoint={EndpointAt(queue)};") +
        (table is null ? "" : $"TableEndpoint={EndpointAt(table)};");

    public static async Task<Azurite> StartAsync(AzuriteServices services = AzuriteServices.Blob)
    {
        var package = await NodePackages.EnsureAsync("azurite", "3.37.0");
        var folder = TemporaryDirectory.NewUnowned();
        string[] names = services == AzuriteServices.Blob ? ["blob"] : ["blob", "queue", "table"];
        var process = ExternalProcess.Start(
            "node",
            [
                Path.Combine(package, "node_modules", "azurite", "dist", "src", services == AzuriteServices.Blob ? "blob/main.js" : "azurite.js"),
                .. names.SelectMany(name => (string[])[$"--{name}Host", "127.0.0.1", $"--{name}Port", "0"]),
                "--location", folder, "--silent", "--disableTelemetry", "--skipApiVersionCheck",
            ]);
        try
        {
            var servers = new List<Uri>();
            foreach (var name in names)
            {
                // The two programs say it in different words; the address comes last.
                var line = await process.Output.WaitForAsync(
                    text => text.StartsWith($"Azurite {name} service ", StringComparison.OrdinalIgnoreCase) && text.Contains("successfully listen", StringComparison.Ordinal));
                servers.Add(new Uri(line.TrimEnd().Split(' ')[^1]));
            }
            return new Azurite(process, folder, servers[0], servers.ElementAtOrDefault(1), servers.ElementAtOrDefault(2));
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

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        TemporaryDirectory.Delete(_folder);
    }
}
