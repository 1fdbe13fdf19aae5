using System.Buffers.Binary;
using System.Security.Cryptography;
using Matih.Storage;

namespace Matih.Hosting;

/// <summary>Ids from the operating system's randomness. Thread-safe.</summary>
public sealed class SystemIdSource : IIdSource
{
    public Guid NewUuid() => Guid.NewGuid();

    public long NewSnapshotId()
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        long id;
        do
        {
            RandomNumberGenerator.Fill(bytes);
            id = BinaryPrimitives.ReadInt64LittleEndian(bytes) & long.MaxValue;
        }
        while (id == 0);
        return id;
    }
}
