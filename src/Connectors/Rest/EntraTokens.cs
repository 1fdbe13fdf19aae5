using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;
using Matih.Connectors.Azure;
using Matih.Definition;

namespace Matih.Connectors.Rest;

/// <summary>Tokens of Microsoft Entra ID for the identity of a catalog's Azure access.</summary>
internal static class EntraTokens
{
    /// <summary>Makes the credential when it is asked for the first time.</summary>
    /// <param name="host">Of the catalog, which says in which cloud identities are.</param>
    /// <param name="transport">Null takes the SDK's.</param>
    public static Func<string, CancellationToken, ValueTask<IssuedToken>> Of(AzureAccess access, string host, TimeProvider clock, HttpPipelineTransport? transport = null)
    {
        TokenCredential? credential = null;
        var redaction = new RedactedText(access.ClientSecret);
        return async (scope, cancellationToken) =>
        {
            credential ??= Create(access, host, transport);
            try
            {
                var token = await credential.GetTokenAsync(new TokenRequestContext([scope]), cancellationToken);
                return new IssuedToken(token.Token, token.ExpiresOn - clock.GetUtcNow());
            }
            catch (AuthenticationFailedException e)
            {
                var fault = AzureFault.OfToken(e);
                throw new CatalogException($"Microsoft Entra ID gave no token for {scope}: {redaction.Of(fault.Reason)}.", fault.Remedy!, redaction.Kept(e));
            }
        };
    }

    private static TokenCredential Create(AzureAccess access, string host, HttpPipelineTransport? transport) =>
        access.Credential is AzureCredentialKind.SasToken or AzureCredentialKind.ConnectionString or AzureCredentialKind.AccountKey
            ? throw new UnsupportedTableException(
                $"The catalog wants a token of Microsoft Entra ID, which the credential {access.Credential} of its settings for Azure cannot give. Choose managed_identity, workload_identity or client_secret.")
            : AzureCredentials.Of(access, host, Environment.GetEnvironmentVariable, transport);
}
