using System.Runtime.CompilerServices;
using Matih.Engine.Simulation.Processes;
using Matih.Storage;

namespace Matih.Engine.Simulation.World;

/// <summary>A process's way to the store: every call takes time, and what the weather makes of it.</summary>
internal sealed class StoreClient(StoreServer server, Weather weather, SimulatedProcess process) : IStore
{
    private StoreServer Server => server;

    private SimulatedProcess Process => process;

    public ValueTask<IObjectWriter> CreateAsync(string location, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(new ObjectWriter(this, location));
    }

    public ValueTask<bool> PutIfAbsentAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var bytes = content.ToArray();
        // Somebody on the way sends the request twice: the second answer says that it exists, whoever put it.
        return CallAsync("put-if-absent", location, isWrite: true, () => server.PutIfAbsent(location, bytes), cancellationToken, _ => false);
    }

    public async ValueTask PutAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var bytes = content.ToArray();
        await CallAsync("put", location, isWrite: true, () => Put(location, bytes), cancellationToken);
    }

    public ValueTask<byte[]?> ReadAsync(string location, CancellationToken cancellationToken) =>
        CallAsync("read", location, isWrite: false, () => server.Read(location), cancellationToken);

    public ValueTask<byte[]> ReadRangeAsync(string location, long offset, int count, CancellationToken cancellationToken) =>
        CallAsync("read range", location, isWrite: false, () =>
        {
            var content = server.Read(location) ?? throw RangeFault.Absent(location);
            if (offset + count > content.Length) throw RangeFault.BeyondEnd(location, content.Length, offset, count);
            return content.AsSpan((int)offset, count).ToArray();
        }, cancellationToken);

    public ValueTask<long?> LengthAsync(string location, CancellationToken cancellationToken) =>
        CallAsync("length", location, isWrite: false, () => server.Read(location)?.LongLength, cancellationToken);

    public async IAsyncEnumerable<StoredObject> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var item in await CallAsync("list", prefix, isWrite: false, () => server.List(prefix), cancellationToken)) yield return item;
    }

    public async ValueTask DeleteAsync(string location, CancellationToken cancellationToken) =>
        await CallAsync("delete", location, isWrite: true, () => Delete(location), cancellationToken);

    private bool Put(string location, byte[] bytes)
    {
        server.Put(location, bytes);
        return true;
    }

    private bool Delete(string location)
    {
        server.Delete(location);
        return true;
    }

    private ValueTask<T> CallAsync<T>(string what, string location, bool isWrite, Func<T> effect, CancellationToken cancellationToken, Func<T, T>? falsified = null)
    {
        var name = location[(location.LastIndexOf('/') + 1)..];
        return process.CallAsync(
            $"{what} {name}", weather.Decide(Service.Store, isWrite), effect, fault => StoreException.Of(KindOf(fault, isWrite), what, location, fault.Cause()), cancellationToken, falsified);
    }

    private static StoreFailureKind KindOf(CallFault fault, bool isWrite) => fault switch
    {
        CallFault.TurnedAway => StoreFailureKind.Throttled,
        CallFault.AnswerLost or CallFault.LandsLate when isWrite => StoreFailureKind.UnknownOutcome,
        _ => StoreFailureKind.Unreachable,
    };

    /// <summary>Sends the object when it is complete; until then a piece of it stands under a temporary name, which a dead process leaves behind.</summary>
    private sealed class ObjectWriter : IObjectWriter
    {
        private readonly StoreClient _store;
        private readonly string _location;
        private readonly string _temporary;
        private readonly MemoryStream _content = new();

        public ObjectWriter(StoreClient store, string location)
        {
            (_store, _location) = (store, location);
            var slash = location.LastIndexOf('/');
            _temporary = $"{location[..slash]}/.{location[(slash + 1)..]}.tmp";
        }

        public long PositionBytes => _content.Length;

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            _content.Write(bytes.Span);
            var part = _content.ToArray();
            await _store.CallAsync("write", _location, isWrite: true, () => _store.Put(_temporary, part), cancellationToken);
        }

        public async ValueTask CompleteAsync(CancellationToken cancellationToken)
        {
            var bytes = _content.ToArray();
            await _store.CallAsync("complete", _location, isWrite: true, () =>
            {
                _store.Server.Delete(_temporary);
                return _store.Put(_location, bytes);
            }, cancellationToken);
        }

        public ValueTask DisposeAsync()
        {
            if (!_store.Process.IsDead) _store.Server.Delete(_temporary);
            return default;
        }
    }
}
