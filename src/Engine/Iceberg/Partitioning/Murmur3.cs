using System.Buffers.Binary;
using System.Numerics;

namespace Matih.Iceberg.Partitioning;

/// <summary>The 32-bit Murmur3 hash, x86 variant, seed 0.</summary>
/// <remarks>Source: Apache Iceberg table spec, Appendix B; MurmurHash3_x86_32 by Austin Appleby, public domain.</remarks>
internal static class Murmur3
{
    public static int Hash32(ReadOnlySpan<byte> bytes)
    {
        var hash = 0u;
        var rest = bytes;
        while (rest.Length >= sizeof(uint))
        {
            hash = Mix(hash, BinaryPrimitives.ReadUInt32LittleEndian(rest));
            rest = rest[sizeof(uint)..];
        }
        if (rest.Length > 0)
        {
            var tail = 0u;
            for (var i = rest.Length - 1; i >= 0; i--) tail = tail << 8 | rest[i];
            hash ^= Scramble(tail);
        }
        return Finish(hash, bytes.Length);
    }

    /// <summary>The hash of the number's eight little-endian bytes.</summary>
    public static int Hash32(long value) => Finish(Mix(Mix(0, (uint)value), (uint)(value >> 32)), sizeof(long));

    private static uint Mix(uint hash, uint block) => BitOperations.RotateLeft(hash ^ Scramble(block), 13) * 5 + 0xe6546b64;

    private static int Finish(uint hash, int length)
    {
        hash ^= (uint)length;
        hash = (hash ^ hash >> 16) * 0x85ebca6b;
        hash = (hash ^ hash >> 13) * 0xc2b2ae35;
        return (int)(hash ^ hash >> 16);
    }

    private static uint Scramble(uint block) => BitOperations.RotateLeft(block * 0xcc9e2d51, 15) * 0x1b873593;
}
