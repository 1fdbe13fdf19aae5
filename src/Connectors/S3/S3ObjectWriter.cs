using System.Globalization;
using System.Runtime.ExceptionServices;
using Amazon.S3.Model;
using Matih.Storage;

namespace Matih.Connectors.S3;

/// <summary>
/// Writes one object. Up to the size of a part it is one PUT when it completes; a larger one is sent in parts while the rest is
/// written, and completing puts them together. What was sent of an object that is given up is removed.
/// </summary>
/// <remarks>
/// An object has at most 10,000 parts (S3 API, multipart upload limits) and at most 5 TiB, so that parts double every thousand.
/// Up to there they are equal, as Cloudflare R2 asks all but the last to be.
/// </remarks>
internal sealed class S3ObjectWriter(S3Calls calls, S3Writing writing, S3Location location) : IObjectWriter
{
    /// <summary>Parts that are sent while the next is filled.</summary>
    private const int InFlightMax = 3;

    private const int EqualCount = 1000;
    private static readonly TimeSpan AbortPatience = TimeSpan.FromSeconds(5);

    private readonly List<Task<PartETag>> _parts = [];
    private readonly SemaphoreSlim _places = new(InFlightMax);
    private readonly CancellationTokenSource _abandon = new();
    private Task<string>? _upload;
    private PartBuffer _filling = new();
    private long _inFlightBytes;
    private bool _isEnded;
    private bool _isOver;

    public long PositionBytes { get; private set; }

    public long BufferedBytes => _filling.HeldBytes + Interlocked.Read(ref _inFlightBytes);

    /// <summary>The size of a part.</summary>
    /// <param name="ordinal">From 0 on.</param>
    public static long PartBytes(long first, int ordinal) => first << (ordinal / EqualCount);

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_isEnded) throw new InvalidOperationException($"{location.Text} is written to after its end.");
        while (!bytes.IsEmpty)
        {
            var room = PartBytes(writing.PartBytes, _parts.Count) - _filling.LengthBytes;
            // Only what has a next byte is sent as a part, so that an object of just that size is one PUT.
            if (room == 0)
            {
                await SendPartAsync(cancellationToken);
                continue;
            }
            var count = (int)Math.Min(room, bytes.Length);
            _filling.Append(bytes.Span[..count]);
            PositionBytes += count;
            bytes = bytes[count..];
        }
    }

    public async ValueTask EndAsync(CancellationToken cancellationToken)
    {
        if (_isEnded) return;
        if (_parts.Count > 0 && _filling.LengthBytes > 0) await SendPartAsync(cancellationToken);
        _isEnded = true;
    }

    public async ValueTask CompleteAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_isOver, this);
        await EndAsync(cancellationToken);
        if (_parts.Count == 0) await calls.RunAsync("write", location.Text, RequestEffect.Repeatable, (client, attempt) => writing.PutAsync(client, attempt, location, _filling), cancellationToken);
        else await CompletePartsAsync(cancellationToken);
        _isOver = true;
        _filling.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_isOver) await AbandonAsync();
        _filling.Dispose();
        _places.Dispose();
        _abandon.Dispose();
    }

    private async Task SendPartAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isOver, this);
        await _places.WaitAsync(cancellationToken);
        if (_abandon.IsCancellationRequested)
        {
            _places.Release();
            await FailAsync();
        }
        var part = _filling;
        _filling = new();
        Interlocked.Add(ref _inFlightBytes, part.HeldBytes);
        var number = _parts.Count + 1;
        // Signing reads the whole part, which is work for another thread.
        _upload ??= Task.Run(BeginAsync, CancellationToken.None);
        _parts.Add(Task.Run(() => SendAsync(_upload, part, number), CancellationToken.None));
    }

    /// <summary>A request that is under way is not cancelled: what it begins could not be removed without its answer.</summary>
    private async Task<string> BeginAsync() =>
        await calls.RunAsync(
            "write", location.Text, RequestEffect.None,
            (client, attempt) =>
            {
                ObjectDisposedException.ThrowIf(_abandon.IsCancellationRequested, this);
                return writing.BeginAsync(client, attempt, location);
            },
            CancellationToken.None);

    private async Task<PartETag> SendAsync(Task<string> upload, PartBuffer part, int number)
    {
        try
        {
            var id = await upload;
            return await calls.RunAsync(
                "write", location.Text, RequestEffect.None, (client, attempt) => S3Writing.PutPartAsync(client, attempt, location, id, part, number), _abandon.Token);
        }
        catch
        {
            _abandon.Cancel();
            throw;
        }
        finally
        {
            Interlocked.Add(ref _inFlightBytes, -part.HeldBytes);
            part.Dispose();
            _places.Release();
        }
    }

    private async Task CompletePartsAsync(CancellationToken cancellationToken)
    {
        var all = Task.WhenAll(_parts);
        await ((Task)all).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        cancellationToken.ThrowIfCancellationRequested();
        if (!all.IsCompletedSuccessfully) await FailAsync();
        var (id, parts) = (await _upload!, await all);
        try
        {
            await calls.RunAsync("write", location.Text, RequestEffect.Repeatable, (client, attempt) => S3Writing.CompleteAsync(client, attempt, location, id, parts), cancellationToken);
        }
        catch (StoreException failure) when (failure.Kind is StoreFailureKind.UnknownOutcome or StoreFailureKind.Absent)
        {
            // An upload that was completed exists no more; the object says whether it was.
            if (!await IsCompleteAsync(parts.Length, cancellationToken))
            {
                await AbandonAsync();
                throw;
            }
        }
        catch (StoreException)
        {
            await AbandonAsync();
            throw;
        }
    }

    private async Task<bool> IsCompleteAsync(int partCount, CancellationToken cancellationToken)
    {
        try
        {
            var (length, tag) = await calls.RunAsync("read", location.Text, RequestEffect.None, (client, attempt) => S3Reading.HeadAsync(client, attempt, location), cancellationToken);
            // Where the tag counts the parts, as that of S3 does, it tells an older object of this length apart.
            var dash = tag.LastIndexOf('-');
            return length == PositionBytes && (dash < 0 || tag[(dash + 1)..].Trim('"') == partCount.ToString(CultureInfo.InvariantCulture));
        }
        catch (StoreException)
        {
            return false;
        }
    }

    /// <summary>Throws what the first part that failed has failed with, once everything that was sent is removed.</summary>
    private async Task FailAsync()
    {
        await AbandonAsync();
        var failure = _parts.Select(part => part.Exception?.InnerException).OfType<StoreException>().FirstOrDefault()
            ?? _parts.Select(part => part.Exception?.InnerException).First(exception => exception is not null)!;
        ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>Removes what was sent. Parts that are under way would be kept for ever where they arrive after that.</summary>
    private async Task AbandonAsync()
    {
        _isOver = _isEnded = true;
        _abandon.Cancel();
        if (_upload is null) return;
        await ((Task)Task.WhenAll(_parts)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        if (!_upload.IsCompletedSuccessfully) return;
        try
        {
            await calls.RunAsync("remove", location.Text, RequestEffect.None, (client, attempt) => S3Writing.AbortAsync(client, attempt, location, _upload.Result), CancellationToken.None, AbortPatience);
        }
        catch (StoreException)
        {
            // The first failure is the one to report. A rule of the bucket removes uploads that were not completed.
        }
    }
}
