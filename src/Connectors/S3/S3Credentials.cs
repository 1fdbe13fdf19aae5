using System.Diagnostics.CodeAnalysis;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.Runtime.Credentials;
using Amazon.SecurityToken;
using Amazon.SecurityToken.Model;
using Matih.Definition;

namespace Matih.Connectors.S3;

/// <summary>Finds the credentials that a definition means.</summary>
internal static class S3Credentials
{
    private const string DefaultRegion = "us-east-1";

    /// <summary>Null leaves it to the SDK's own chain: environment, profile, web identity, identity of the container or machine.</summary>
    /// <remarks>Profiles and web identities need a client that the SDK finds by reflection, so that trimming must keep it.</remarks>
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicConstructors, typeof(AmazonSecurityTokenServiceClient))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.PublicProperties, typeof(AmazonSecurityTokenServiceConfig))]
    /// <param name="handler">Sends what the credentials themselves need; of <see cref="S3Client.CreateHandler"/>, and stays the caller's.</param>
    public static AWSCredentials? Of(S3Access access, TimeProvider clock, HttpMessageHandler handler)
    {
        var own = OwnOf(access);
        return access.RoleArn is { } role ? new ExpiringCredentials(cancellationToken => AssumeAsync(access, role, own, handler, cancellationToken), clock) : own;
    }

    /// <summary>Hides what the settings hold of credentials.</summary>
    public static RedactedText Redaction(S3Access access) => new(access.SecretAccessKey, access.SessionToken, access.RoleExternalId);

    /// <summary>What is tried, for a message; names no secret.</summary>
    public static string Describe(S3Access access)
    {
        var own = access switch
        {
            { AccessKeyId: { } id } => $"access key {id}",
            { Profile: { } profile } => $"profile {profile}",
            _ => "the default chain (environment, profile, web identity, container, machine)",
        };
        return access.RoleArn is { } role ? $"role {role}, assumed with {own}" : own;
    }

    private static AWSCredentials? OwnOf(S3Access access)
    {
        if (access.AccessKeyId is { } id)
        {
            var secret = access.SecretAccessKey?.Reveal() ?? throw new AmazonClientException("an access key needs its secret access key");
            return access.SessionToken is { } token ? new SessionAWSCredentials(id, secret, token.Reveal()) : new BasicAWSCredentials(id, secret);
        }
        if (access.Profile is not { } profile) return null;
        return new CredentialProfileStoreChain().TryGetAWSCredentials(profile, out var credentials)
            ? credentials
            : throw new AmazonClientException($"there is no profile '{profile}' in the shared configuration files, or it holds no credentials");
    }

    private static async ValueTask<S3SessionCredentials> AssumeAsync(S3Access access, string role, AWSCredentials? own, HttpMessageHandler handler, CancellationToken cancellationToken)
    {
        var config = new AmazonSecurityTokenServiceConfig { MaxErrorRetry = 2, AllowAutoRedirect = false, HttpClientFactory = new SdkHttpClients(handler) };
        // MinIO and Ceph have this service at the address of the store; AWS has it at one of its own.
        if (access.Endpoint?.Reveal() is { } endpoint && !endpoint.Host.EndsWith(".amazonaws.com", StringComparison.OrdinalIgnoreCase) && !endpoint.Host.EndsWith(".amazonaws.com.cn", StringComparison.OrdinalIgnoreCase))
        {
            config.ServiceURL = endpoint.AbsoluteUri;
            config.AuthenticationRegion = access.Region ?? DefaultRegion;
        }
        else if (access.Region is { } region)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }
        using var client = new AmazonSecurityTokenServiceClient(own ?? await DefaultAWSCredentialsIdentityResolver.GetCredentialsAsync(), config);
        var request = new AssumeRoleRequest { RoleArn = role, RoleSessionName = access.RoleSessionName ?? "matih", ExternalId = access.RoleExternalId?.Reveal() };
        var given = (await client.AssumeRoleAsync(request, cancellationToken)).Credentials
            ?? throw new AmazonClientException("the service that assumes roles answered without credentials");
        return new(given.AccessKeyId, new Secret(given.SecretAccessKey), new Secret(given.SessionToken), given.Expiration is { } expires ? new DateTimeOffset(expires.ToUniversalTime()) : null);
    }
}
