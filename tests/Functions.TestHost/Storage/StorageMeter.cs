using System.Collections.Concurrent;
using Matih.Fixtures;

namespace Matih.Functions.TestHost.Storage;

/// <summary>How many requests went to each service of Azure Storage, which is what a bill counts.</summary>
/// <param name="QueuePolls">Requests for messages, among <paramref name="Queue"/>; most find none.</param>
public sealed record StorageCounts(int Blob, int Queue, int Table, int QueuePolls)
{
    public int Total => Blob + Queue + Table;

    /// <summary>Without the polls, which come whether anything happens or not.</summary>
    public int Work => Total - QueuePolls;

    /// <summary>What came after an earlier reading.</summary>
    public StorageCounts Since(StorageCounts earlier) => new(Blob - earlier.Blob, Queue - earlier.Queue, Table - earlier.Table, QueuePolls - earlier.QueuePolls);
}

/// <summary>
/// Proxies before an Azurite that count the requests. Give what is to be told apart, such as an app's task hub and its own
/// blobs, a meter each.
/// </summary>
public sealed class StorageMeter : IAsyncDisposable
{
    private readonly FaultProxy _blob;
    private readonly FaultProxy? _queue;
    private readonly FaultProxy? _table;
    private readonly ConcurrentDictionary<string, int> _operations = new();
    private int _queuePolls;
    private int _blobCount;
    private int _queueCount;
    private int _tableCount;

    private StorageMeter(Azurite azurite)
    {
        _blob = Proxy("blob", azurite.Server, _ => Interlocked.Increment(ref _blobCount));
        if (azurite.QueueServer is { } queue) _queue = Proxy("queue", queue, CountQueue);
        if (azurite.TableServer is { } table) _table = Proxy("table", table, _ => Interlocked.Increment(ref _tableCount));
    }

    /// <summary>Where the blob service is reached through the meter; <see cref="Azurite.EndpointAt"/> makes the account's address of it.</summary>
    public Uri Blob => _blob.Uri;

    /// <summary>What opens the account through the meter.</summary>
    public string ConnectionString => Azurite.ConnectionStringAt(_blob.Uri, _queue?.Uri, _table?.Uri);

    /// <summary>The requests so far.</summary>
    public StorageCounts Counts => new(Volatile.Read(ref _blobCount), Volatile.Read(ref _queueCount), Volatile.Read(ref _tableCount), Volatile.Read(ref _queuePolls));

    /// <summary>The requests so far by service, method and query (<c>table PUT</c>, <c>blob PUT comp=lease</c>), to see what they are for.</summary>
    public IReadOnlyDictionary<string, int> Operations => new SortedDictionary<string, int>(_operations, StringComparer.Ordinal);

    public static StorageMeter Start(Azurite azurite) => new(azurite);

    public async ValueTask DisposeAsync()
    {
        await _blob.DisposeAsync();
        if (_queue is not null) await _queue.DisposeAsync();
        if (_table is not null) await _table.DisposeAsync();
    }

    private FaultProxy Proxy(string service, Uri server, Action<ProxiedRequest> count) => FaultProxy.Start(
        server,
        request =>
        {
            count(request);
            var kinds = request.Query.Split('&').Where(part => part.StartsWith("comp=", StringComparison.Ordinal) || part.StartsWith("restype=", StringComparison.Ordinal));
            _operations.AddOrUpdate(string.Join(' ', kinds.Prepend($"{service} {request.Method}")), 1, (_, soFar) => soFar + 1);
            return new ProxyFault.None();
        },
        keepsRequests: false);

    private void CountQueue(ProxiedRequest request)
    {
        Interlocked.Increment(ref _queueCount);
        if (request.Method == "GET" && request.Path.EndsWith("/messages", StringComparison.Ordinal)) Interlocked.Increment(ref _queuePolls);
    }
}
