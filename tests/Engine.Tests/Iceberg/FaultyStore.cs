using Matih.Storage;

namespace Matih.Engine.Tests.Iceberg;

/// <summary>A store whose next put-if-absent of a name can be made to fail, or to be overtaken, and that can be down as a whole.</summary>
internal sealed class FaultyStore(IStore inner) : IStore
{
    private (string Ending, Func<Task> Act)? _before;
    private (string Ending, Func<Task> Act)? _after;
    private (string Ending, Func<Task> Act)? _beforeRead;
    private string? _failingRead;

    /// <summary>Operations on these locations fail for as long as this says so; null: none.</summary>
    public Func<string, bool>? IsDown { get; set; }

    /// <summary>Writes over what exists, as stores do that take no notice of If-None-Match.</summary>
    public bool IgnoresPreconditions { get; set; }

    /// <summary>Runs once, before the put reaches the store; may throw.</summary>
    public void Before(string ending, Func<Task> act) => _before = (ending, act);

    /// <summary>Runs once, after the put was applied and before its answer; may throw.</summary>
    public void After(string ending, Func<Task> act) => _after = (ending, act);

    /// <summary>Runs once, before the next read of such a name.</summary>
    public void BeforeRead(string ending, Func<Task> act) => _beforeRead = (ending, act);

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
        RequireUp(location);
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
        return await inner.ReadAsync(location, cancellationToken);
    }

    public ValueTask<IObjectWriter> CreateAsync(string location, CancellationToken cancellationToken) => inner.CreateAsync(RequireUp(location), cancellationToken);
    public ValueTask PutAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => inner.PutAsync(RequireUp(location), content, cancellationToken);
    public ValueTask<byte[]> ReadRangeAsync(string location, long offset, int count, CancellationToken cancellationToken) => inner.ReadRangeAsync(RequireUp(location), offset, count, cancellationToken);
    public ValueTask<long?> LengthAsync(string location, CancellationToken cancellationToken) => inner.LengthAsync(RequireUp(location), cancellationToken);
    public IAsyncEnumerable<StoredObject> ListAsync(string folder, CancellationToken cancellationToken) => inner.ListAsync(RequireUp(folder), cancellationToken);
    public ValueTask DeleteAsync(string location, CancellationToken cancellationToken) => inner.DeleteAsync(RequireUp(location), cancellationToken);

    private string RequireUp(string location) => IsDown?.Invoke(location) == true ? throw new IOException("503 Slow Down") : location;
}
