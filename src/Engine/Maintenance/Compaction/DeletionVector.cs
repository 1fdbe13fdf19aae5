using System.Buffers.Binary;
using System.Numerics;
using Matih.Iceberg.Metadata;

namespace Matih.Maintenance.Compaction;

/// <summary>Reads deletion vectors: the positions of a data file's deleted rows.</summary>
/// <remarks>
/// Source: Puffin spec, <c>deletion-vector-v1</c>: length (4 bytes, big-endian) of what follows up to the checksum, the magic
/// D1 D3 39 64, a 64-bit Roaring bitmap in its portable form (little-endian), CRC-32 (4 bytes, big-endian) of magic and bitmap.
/// The bitmap: how many keys (8 bytes), and for each the upper 32 bits of its positions and a 32-bit Roaring bitmap of the lower
/// ones. RoaringFormatSpec: a cookie, for each container its key (upper 16 bits) and its number of values less one, offsets, containers.
/// </remarks>
internal static class DeletionVector
{
    private const int FrameBytes = 8;
    private const uint Magic = 0x6439D3D1;
    private const uint CookieWithoutRuns = 12346;
    private const uint CookieWithRuns = 12347;
    private const int OffsetsFromCount = 4;
    private const int ArrayValuesMax = 4096;
    private const int BitmapWords = 1024;

    /// <param name="blob">The vector's part of its Puffin file.</param>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static HashSet<long> Read(ReadOnlySpan<byte> blob)
    {
        if (blob.Length < FrameBytes + sizeof(uint)) throw new InvalidDataException($"a deletion vector of {blob.Length} bytes is cut");
        var length = BinaryPrimitives.ReadInt32BigEndian(blob);
        var body = blob[sizeof(int)..^sizeof(int)];
        if (length != body.Length) throw new InvalidDataException($"a deletion vector says {length} bytes and has {body.Length}");
        if (BinaryPrimitives.ReadUInt32LittleEndian(body) != Magic) throw new InvalidDataException("a deletion vector does not begin as one");
        if (BinaryPrimitives.ReadUInt32BigEndian(blob[^sizeof(uint)..]) != Crc32.Of(body)) throw new InvalidDataException("a deletion vector has another checksum than it says");
        try
        {
            var reader = new Reader(body[sizeof(uint)..]);
            var positions = ReadBitmaps(ref reader);
            return reader.IsAtEnd ? positions : throw new InvalidDataException("a deletion vector goes on behind its end");
        }
        catch (Exception exception) when (exception is ArgumentOutOfRangeException or OverflowException)
        {
            throw new InvalidDataException("a deletion vector ends in the middle", exception);
        }
    }

    private static HashSet<long> ReadBitmaps(ref Reader reader)
    {
        var positions = new HashSet<long>();
        for (var left = reader.UInt64(); left > 0; left--)
        {
            var high = (long)reader.UInt32() << 32;
            if (high < 0) throw new InvalidDataException("a deletion vector has a position beyond all files");
            ReadBitmap(ref reader, high, positions);
        }
        return positions;
    }

    private static void ReadBitmap(ref Reader reader, long high, HashSet<long> positions)
    {
        var cookie = reader.UInt32();
        var hasRuns = (cookie & 0xFFFF) == CookieWithRuns;
        if (!hasRuns && cookie != CookieWithoutRuns) throw new InvalidDataException($"a deletion vector has an unknown kind of bitmap ({cookie})");
        var count = checked((int)(hasRuns ? (cookie >> 16) + 1 : reader.UInt32()));
        var runs = hasRuns ? reader.Take((count + 7) / 8) : default;
        var heads = reader.Take(checked(count * 2 * sizeof(ushort)));
        if (!hasRuns || count >= OffsetsFromCount) reader.Take(count * sizeof(uint));
        for (var i = 0; i < count; i++)
        {
            var start = high | (long)BinaryPrimitives.ReadUInt16LittleEndian(heads[(4 * i)..]) << 16;
            var values = BinaryPrimitives.ReadUInt16LittleEndian(heads[(4 * i + 2)..]) + 1;
            if (hasRuns && (runs[i / 8] >> i % 8 & 1) != 0) ReadRuns(ref reader, start, positions);
            else if (values <= ArrayValuesMax) ReadArray(ref reader, start, values, positions);
            else ReadWords(ref reader, start, positions);
        }
    }

    private static void ReadRuns(ref Reader reader, long start, HashSet<long> positions)
    {
        for (var left = reader.UInt16(); left > 0; left--)
        {
            var (first, more) = (reader.UInt16(), reader.UInt16());
            for (var value = 0; value <= more; value++) positions.Add(start + first + value);
        }
    }

    private static void ReadArray(ref Reader reader, long start, int count, HashSet<long> positions)
    {
        for (; count > 0; count--) positions.Add(start + reader.UInt16());
    }

    private static void ReadWords(ref Reader reader, long start, HashSet<long> positions)
    {
        for (var word = 0; word < BitmapWords; word++)
            for (var bits = reader.UInt64(); bits != 0; bits &= bits - 1)
                positions.Add(start + word * 64 + BitOperations.TrailingZeroCount(bits));
    }

    /// <summary>Takes little-endian numbers from the front; beyond the end slices throw.</summary>
    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _rest = bytes;

        public readonly bool IsAtEnd => _rest.IsEmpty;

        public ReadOnlySpan<byte> Take(int count)
        {
            var taken = _rest[..count];
            _rest = _rest[count..];
            return taken;
        }

        public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(sizeof(ushort)));

        public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));

        public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong)));
    }
}
