using System.Globalization;
using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using Matih.Storage;

namespace Matih.Connectors.S3;

/// <summary>The requests that read.</summary>
internal static class S3Reading
{
    public static async Task<(long LengthBytes, string Tag)> HeadAsync(AmazonS3Client client, S3Attempt attempt, S3Location at)
    {
        var head = await client.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = at.Bucket, Key = at.Key }, attempt.Token);
        return (head.ContentLength, head.ETag ?? "");
    }

    public static async Task<byte[]> GetAsync(AmazonS3Client client, S3Attempt attempt, S3Location at)
    {
        using var answer = await client.GetObjectAsync(new GetObjectRequest { BucketName = at.Bucket, Key = at.Key }, attempt.Token);
        var length = answer.ContentLength;
        if (length > Array.MaxLength) throw new StoreException(StoreFailureKind.Refused, at.Text, $"{at.Text} has {length} bytes, too many to read at once.");
        var bytes = new byte[length];
        await FillAsync(answer.ResponseStream, bytes, attempt);
        // A length that was not given counts as 0 in the SDK.
        if (await answer.ResponseStream.ReadAsync(new byte[1], attempt.Token) > 0) throw new IOException($"the answer is longer than the {length} bytes that it announced");
        return bytes;
    }

    /// <summary>Null where the object does not reach that far.</summary>
    public static async Task<byte[]?> GetRangeAsync(AmazonS3Client client, S3Attempt attempt, S3Location at, long offset, int count)
    {
        var request = new GetObjectRequest { BucketName = at.Bucket, Key = at.Key, ByteRange = new ByteRange(offset, offset + count - 1) };
        GetObjectResponse answer;
        try
        {
            answer = await client.GetObjectAsync(request, attempt.Token);
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            return null;
        }
        using (answer)
        {
            if (answer.ContentRange is null || !answer.ContentRange.StartsWith($"bytes {offset.ToString(CultureInfo.InvariantCulture)}-", StringComparison.Ordinal))
                throw new StoreException(StoreFailureKind.Refused, at.Text, $"The store takes no notice of ranges: bytes {offset} to {offset + count} of {at.Text} were asked for, and it answered with {answer.ContentRange ?? "the whole object"}.");
            if (!answer.ContentRange.StartsWith($"bytes {offset.ToString(CultureInfo.InvariantCulture)}-{(offset + count - 1).ToString(CultureInfo.InvariantCulture)}/", StringComparison.Ordinal)) return null;
            var bytes = new byte[count];
            await FillAsync(answer.ResponseStream, bytes, attempt);
            return bytes;
        }
    }

    public static Task<ListObjectsV2Response> ListAsync(AmazonS3Client client, S3Attempt attempt, S3Location prefix, string? continuation, int? count) =>
        client.ListObjectsV2Async(
            // Keys may have characters that XML has not.
            new ListObjectsV2Request { BucketName = prefix.Bucket, Prefix = prefix.Key, ContinuationToken = continuation, MaxKeys = count, Encoding = EncodingType.Url },
            attempt.Token);

    private static async Task FillAsync(Stream stream, Memory<byte> target, S3Attempt attempt)
    {
        for (var filled = 0; filled < target.Length;)
        {
            var read = await stream.ReadAsync(target[filled..], attempt.Token);
            if (read == 0) throw new EndOfStreamException($"the answer ended after {filled} of {target.Length} bytes");
            filled += read;
            attempt.Advance();
        }
    }
}
