using System.Collections.Concurrent;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Specialized;
using Matih.Definition;
using Matih.Storage;

namespace Matih.Connectors.Azure;

/// <summary>Makes the SDK's clients, each with the credential of its account. Thread-safe.</summary>
/// <param name="sas">Gives the SAS token of an account, by its host, for one request; null where the settings have the credential.</param>
internal sealed class AzureAccounts(
    AzureAccess access, AzureConnection connection, Func<string, CancellationToken, ValueTask<string>>? sas, Func<string, string?> variable, HttpMessageHandler? handler, RedactedText redaction)
{
    private const string Scope = "https://storage.azure.com/.default";

    /// <summary>One for the process: it holds the connections. A name is asked for again after five minutes.</summary>
    private static readonly HttpPipelineTransport Shared = TransportOf(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    });

    private readonly HttpPipelineTransport _transport = handler is null ? Shared : TransportOf(handler);
    private readonly ConcurrentDictionary<(string ServiceUri, string? Name), Account> _accounts = new();

    public BlockBlobClient Blob(AzureLocation location)
    {
        var account = Of(location);
        return account.Key is { } key ? new(location.BlobUri, key, account.Options) : new(location.BlobUri, account.Options);
    }

    public BlobContainerClient Container(AzureLocation location)
    {
        var account = Of(location);
        return account.Key is { } key ? new(location.ContainerUri, key, account.Options) : new(location.ContainerUri, account.Options);
    }

    private Account Of(AzureLocation location)
    {
        var key = (location.ServiceUri, location.Account);
        return _accounts.TryGetValue(key, out var account) ? account : _accounts.GetOrAdd(key, Make(location));
    }

    private Account Make(AzureLocation location)
    {
        var options = new BlobClientOptions(BlobClientOptions.ServiceVersion.V2023_11_03)
        {
            Transport = _transport,
            // With "Expect: 100-continue" the transport sends a request again whose connection ends without an answer.
            Request100ContinueOptions = new Request100ContinueOptions { Mode = Request100ContinueMode.Never },
        };
        // Each request is sent once; whoever calls decides whether again, and how long it may take.
        options.Retry.MaxRetries = 0;
        options.Retry.NetworkTimeout = TimeSpan.FromHours(4);
        options.Diagnostics.ApplicationId = "matih";
        options.Diagnostics.IsLoggingEnabled = false;
        if (sas is not null || connection.Sas is not null)
        {
            var host = location.AccountHost;
            options.AddPolicy(new SasPolicy(sas is null ? _ => new(connection.Sas!.Reveal()) : token => sas(host, token), redaction), HttpPipelinePosition.PerRetry);
            return new(options, null);
        }
        if (connection.Key is { } key) return new(options, KeyOf(location, key));
        if (!location.ServiceUri.StartsWith("https:", StringComparison.OrdinalIgnoreCase))
            throw new StoreException(StoreFailureKind.Refused, location.ToString(), $"A token of an identity is not sent to {location.ServiceUri}, which is not https. Use an https endpoint, or another credential.");
        var credential = AzureCredentials.Of(access, location.AccountHost, variable, handler is null ? null : _transport);
        options.AddPolicy(new BearerTokenAuthenticationPolicy(credential, Scope), HttpPipelinePosition.PerRetry);
        return new(options, null);
    }

    private static StorageSharedKeyCredential KeyOf(AzureLocation location, Secret key)
    {
        if (location.Account is null) throw Refused("the account that it is for is not known: take locations with the account's name");
        try
        {
            return new(location.Account, key.Reveal());
        }
        catch (FormatException)
        {
            throw Refused("it is not Base64");
        }

        StoreException Refused(string reason) => new(StoreFailureKind.Refused, location.ToString(), $"The account key of the catalog's settings cannot be used: {reason}.");
    }

    private static HttpClientTransport TransportOf(HttpMessageHandler handler) => new(new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan });

    /// <param name="Key">Signs requests; null where a policy of the options shows the credential.</param>
    private sealed record Account(BlobClientOptions Options, StorageSharedKeyCredential? Key);

    /// <summary>Adds a SAS token to a request as it is sent, so that it stands in no address before.</summary>
    private sealed class SasPolicy(Func<CancellationToken, ValueTask<string>> source, RedactedText redaction) : HttpPipelinePolicy
    {
        public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
        {
            var token = (await source(message.CancellationToken)).TrimStart('?');
            redaction.HideSas(token);
            var query = message.Request.Uri.Query;
            message.Request.Uri.Query = query.Length <= 1 ? "?" + token : $"{query}&{token}";
            await ProcessNextAsync(message, pipeline);
        }

        public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => throw new NotSupportedException("Requests are asynchronous.");
    }
}
