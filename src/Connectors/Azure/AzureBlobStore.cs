using System.Runtime.CompilerServices;
using Azure;
using Azure.Storage;
using Azure.Storage.Blobs.Models;
using Matih.Definition;
using Matih.Storage;

namespace Matih.Connectors.Azure;

/// <summary>
/// Azure Blob Storage, with a hierarchical namespace (ADLS Gen2) or without, through the Blob API alone. Objects are block
/// blobs and appear whole. Thread-safe.
/// </summary>
/// <remarks>
/// A put-if-absent is one request, which is sent again only where the service says that it did nothing. With a hierarchical
/// namespace folders are blobs without content that carry <c>hdi_isfolder</c>; they are no objects here.
/// </remarks>
public sealed class AzureBlobStore : IStore
{
    /// <summary>Requests at once when several objects are completed.</summary>
    private const int TogetherMax = 16;

    /// <summary>Objects in one answer to a listing; null is as many as the service likes.</summary>
    internal int? PageObjects { get; init; }

    private readonly AzureLocations _locations;
    private readonly AzureAccounts _accounts;
    private readonly AzureCalls _calls;
    private readonly IIdSource _ids;

    /// <param name="sas">
    /// Gives a SAS token that is valid now for the account with this host (<c>account.blob.core.windows.net</c>), as a catalog lends them; it is asked before each
    /// request, from several threads at once. Null where the settings have the credential.
    /// </param>
    /// <param name="limits">Null gives calls as long as a run may wait.</param>
    /// <exception cref="StoreException">The settings lack something (<see cref="StoreFailureKind.Refused"/>).</exception>
    public AzureBlobStore(AzureAccess access, IIdSource ids, TimeProvider clock, Func<string, CancellationToken, ValueTask<string>>? sas = null, CallLimits? limits = null)
        : this(access, ids, clock, sas, handler: null, Environment.GetEnvironmentVariable, limits) { }

    internal AzureBlobStore(
        AzureAccess access, IIdSource ids, TimeProvider clock, Func<string, CancellationToken, ValueTask<string>>? sas, HttpMessageHandler? handler, Func<string, string?> variable, CallLimits? limits = null)
    {
        var connection = sas is null ? AzureConnection.Of(access) : new AzureConnection(access.Endpoint?.Reveal(), null, AzureCredentialKind.SasToken, null, null);
        _locations = new(connection.Endpoint, connection.Account);
        var redaction = new RedactedText(connection.Key, access.ClientSecret, access.ConnectionString);
        _accounts = new(access, connection, sas, variable, handler, redaction);
        _calls = new(redaction, ids, clock, limits);
        _ids = ids;
    }

    public ValueTask<IObjectWriter> CreateAsync(string location, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var found = _locations.Blob(location);
        return new(new AzureObjectWriter(_accounts.Blob(found), _calls, location, _ids.NewUuid()));
    }

    public async ValueTask CompleteAsync(IReadOnlyList<IObjectWriter> writers, CancellationToken cancellationToken) => await Parallel.ForEachAsync(
        writers, new ParallelOptions { MaxDegreeOfParallelism = TogetherMax, CancellationToken = cancellationToken }, async (writer, token) => await writer.CompleteAsync(token));

    public async ValueTask<bool> PutIfAbsentAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var client = _accounts.Blob(_locations.Blob(location));
        var isPut = await _calls.SendAsync<bool?>(
            RequestEffect.Once, "create", location, client.Uri, content.Length,
            async attempt =>
            {
                await AzureUpload.SendAsync(client, content, new BlobRequestConditions { IfNoneMatch = ETag.All }, attempt.Token);
                return true;
            },
            fault => fault.Kind is StoreFailureKind.Exists or StoreFailureKind.PreconditionFailed ? new(false) : fault.Code is "UnauthorizedBlobOverwrite" or "AuthorizationPermissionMismatch" ? new(null) : null,
            cancellationToken);
        if (isPut is { } known) return known;
        // A SAS token that may create but not replace is refused like that where a blob exists (the first code is the
        // service's, the second Azurite's), and one that may do neither is refused always.
        if (await LengthAsync(location, cancellationToken) is not null) return false;
        throw StoreException.Of(
            StoreFailureKind.Denied, "create", location, $"{client.Uri.GetLeftPart(UriPartial.Path)} answered 403, and no such blob exists",
            "Give the identity the role Storage Blob Data Contributor on the container, or the SAS token the permissions to create and write.");
    }

    public async ValueTask PutAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var client = _accounts.Blob(_locations.Blob(location));
        await _calls.SendAsync(
            RequestEffect.Repeatable, "write", location, client.Uri, content.Length,
            async attempt =>
            {
                await AzureUpload.SendAsync(client, content, null, attempt.Token);
                return true;
            },
            null, cancellationToken);
    }

    public ValueTask<byte[]?> ReadAsync(string location, CancellationToken cancellationToken) => GetAsync(location, default, cancellationToken);

    public async ValueTask<byte[]> ReadRangeAsync(string location, long offset, int count, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        // The service has no range of no bytes; and to one that begins beyond the end it answers 416.
        var bytes = count == 0 ? [] : await GetAsync(location, new HttpRange(offset, count), cancellationToken);
        if (bytes is { } && bytes.Length == count && count != 0) return bytes;
        var length = await LengthAsync(location, cancellationToken) ?? throw RangeFault.Absent(location);
        return count == 0 ? [] : throw RangeFault.BeyondEnd(location, length, offset, count);
    }

    /// <summary>The bytes of the range that there are; null where there is no such blob.</summary>
    private ValueTask<byte[]?> GetAsync(string location, HttpRange range, CancellationToken cancellationToken)
    {
        var client = _accounts.Blob(_locations.Blob(location));
        return _calls.SendAsync(
            RequestEffect.None, "read", location, client.Uri, range.Length ?? 0,
            async attempt =>
            {
                var answer = await client.DownloadStreamingAsync(new BlobDownloadOptions { Range = range }, attempt.Token);
                await using var stream = answer.Value.Content;
                var details = answer.Value.Details;
                if (IsFolder(details.Metadata)) return null;
                if (details.ContentLength > Array.MaxLength)
                    throw StoreException.Of(StoreFailureKind.Refused, "read", location, $"it has {Quantity.Of(details.ContentLength, "byte")}, more than one read can hold");
                attempt.Expect(details.ContentLength);
                var bytes = new byte[details.ContentLength];
                await stream.ReadExactlyAsync(bytes, attempt.Token);
                if (await stream.ReadAsync(new byte[1], attempt.Token) != 0) throw new IOException("The answer is longer than it says.");
                return bytes;
            },
            fault => fault.Kind switch
            {
                StoreFailureKind.Absent => new(null),
                _ when fault.Code == "InvalidRange" => new([]),
                _ => null,
            },
            cancellationToken);
    }

    public ValueTask<long?> LengthAsync(string location, CancellationToken cancellationToken)
    {
        var client = _accounts.Blob(_locations.Blob(location));
        return _calls.SendAsync(
            RequestEffect.None, "look for", location, client.Uri, 0,
            async attempt =>
            {
                var properties = (await client.GetPropertiesAsync(cancellationToken: attempt.Token)).Value;
                return IsFolder(properties.Metadata) ? null : (long?)properties.ContentLength;
            },
            fault => fault.Kind == StoreFailureKind.Absent ? new(null) : null,
            cancellationToken);
    }

    public async IAsyncEnumerable<StoredObject> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var found = _locations.Prefix(prefix);
        var client = _accounts.Container(found);
        string? next = null;
        do
        {
            var from = next;
            var page = await _calls.SendAsync(
                RequestEffect.None, "list", prefix, client.Uri, 0,
                async attempt =>
                {
                    var blobs = client.GetBlobsAsync(new GetBlobsOptions { Traits = BlobTraits.Metadata, Prefix = found.Name, ResponseFormat = StorageResponseFormat.Xml }, attempt.Token);
                    await foreach (var first in blobs.AsPages(from, PageObjects)) return first;
                    return null;
                },
                null, cancellationToken);
            foreach (var blob in page?.Values ?? [])
                if (!IsFolder(blob.Metadata)) yield return new(found.Root + blob.Name, blob.Properties.ContentLength ?? 0, blob.Properties.LastModified ?? default);
            next = page?.ContinuationToken;
        }
        while (!string.IsNullOrEmpty(next));
    }

    public async ValueTask DeleteAsync(string location, CancellationToken cancellationToken)
    {
        var client = _accounts.Blob(_locations.Blob(location));
        var isDeleted = await DeleteAsync(DeleteSnapshotsOption.None, isFinal: false);
        // Somebody took a snapshot of the blob, without which it cannot be deleted.
        if (!isDeleted) await DeleteAsync(DeleteSnapshotsOption.IncludeSnapshots, isFinal: true);

        ValueTask<bool> DeleteAsync(DeleteSnapshotsOption snapshots, bool isFinal) => _calls.SendAsync(
            RequestEffect.Repeatable, "delete", location, client.Uri, 0,
            async attempt =>
            {
                await client.DeleteAsync(snapshots, cancellationToken: attempt.Token);
                return true;
            },
            fault => fault.Kind == StoreFailureKind.Absent ? new(true) : !isFinal && fault.Code == "SnapshotsPresent" ? new(false) : null,
            cancellationToken);
    }

    private static bool IsFolder(IDictionary<string, string>? metadata) =>
        metadata is not null && metadata.TryGetValue("hdi_isfolder", out var value) && value.Equals("true", StringComparison.OrdinalIgnoreCase);
}
