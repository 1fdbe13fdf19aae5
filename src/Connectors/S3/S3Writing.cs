using Amazon.S3;
using Amazon.S3.Model;
using Matih.Definition;
using S3Encryption = Matih.Definition.S3Encryption;

namespace Matih.Connectors.S3;

/// <summary>The requests that write, all with the encryption that the definition asks for.</summary>
/// <remarks>
/// Content is signed as a whole and not in chunks, which Cloudflare R2 refuses.
/// </remarks>
internal sealed class S3Writing(S3Access access, long partBytes)
{
    /// <summary>The size of an object's first part: small enough for many writers, large enough to cost little per byte.</summary>
    public const long PartBytesDefault = 8 << 20;

    public long PartBytes { get; } = partBytes;

    private ServerSideEncryptionMethod? Method => access.Encryption switch
    {
        S3Encryption.S3 => ServerSideEncryptionMethod.AES256,
        S3Encryption.Kms => ServerSideEncryptionMethod.AWSKMS,
        _ => null,
    };

    private string? KmsKeyId => access.Encryption == S3Encryption.Kms ? access.KmsKeyId : null;

    public async Task<bool> PutAsync(AmazonS3Client client, S3Attempt attempt, S3Location at, PartBuffer content)
    {
        await using var stream = content.Open(attempt.Advance);
        return await PutAsync(client, attempt, at, stream, null);
    }

    /// <param name="ifNoneMatch">A star where no object may be there.</param>
    public async Task<bool> PutAsync(AmazonS3Client client, S3Attempt attempt, S3Location at, Stream content, string? ifNoneMatch)
    {
        await client.PutObjectAsync(
            new PutObjectRequest
            {
                BucketName = at.Bucket,
                Key = at.Key,
                InputStream = content,
                IfNoneMatch = ifNoneMatch,
                AutoCloseStream = false,
                UseChunkEncoding = false,
                ServerSideEncryptionMethod = Method,
                ServerSideEncryptionKeyManagementServiceKeyId = KmsKeyId,
            },
            attempt.Token);
        return true;
    }

    public async Task<string> BeginAsync(AmazonS3Client client, S3Attempt attempt, S3Location at)
    {
        var begun = await client.InitiateMultipartUploadAsync(
            new InitiateMultipartUploadRequest
            {
                BucketName = at.Bucket,
                Key = at.Key,
                ServerSideEncryptionMethod = Method,
                ServerSideEncryptionKeyManagementServiceKeyId = KmsKeyId,
            },
            attempt.Token);
        return begun.UploadId;
    }

    public static async Task<PartETag> PutPartAsync(AmazonS3Client client, S3Attempt attempt, S3Location at, string upload, PartBuffer content, int number)
    {
        await using var stream = content.Open(attempt.Advance);
        var sent = await client.UploadPartAsync(
            new UploadPartRequest
            {
                BucketName = at.Bucket,
                Key = at.Key,
                UploadId = upload,
                PartNumber = number,
                PartSize = content.LengthBytes,
                InputStream = stream,
                UseChunkEncoding = false,
            },
            attempt.Token);
        return new PartETag(number, sent.ETag);
    }

    public static async Task<bool> CompleteAsync(AmazonS3Client client, S3Attempt attempt, S3Location at, string upload, IEnumerable<PartETag> parts)
    {
        await client.CompleteMultipartUploadAsync(
            new CompleteMultipartUploadRequest { BucketName = at.Bucket, Key = at.Key, UploadId = upload, PartETags = [.. parts] }, attempt.Token);
        return true;
    }

    public static async Task<bool> AbortAsync(AmazonS3Client client, S3Attempt attempt, S3Location at, string upload)
    {
        await client.AbortMultipartUploadAsync(new AbortMultipartUploadRequest { BucketName = at.Bucket, Key = at.Key, UploadId = upload }, attempt.Token);
        return true;
    }
}
