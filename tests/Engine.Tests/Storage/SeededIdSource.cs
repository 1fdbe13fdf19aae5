using Matih.Storage;

namespace Matih.Engine.Tests.Storage;

/// <summary>Ids from a seed: the same every run. Thread-safe.</summary>
public sealed class SeededIdSource(int seed) : IIdSource
{
    private readonly Random _random = new(seed);

    public Guid NewUuid()
    {
        var bytes = new byte[16];
        lock (_random) _random.NextBytes(bytes);
        return new Guid(bytes);
    }

    public long NewSnapshotId()
    {
        lock (_random) return _random.NextInt64(1, long.MaxValue);
    }
}
