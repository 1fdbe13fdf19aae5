using System.Data.Common;
using System.Runtime.CompilerServices;
using Matih.Connectors.Sql;
using Matih.Storage;

namespace Matih.Bench;

/// <summary>Requests to a store and a catalog, and the bytes of their contents.</summary>
public sealed class RequestCount
{
    public long Puts, Gets, Heads, Lists, Deletes, Asked;
    public long SentBytes, ReceivedBytes;

    /// <summary>What came since an earlier count, for each of so many commits.</summary>
    public string PerCommit(RequestCount before, int commits)
    {
        return $"{Part(Puts - before.Puts)} | {Part(Gets - before.Gets)} | {Part(Heads - before.Heads)} | {Part(Lists - before.Lists)} | {Part(Deletes - before.Deletes)} | {Part(Asked - before.Asked)} | {Kilobytes(SentBytes - before.SentBytes)} | {Kilobytes(ReceivedBytes - before.ReceivedBytes)}";

        string Part(long count) => FormattableString.Invariant($"{(double)count / commits:0.##}");
        string Kilobytes(long bytes) => FormattableString.Invariant($"{bytes / 1000.0 / commits:N0} kB");
    }

    /// <summary>US dollars for the store's requests of so many commits like those since an earlier count.</summary>
    public double Cost(RequestCount before, int commits, double ofMany, double perWrite, double perRead) =>
        ofMany / commits * ((Puts - before.Puts + Lists - before.Lists) * perWrite + (Gets - before.Gets + Heads - before.Heads) * perRead);

    public RequestCount Copy() => (RequestCount)MemberwiseClone();
}

/// <summary>
/// A store that counts what S3Store and AzureBlobStore would send: one request for each call, where an object is of one part
/// and a listing of one page, as all but large data files are.
/// </summary>
internal sealed class CountingStore(IStore store, RequestCount count) : IStore
{
    public async ValueTask<IObjectWriter> CreateAsync(string location, CancellationToken cancellationToken) => new Writer(await store.CreateAsync(location, cancellationToken), count);

    public ValueTask<bool> PutIfAbsentAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        Sent(ref count.Puts, content.Length);
        return store.PutIfAbsentAsync(location, content, cancellationToken);
    }

    public ValueTask PutAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        Sent(ref count.Puts, content.Length);
        return store.PutAsync(location, content, cancellationToken);
    }

    public async ValueTask<byte[]?> ReadAsync(string location, CancellationToken cancellationToken) => Received(await store.ReadAsync(location, cancellationToken));

    public async ValueTask<byte[]> ReadRangeAsync(string location, long offset, int length, CancellationToken cancellationToken) =>
        Received(await store.ReadRangeAsync(location, offset, length, cancellationToken))!;

    public ValueTask<long?> LengthAsync(string location, CancellationToken cancellationToken)
    {
        count.Heads++;
        return store.LengthAsync(location, cancellationToken);
    }

    public async IAsyncEnumerable<StoredObject> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        const int PageCountMax = 1000;
        var found = 0;
        await foreach (var item in store.ListAsync(prefix, cancellationToken))
        {
            if (found++ % PageCountMax == 0) count.Lists++;
            yield return item;
        }
        if (found == 0) count.Lists++;
    }

    public ValueTask DeleteAsync(string location, CancellationToken cancellationToken)
    {
        count.Deletes++;
        return store.DeleteAsync(location, cancellationToken);
    }

    private void Sent(ref long kind, long bytes)
    {
        kind++;
        count.SentBytes += bytes;
    }

    private byte[]? Received(byte[]? content)
    {
        count.Gets++;
        count.ReceivedBytes += content?.Length ?? 0;
        return content;
    }

    private sealed class Writer(IObjectWriter writer, RequestCount count) : IObjectWriter
    {
        public long PositionBytes => writer.PositionBytes;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => writer.WriteAsync(bytes, cancellationToken);

        public ValueTask CompleteAsync(CancellationToken cancellationToken)
        {
            count.Puts++;
            count.SentBytes += writer.PositionBytes;
            return writer.CompleteAsync(cancellationToken);
        }

        public ValueTask DisposeAsync() => writer.DisposeAsync();
    }
}

/// <summary>Counts requests to a REST catalog, and the bytes of their bodies.</summary>
internal sealed class CountingHandler(RequestCount count) : DelegatingHandler(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false })
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        count.Asked++;
        if (request.Content is { } body) count.SentBytes += (await body.ReadAsByteArrayAsync(cancellationToken)).Length;
        var answer = await base.SendAsync(request, cancellationToken);
        await answer.Content.LoadIntoBufferAsync(cancellationToken);
        count.ReceivedBytes += (await answer.Content.ReadAsByteArrayAsync(cancellationToken)).Length;
        return answer;
    }
}

/// <summary>Counts what is asked of a catalog's database: each question opens a connection, and is one statement but at a table's creation.</summary>
internal sealed class CountingDatabase(CatalogDatabase database, RequestCount count) : CatalogDatabase
{
    public override string Name => database.Name;

    public override string ColumnsQuery => database.ColumnsQuery;

    public override ValueTask<DbConnection> OpenAsync(bool creates, CancellationToken cancellationToken)
    {
        count.Asked++;
        return database.OpenAsync(creates, cancellationToken);
    }

    public override SqlFault? FaultOf(Exception exception, bool wasSent) => database.FaultOf(exception, wasSent);

    public override ValueTask DisposeAsync() => database.DisposeAsync();
}
