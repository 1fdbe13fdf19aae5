using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Matih.Connectors.S3;
using Matih.Definition;
using Matih.Fixtures;
using Matih.Hosting;

namespace Matih.Interop.Tests.Connectors.S3;

/// <summary>A server that speaks S3, with clients of ours and of the SDK.</summary>
internal sealed class S3Server(Uri uri)
{
    private static readonly SemaphoreSlim Creating = new(1);

    public S3Access Access { get; } = new()
    {
        Endpoint = EndpointUrl.TryParse(uri.AbsoluteUri, out var url) ? url : null,
        AccessKeyId = CephGateway.AccessKeyId,
        SecretAccessKey = new Secret(CephGateway.SecretAccessKey),
    };

    public static async Task<S3Server> OfAsync(SharedCeph ceph) => await new S3Server((await ceph.GatewayAsync()).Uri).WithBucketAsync();

    public static async Task<S3Server> OfAsync(SharedMoto moto) => await new S3Server(await moto.UriAsync()).WithBucketAsync();

    /// <summary>The bucket of all tests.</summary>
    public const string Bucket = "matih-tests";

    /// <summary>A folder that no other test has.</summary>
    public static string NewFolder() => $"s3://{Bucket}/{Guid.NewGuid():N}/";

    /// <summary>A folder in a bucket of its own that everybody may read and write.</summary>
    public static async Task<string> NewOpenFolderAsync(SharedCeph ceph)
    {
        var bucket = $"open-{Guid.NewGuid():N}";
        using var client = new S3Server((await ceph.GatewayAsync()).Uri).NewClient();
        await client.PutBucketAsync(new PutBucketRequest { BucketName = bucket });
        await client.PutBucketPolicyAsync(new PutBucketPolicyRequest
        {
            BucketName = bucket,
            Policy = $$"""{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:*"],"Resource":["arn:aws:s3:::{{bucket}}","arn:aws:s3:::{{bucket}}/*"]}]}""",
        });
        return $"s3://{bucket}/warehouse";
    }

    public S3Store Open(S3Access? access = null, S3CredentialSource? credentials = null, long partBytes = S3Writing.PartBytesDefault, int? pageObjects = null) =>
        new(access ?? Access, new SystemIdSource(), TimeProvider.System, credentials, partBytes) { PageObjects = pageObjects };

    /// <summary>The SDK's own client, to look from outside.</summary>
    public AmazonS3Client NewClient() => new(
        new BasicAWSCredentials(CephGateway.AccessKeyId, CephGateway.SecretAccessKey),
        new AmazonS3Config { ServiceURL = uri.AbsoluteUri, ForcePathStyle = true, RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED, ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED });

    private async Task<S3Server> WithBucketAsync()
    {
        await Creating.WaitAsync();
        try
        {
            using var client = NewClient();
            if ((await client.ListBucketsAsync()).Buckets?.Any(bucket => bucket.BucketName == Bucket) != true) await client.PutBucketAsync(new PutBucketRequest { BucketName = Bucket });
            return this;
        }
        finally
        {
            Creating.Release();
        }
    }
}
