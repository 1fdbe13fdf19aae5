using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;
using Matih.Definition;
using Matih.Storage;

namespace Matih.Connectors.Azure;

/// <summary>Azure's identities, chosen by the definition.</summary>
internal static class AzureCredentials
{
    /// <param name="variable">Gives a variable of the environment.</param>
    /// <param name="host">Of the account, which says in which cloud identities are.</param>
    /// <param name="transport">Null takes the SDK's.</param>
    public static TokenCredential Of(AzureAccess access, string host, Func<string, string?> variable, HttpPipelineTransport? transport) => access.Credential switch
    {
        AzureCredentialKind.ManagedIdentity => Managed(access, variable, transport),
        AzureCredentialKind.WorkloadIdentity => Workload(access, variable, transport),
        AzureCredentialKind.ClientSecret => new ClientSecretCredential(
            Needed(access.TenantId, "tenant"), Needed(access.ClientId, "client id"), access.ClientSecret?.Reveal() ?? Needed(null, "client secret"),
            With(new ClientSecretCredentialOptions(), host, variable, transport)),
        AzureCredentialKind.Automatic => Automatic(access, variable, transport),
        _ => throw new ArgumentOutOfRangeException(nameof(access), access.Credential, "It gives no token."),
    };

    /// <summary>
    /// Workload identity where the environment has it; else the managed identity, without a probe, where the environment says
    /// that this host has one; else the developer's tools, after the managed identity on a machine of Azure.
    /// </summary>
    /// <remarks>
    /// The SDK's own default asks a machine's identity service once, for a second; in the first seconds of a machine or under
    /// load it then takes the next kind, and the run has another identity than the day before, or none.
    /// </remarks>
    private static TokenCredential Automatic(AzureAccess access, Func<string, string?> variable, HttpPipelineTransport? transport)
    {
        if (variable("AZURE_FEDERATED_TOKEN_FILE") is { Length: > 0 }) return Workload(access, variable, transport);
        if (variable("IDENTITY_ENDPOINT") is { Length: > 0 } || variable("MSI_ENDPOINT") is { Length: > 0 }) return Managed(access, variable, transport);
        TokenCredential[] tools = [new AzureCliCredential(), new AzureDeveloperCliCredential(), new AzurePowerShellCredential()];
        return new ChainedTokenCredential(IsMachineOfAzure() ? [Managed(access, variable, transport), .. tools] : tools);
    }

    /// <summary>The identity that the definition names, else the one that the environment names, as for all of Azure's SDKs; else the host's own.</summary>
    private static ManagedIdentityCredential Managed(AzureAccess access, Func<string, string?> variable, HttpPipelineTransport? transport)
    {
        var named = access.ClientId ?? variable("AZURE_CLIENT_ID");
        var options = new ManagedIdentityCredentialOptions(
            named is { Length: > 0 } client ? ManagedIdentityId.FromUserAssignedClientId(client) : ManagedIdentityId.SystemAssigned);
        return new(Once(options, transport));
    }

    private static WorkloadIdentityCredential Workload(AzureAccess access, Func<string, string?> variable, HttpPipelineTransport? transport)
    {
        var options = new WorkloadIdentityCredentialOptions
        {
            ClientId = access.ClientId ?? Needed(variable("AZURE_CLIENT_ID"), "client id (AZURE_CLIENT_ID)"),
            TenantId = access.TenantId ?? Needed(variable("AZURE_TENANT_ID"), "tenant (AZURE_TENANT_ID)"),
            TokenFilePath = Needed(variable("AZURE_FEDERATED_TOKEN_FILE"), "token file (AZURE_FEDERATED_TOKEN_FILE)"),
        };
        return new(Once(options, transport));
    }

    private static ClientSecretCredentialOptions With(ClientSecretCredentialOptions options, string host, Func<string, string?> variable, HttpPipelineTransport? transport)
    {
        Once(options, transport);
        if (variable("AZURE_AUTHORITY_HOST") is { Length: > 0 }) return options;
        if (host.EndsWith(".usgovcloudapi.net", StringComparison.Ordinal)) options.AuthorityHost = AzureAuthorityHosts.AzureGovernment;
        if (host.EndsWith(".chinacloudapi.cn", StringComparison.Ordinal)) options.AuthorityHost = AzureAuthorityHosts.AzureChina;
        return options;
    }

    /// <summary>A token is asked for once in an attempt: who needs it tries again, for as long as it may take.</summary>
    /// <remarks>
    /// The number of retries in the options does not count for managed identities: without a policy of the options their SDK takes
    /// one of its own, by which it repeats for 25 s each question on which a machine's service answers 404. It asks two such
    /// questions (which versions of the protocol there are) before the first token of a process, and real services answer so.
    /// </remarks>
    private static T Once<T>(T options, HttpPipelineTransport? transport) where T : TokenCredentialOptions
    {
        options.RetryPolicy = new RetryPolicy(maxRetries: 0);
        if (transport is not null) options.Transport = transport;
        return options;
    }

    /// <summary>The asset tag of every virtual machine of Azure.</summary>
    private static bool IsMachineOfAzure()
    {
        try
        {
            return File.ReadAllText("/sys/class/dmi/id/chassis_asset_tag").Trim() == "7783-7084-3265-9085-8269-3286-77";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string Needed(string? value, string what) => value is { Length: > 0 }
        ? value
        : throw new StoreException(StoreFailureKind.Refused, "", $"The identity that the catalog's settings for Azure choose needs a {what}, and there is none.");
}
