using Matih.Definition;
using Matih.Storage;

namespace Matih.Connectors.Azure;

/// <summary>What the settings of a catalog say: where the account is, and what opens it.</summary>
/// <param name="Endpoint">The account's blob address; null where each location's account has its own.</param>
/// <param name="Account">The account's name where the settings know it.</param>
/// <param name="Kind">Never <see cref="AzureCredentialKind.ConnectionString"/>, which is taken apart.</param>
internal sealed record AzureConnection(Uri? Endpoint, string? Account, AzureCredentialKind Kind, Secret? Key, Secret? Sas)
{
    /// <summary>The account and key that Azurite has from the start; they are public.</summary>
    private const string EmulatorText =
        "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;AccountName=devstoreaccount1;" +
        "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    /// <exception cref="StoreException">A credential is missing, or a connection string is none.</exception>
    public static AzureConnection Of(AzureAccess access)
    {
        var endpoint = access.Endpoint?.Reveal();
        return access.Credential switch
        {
            AzureCredentialKind.ConnectionString => OfText(Needed(access.ConnectionString, "connection string").Reveal(), endpoint),
            AzureCredentialKind.SasToken => new(endpoint, null, access.Credential, null, Needed(access.SasToken, "SAS token")),
            AzureCredentialKind.AccountKey => new(endpoint, null, access.Credential, Needed(access.AccountKey, "account key"), null),
            _ => new(endpoint, null, access.Credential, null, null),
        };
    }

    /// <remarks>Azure Storage, "Configure Azure Storage connection strings".</remarks>
    private static AzureConnection OfText(string text, Uri? endpoint)
    {
        var parts = PartsOf(text);
        if (parts.GetValueOrDefault("UseDevelopmentStorage") is "true") parts = PartsOf(EmulatorText);
        var account = parts.GetValueOrDefault("AccountName");
        if (endpoint is null && parts.GetValueOrDefault("BlobEndpoint") is { } given)
            endpoint = Uri.TryCreate(given, UriKind.Absolute, out var uri) && uri is { Scheme: "http" or "https", UserInfo: "", Query: "" } ? uri : throw Refused("its BlobEndpoint is no http or https address without credentials");
        if (endpoint is null && account is not null)
            endpoint = new Uri($"{parts.GetValueOrDefault("DefaultEndpointsProtocol", "https")}://{account}.blob.{parts.GetValueOrDefault("EndpointSuffix", "core.windows.net")}");
        if (parts.GetValueOrDefault("SharedAccessSignature") is { } sas) return new(endpoint, account, AzureCredentialKind.SasToken, null, new Secret(sas));
        if (parts.GetValueOrDefault("AccountKey") is { } key) return new(endpoint, account, AzureCredentialKind.AccountKey, new Secret(key), null);
        throw Refused("it has neither AccountKey nor SharedAccessSignature");
    }

    private static Dictionary<string, string> PartsOf(string text)
    {
        var parts = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var part in text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0) throw Refused("a part of it is not NAME=VALUE");
            parts[part[..equals]] = part[(equals + 1)..];
        }
        return parts;
    }

    private static Secret Needed(Secret? value, string what) =>
        value ?? throw new StoreException(StoreFailureKind.Refused, "", $"The catalog's settings for Azure name no {what}, which the chosen credential needs.");

    private static StoreException Refused(string reason) =>
        new(StoreFailureKind.Refused, "", $"The connection string of the catalog's settings for Azure cannot be used: {reason}. Copy it from the account's access keys.");
}
