using Matih.Definition;

namespace Matih.Fixtures;

/// <summary>Definitions' settings that open an Azurite's account.</summary>
public static class AzuriteAccess
{
    extension(Azurite azurite)
    {
        /// <summary>The settings that open the account with its key.</summary>
        public AzureAccess KeyAccess(Uri? server = null) => new()
        {
            Endpoint = Url(Azurite.EndpointAt(server ?? azurite.Server)),
            Credential = AzureCredentialKind.AccountKey,
            AccountKey = new Secret(Azurite.Key),
        };

        public AzureAccess SasAccess(string sas) => new() { Endpoint = Url(Azurite.EndpointAt(azurite.Server)), Credential = AzureCredentialKind.SasToken, SasToken = new Secret(sas) };

        public AzureAccess TextAccess() => new()
        {
            Credential = AzureCredentialKind.ConnectionString,
            ConnectionString = new Secret(azurite.ConnectionString),
        };
    }

    private static EndpointUrl Url(Uri uri) => EndpointUrl.TryParse(uri.AbsoluteUri, out var url) ? url! : throw new ArgumentException($"{uri} is no endpoint.", nameof(uri));
}
