using System.Buffers.Binary;
using System.Numerics;

namespace Matih.Kafka;

/// <summary>
/// The checksum that tells a record from another at the same offset: CRC-32C (Castagnoli) over the key's bytes, then the
/// value's; a null key or value adds nothing.
/// </summary>
/// <remarks>CRC-32C as in RFC 3720, appendix B.4; the processor's instruction where it has one.</remarks>
internal static class RecordFingerprint
{
    public static uint Of(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => ~Append(Append(uint.MaxValue, key), value);

    private static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }
        foreach (var item in bytes) crc = BitOperations.Crc32C(crc, item);
        return crc;
    }
}
