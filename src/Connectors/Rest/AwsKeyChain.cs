using Amazon.Runtime;
using Amazon.Runtime.Credentials;
using Matih.Connectors.S3;
using Matih.Definition;

namespace Matih.Connectors.Rest;

/// <summary>The keys of a catalog's S3 access, as its stores find and renew them.</summary>
internal static class AwsKeyChain
{
    /// <summary>Looks for credentials when it is asked for the first time.</summary>
    public static Func<CancellationToken, ValueTask<AwsKeys>> Of(S3Access access, TimeProvider clock)
    {
        AWSCredentials? credentials = null;
        var redaction = S3Credentials.Redaction(access);
        return async _ =>
        {
            try
            {
                credentials ??= S3Credentials.Of(access, clock, S3Client.CreateHandler()) ?? await DefaultAWSCredentialsIdentityResolver.GetCredentialsAsync();
                var current = await credentials.GetCredentialsAsync();
                return new AwsKeys(current.AccessKey, current.SecretKey, current.UseToken ? current.Token : null);
            }
            catch (Exception e) when (e is AmazonServiceException or AmazonClientException or S3CredentialException)
            {
                var tried = S3Credentials.Describe(access);
                var said = S3Failure.Of(e, tried, access.Region)?.Reason ?? e.Message;
                throw new CatalogException($"There are no AWS credentials to sign requests to the catalog with; tried {tried}: {redaction.Of(said)}.",
                    "Give keys or a profile in the catalog's settings for S3, or run where the machine has a role.", redaction.Kept(e));
            }
        };
    }
}
