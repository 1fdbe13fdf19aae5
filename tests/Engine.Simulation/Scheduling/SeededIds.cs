using Matih.Storage;

namespace Matih.Engine.Simulation.Scheduling;

/// <summary>Ids from a seed: each process has a stream of its own.</summary>
internal sealed class SeededIds(Random random) : IIdSource
{
    public Guid NewUuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        return new Guid(bytes);
    }

    public long NewSnapshotId() => random.NextInt64(1, long.MaxValue);
}
