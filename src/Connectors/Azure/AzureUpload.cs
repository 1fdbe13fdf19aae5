using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace Matih.Connectors.Azure;

/// <summary>A whole blob in one request.</summary>
internal static class AzureUpload
{
    /// <summary>More than an array holds, so that the SDK never sends parts; the service takes 5,000 MiB.</summary>
    private const long OneRequestBytes = 4L << 30;

    public static Task SendAsync(BlockBlobClient client, ReadOnlyMemory<byte> content, BlobRequestConditions? conditions, CancellationToken cancellationToken) => client.UploadAsync(
        BinaryData.FromBytes(content).ToStream(),
        new BlobUploadOptions
        {
            Conditions = conditions,
            TransferOptions = new() { InitialTransferSize = OneRequestBytes, MaximumTransferSize = OneRequestBytes, MaximumConcurrency = 1 },
        },
        cancellationToken);
}
