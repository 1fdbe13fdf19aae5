using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Amazon.S3.Model;
using Matih.Definition;
using Matih.Storage;

namespace Matih.Connectors.S3;

/// <summary>
/// S3, and stores that speak its protocol. Locations are <c>s3://bucket/key</c>, also spelled <c>s3a://</c> and <c>s3n://</c>;
/// buckets may be any of one endpoint and region. Thread-safe, also across processes.
/// </summary>
/// <remarks>
/// <see cref="PutIfAbsentAsync"/> is atomic where the store keeps to <c>If-None-Match: *</c>. A process killed in the middle may
/// leave parts of an object, which a lifecycle rule of the bucket (AbortIncompleteMultipartUpload) removes; no listing shows them.
/// </remarks>
public sealed class S3Store : IStore, IDisposable
{
    /// <summary>Objects that are completed at a time.</summary>
    private const int CompletingMax = 16;

    /// <summary>Objects in one answer to a listing; null is as many as the store likes.</summary>
    internal int? PageObjects { get; init; }

    private readonly S3Calls _calls;
    private readonly S3Writing _writing;
    private readonly ConcurrentDictionary<string, bool> _knownBuckets = new(StringComparer.Ordinal);

    /// <param name="ids">For the chance in waits.</param>
    /// <param name="credentials">Takes the place of what <paramref name="access"/> says about credentials.</param>
    /// <param name="limits">Null gives calls as long as a run may wait.</param>
    public S3Store(S3Access access, IIdSource ids, TimeProvider clock, S3CredentialSource? credentials = null, CallLimits? limits = null)
        : this(access, ids, clock, credentials, S3Writing.PartBytesDefault, limits) { }

    internal S3Store(S3Access access, IIdSource ids, TimeProvider clock, S3CredentialSource? credentials, long partBytes, CallLimits? limits = null)
    {
        _calls = new(access, ids, clock, credentials, limits);
        _writing = new(access, partBytes);
    }

    public ValueTask<IObjectWriter> CreateAsync(string location, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(new S3ObjectWriter(_calls, _writing, S3Location.OfObject(location)));
    }

    public async ValueTask CompleteAsync(IReadOnlyList<IObjectWriter> writers, CancellationToken cancellationToken)
    {
        StoreException? failure = null;
        var options = new ParallelOptions { MaxDegreeOfParallelism = CompletingMax, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(writers, options, async (writer, token) =>
        {
            if (failure is not null) return;
            try
            {
                await writer.CompleteAsync(token);
            }
            catch (StoreException exception)
            {
                failure = exception;
            }
        });
        if (failure is not null) ExceptionDispatchInfo.Throw(failure);
    }

    public async ValueTask<bool> PutIfAbsentAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        try
        {
            await PutAsync(location, content, RequestEffect.Once, "*", cancellationToken);
            return true;
        }
        catch (StoreException failure) when (failure.Kind == StoreFailureKind.PreconditionFailed)
        {
            return false;
        }
    }

    public ValueTask PutAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        PutAsync(location, content, RequestEffect.Repeatable, null, cancellationToken);

    public async ValueTask<byte[]?> ReadAsync(string location, CancellationToken cancellationToken)
    {
        var at = S3Location.OfObject(location);
        try
        {
            return await _calls.RunAsync("read", location, RequestEffect.None, (client, attempt) => S3Reading.GetAsync(client, attempt, at), cancellationToken);
        }
        catch (StoreException failure) when (failure.Kind == StoreFailureKind.Absent)
        {
            await LookForBucketAsync(at, cancellationToken);
            return null;
        }
    }

    public async ValueTask<byte[]> ReadRangeAsync(string location, long offset, int count, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var at = S3Location.OfObject(location);
        byte[]? bytes = null;
        try
        {
            if (count > 0) bytes = await _calls.RunAsync("read", location, RequestEffect.None, (client, attempt) => S3Reading.GetRangeAsync(client, attempt, at, offset, count), cancellationToken);
        }
        catch (StoreException failure) when (failure.Kind == StoreFailureKind.Absent)
        {
            throw RangeFault.Absent(location, failure);
        }
        if (bytes is not null) return bytes;
        var length = await LengthAsync(location, cancellationToken) ?? throw RangeFault.Absent(location);
        if (offset + count > length) throw RangeFault.BeyondEnd(location, length, offset, count);
        return count == 0 ? [] : throw new StoreException(StoreFailureKind.PreconditionFailed, location, $"{location} was replaced while bytes {offset} to {offset + count} of it were read.");
    }

    public async ValueTask<long?> LengthAsync(string location, CancellationToken cancellationToken)
    {
        var at = S3Location.OfObject(location);
        try
        {
            var (length, _) = await _calls.RunAsync("look at", location, RequestEffect.None, (client, attempt) => S3Reading.HeadAsync(client, attempt, at), cancellationToken);
            return length;
        }
        catch (StoreException failure) when (failure.Kind == StoreFailureKind.Absent)
        {
            await LookForBucketAsync(at, cancellationToken);
            return null;
        }
    }

    public async IAsyncEnumerable<StoredObject> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var at = S3Location.OfPrefix(prefix);
        string? continuation = null;
        do
        {
            var next = continuation;
            var page = await _calls.RunAsync("list", prefix, RequestEffect.None, (client, attempt) => S3Reading.ListAsync(client, attempt, at, next, PageObjects), cancellationToken);
            foreach (var item in page.S3Objects ?? [])
            {
                var key = page.Encoding == Amazon.S3.EncodingType.Url ? Uri.UnescapeDataString(item.Key.Replace('+', ' ')) : item.Key;
                yield return new(at.Root + key, item.Size ?? 0, new DateTimeOffset((item.LastModified ?? default).ToUniversalTime()));
            }
            continuation = page.IsTruncated == true ? page.NextContinuationToken : null;
        } while (continuation is not null);
    }

    public async ValueTask DeleteAsync(string location, CancellationToken cancellationToken)
    {
        var at = S3Location.OfObject(location);
        try
        {
            await _calls.RunAsync(
                "delete", location, RequestEffect.Repeatable,
                (client, attempt) => client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = at.Bucket, Key = at.Key }, attempt.Token), cancellationToken);
        }
        catch (StoreException failure) when (failure.Kind == StoreFailureKind.Absent)
        {
            // Some stores say so, which is what was asked for.
        }
    }

    public void Dispose() => _calls.Dispose();

    private async ValueTask PutAsync(string location, ReadOnlyMemory<byte> content, RequestEffect effect, string? ifNoneMatch, CancellationToken cancellationToken)
    {
        var at = S3Location.OfObject(location);
        var bytes = MemoryMarshal.TryGetArray(content, out var array) ? array : new(content.ToArray());
        await _calls.RunAsync(
            "write", location, effect,
            async (client, attempt) =>
            {
                using var stream = new MemoryStream(bytes.Array!, bytes.Offset, bytes.Count, writable: false);
                return await _writing.PutAsync(client, attempt, at, stream, ifNoneMatch);
            },
            cancellationToken);
    }

    /// <summary>
    /// Makes sure, once for each bucket, that what is missing is the object: an answer without a text does not say whether it is
    /// the bucket, and at a wrong address nothing exists.
    /// </summary>
    private async Task LookForBucketAsync(S3Location at, CancellationToken cancellationToken)
    {
        if (_knownBuckets.ContainsKey(at.Bucket)) return;
        try
        {
            await _calls.RunAsync(
                "look at", at.Text, RequestEffect.None,
                (client, attempt) => client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = at.Bucket, MaxKeys = 1 }, attempt.Token), cancellationToken);
        }
        catch (StoreException failure) when (failure.Kind == StoreFailureKind.Denied)
        {
            // Who may not list the bucket is not told what is missing either, and would not have come here.
        }
        catch (StoreException failure) when (failure.Kind == StoreFailureKind.Absent)
        {
            throw new StoreException(StoreFailureKind.Refused, at.Text, $"There is no bucket {at.Bucket} for {at.Text}, or its address is not that of an S3 store. Create the bucket, or correct the catalog's settings.", failure);
        }
        _knownBuckets[at.Bucket] = true;
    }
}
