using Matih.Storage;

namespace Matih.Engine.Tests.Iceberg;

/// <summary>A store whose next put-if-absent of a name can be made to fail, or to be overtaken, and that can be down as a whole.</summary>
internal sealed class FaultyStore(IStore inner) : IStore
{
    private (string Ending, Func<Task> Act)? _before;
    private (string Ending, Func<Task> Act)? _after;
    private (string Ending, Func<Task> Act)? _beforeRead;
    private (string Ending, Func<Task> Act)? _beforeCreate;
    private string? _failingRead;

    /// <summary>Operations on these locations fail for as long as this says so; null: none.</summary>
    public Func<string, bool>? IsDown { get; set; }

    /// <summary>Writes over what exists, as stores do that take no notice of If-None-Match.</summary>
    public bool IgnoresPreconditions { get; set; }

    /// <summary>Looks whether the object exists, and writes a moment later, as some stores did that say they have If-None-Match.</summary>
    public bool RacesPreconditions { get; set; }

    /// <summary>Looks for a few objects by their names, as a local disk does, and does not list them.</summary>
    public bool FindsByName { get; set; }

    /// <summary>What was listed, in order.</summary>
    public List<string> ListedPrefixes { get; } = [];

    /// <summary>What was read, in order; ranges with <c> 0+10</c> behind their name.</summary>
    public List<string> Reads { get; } = [];

    /// <summary>Runs once, before the put reaches the store; may throw.</summary>
    public void Before(string ending, Func<Task> act) => _before = (ending, act);

    /// <summary>Runs once, after the put was applied and before its answer; may throw.</summary>
    public void After(string ending, Func<Task> act) => _after = (ending, act);

    /// <summary>Runs once, before the next read of such a name.</summary>
    public void BeforeRead(string ending, Func<Task> act) => _beforeRead = (ending, act);

    /// <summary>Runs once, before the next such object is begun to be written bit by bit.</summary>
    public void BeforeCreate(string ending, Func<Task> act) => _beforeCreate = (ending, act);

    public void FailBefore(string ending) => Before(ending, () => throw new IOException("connection refused"));

    public void FailAfter(string ending) => After(ending, () => throw new IOException("connection reset"));

    /// <summary>The next read of such a name gets no answer.</summary>
    public void FailRead(string ending) => _failingRead = ending;

    public async ValueTask<bool> PutIfAbsentAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        RequireUp(location);
        if (_before is { } before && location.EndsWith(before.Ending, StringComparison.Ordinal))
        {
            _before = null;
            await before.Act();
        }
        if (RacesPreconditions)
        {
            if (await inner.LengthAsync(location, cancellationToken) is not null) return false;
            await Task.Yield();
            await inner.PutAsync(location, content, cancellationToken);
            return true;
        }
        if (IgnoresPreconditions)
        {
            await inner.PutAsync(location, content, cancellationToken);
            return true;
        }
        var isPut = await inner.PutIfAbsentAsync(location, content, cancellationToken);
        if (_after is { } after && location.EndsWith(after.Ending, StringComparison.Ordinal))
        {
            _after = null;
            await after.Act();
        }
        return isPut;
    }

    public async ValueTask<byte[]?> ReadAsync(string location, CancellationToken cancellationToken)
    {
        await PassAsync(location, location);
        return await inner.ReadAsync(location, cancellationToken);
    }

    public async ValueTask<byte[]> ReadRangeAsync(string location, long offset, int count, CancellationToken cancellationToken)
    {
        await PassAsync(location, $"{location} {offset}+{count}");
        return await inner.ReadRangeAsync(location, offset, count, cancellationToken);
    }

    private async ValueTask PassAsync(string location, string read)
    {
        RequireUp(location);
        lock (Reads) Reads.Add(read);
        if (_beforeRead is { } before && location.EndsWith(before.Ending, StringComparison.Ordinal))
        {
            _beforeRead = null;
            await before.Act();
        }
        if (_failingRead is { } ending && location.EndsWith(ending, StringComparison.Ordinal))
        {
            _failingRead = null;
            throw new IOException("no route to host");
        }
    }

    /// <summary>Writers say that they hold all that was written until they are complete, as those of object stores do with small files.</summary>
    public bool HoldsWhatIsWritten { get; set; }

    private long _held;
    private long _heldMax;

    /// <summary>The most bytes that writers held at the same time.</summary>
    public long HeldMaxBytes => Interlocked.Read(ref _heldMax);

    private void Hold(long bytes)
    {
        var held = Interlocked.Add(ref _held, bytes);
        for (var max = HeldMaxBytes; held > max; max = HeldMaxBytes) Interlocked.CompareExchange(ref _heldMax, held, max);
    }

    private int _open;
    private int _openMax;

    /// <summary>The most objects that were being written at the same time.</summary>
    public int OpenMax => Volatile.Read(ref _openMax);

    public async ValueTask<IObjectWriter> CreateAsync(string location, CancellationToken cancellationToken)
    {
        if (_beforeCreate is { } before && location.EndsWith(before.Ending, StringComparison.Ordinal))
        {
            _beforeCreate = null;
            await before.Act();
        }
        var writer = new CountedWriter(this, await inner.CreateAsync(RequireUp(location), cancellationToken));
        var open = Interlocked.Increment(ref _open);
        for (var max = OpenMax; open > max; max = OpenMax) Interlocked.CompareExchange(ref _openMax, open, max);
        return writer;
    }

    private sealed class CountedWriter(FaultyStore store, IObjectWriter writer) : IObjectWriter
    {
        private bool _isClosed;

        public long PositionBytes => writer.PositionBytes;

        public long BufferedBytes => !_isClosed && store.HoldsWhatIsWritten ? writer.PositionBytes : writer.BufferedBytes;

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            await writer.WriteAsync(bytes, cancellationToken);
            store.Hold(bytes.Length);
        }

        public ValueTask EndAsync(CancellationToken cancellationToken) => writer.EndAsync(cancellationToken);

        public async ValueTask CompleteAsync(CancellationToken cancellationToken)
        {
            await writer.CompleteAsync(cancellationToken);
            Close();
        }

        public ValueTask DisposeAsync()
        {
            Close();
            return writer.DisposeAsync();
        }

        private void Close()
        {
            if (_isClosed) return;
            Interlocked.Decrement(ref store._open);
            store.Hold(-writer.PositionBytes);
            _isClosed = true;
        }
    }

    public ValueTask PutAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => inner.PutAsync(RequireUp(location), content, cancellationToken);
    public ValueTask<long?> LengthAsync(string location, CancellationToken cancellationToken) => inner.LengthAsync(RequireUp(location), cancellationToken);

    public async ValueTask<IReadOnlyList<StoredObject>?> TryFindAsync(IReadOnlyList<string> locations, CancellationToken cancellationToken)
    {
        if (!FindsByName) return null;
        foreach (var location in locations) RequireUp(location);
        return await inner.TryFindAsync(locations, cancellationToken);
    }

    public IAsyncEnumerable<StoredObject> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        lock (ListedPrefixes) ListedPrefixes.Add(prefix);
        return inner.ListAsync(RequireUp(prefix), cancellationToken);
    }

    public ValueTask DeleteAsync(string location, CancellationToken cancellationToken) => inner.DeleteAsync(RequireUp(location), cancellationToken);

    private string RequireUp(string location) => IsDown?.Invoke(location) == true ? throw new IOException("503 Slow Down") : location;
}
