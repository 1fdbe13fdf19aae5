using System.Buffers.Binary;
using Matih.Parquet.Encodings;
using Matih.Parquet.Format;

namespace Matih.Parquet.Reading;

/// <summary>
/// Decoded values of a page or a dictionary: numbers as 64 bits each (floating point by their bits), byte strings as ranges
/// of one array.
/// </summary>
internal sealed class PageValues
{
    public int Count { get; private init; }

    /// <summary>Numbers and booleans; INT32 is sign-extended.</summary>
    public long[] Numbers { get; private init; } = [];

    public byte[] Data { get; private init; } = [];
    private int[] Starts { get; init; } = [];
    private int[] Lengths { get; init; } = [];

    public ReadOnlySpan<byte> Bytes(int index) => Data.AsSpan(Starts[index], Lengths[index]);

    /// <summary>Decodes values of any encoding but the dictionary's.</summary>
    public static PageValues Decode(ReadOnlySpan<byte> page, Encoding encoding, StoredColumn column, int count) => (encoding, column.Physical) switch
    {
        (Encoding.Plain, PhysicalType.Boolean) => Bits(page, count),
        (Encoding.Rle, PhysicalType.Boolean) => RunsOfBits(page, count),
        (Encoding.Plain, PhysicalType.Int32 or PhysicalType.Float) => Plain32(page, count),
        (Encoding.Plain, PhysicalType.Int64 or PhysicalType.Double) => Plain64(page, count),
        (Encoding.Plain, PhysicalType.Int96) => Timestamps96(page, count),
        (Encoding.Plain, PhysicalType.ByteArray) => PlainBytes(page, count),
        (Encoding.Plain, PhysicalType.FixedLenByteArray) => FixedBytes(page, count, column.TypeLength),
        (Encoding.DeltaBinaryPacked, PhysicalType.Int32) => Delta(page, count, 32),
        (Encoding.DeltaBinaryPacked, PhysicalType.Int64) => Delta(page, count, 64),
        (Encoding.DeltaLengthByteArray, PhysicalType.ByteArray) => DeltaLength(page, count),
        (Encoding.DeltaByteArray, PhysicalType.ByteArray or PhysicalType.FixedLenByteArray) => DeltaBytes(page, count),
        (Encoding.ByteStreamSplit, PhysicalType.Int32 or PhysicalType.Float) => Plain32(Unsplit(page, count, 4), count),
        (Encoding.ByteStreamSplit, PhysicalType.Int64 or PhysicalType.Double) => Plain64(Unsplit(page, count, 8), count),
        (Encoding.ByteStreamSplit, PhysicalType.FixedLenByteArray) => FixedBytes(Unsplit(page, count, column.TypeLength), count, column.TypeLength),
        _ => throw new NotSupportedException($"Parquet encoding {encoding} of {column.Physical} values cannot be read."),
    };

    private static void Need(ReadOnlySpan<byte> page, long bytes)
    {
        if (page.Length < bytes) throw new InvalidDataException($"A Parquet page has {Quantity.Of(page.Length, "byte")} of values, expected {Quantity.Count(bytes)}.");
    }

    private static PageValues Bits(ReadOnlySpan<byte> page, int count)
    {
        Need(page, (count + 7L) / 8);
        var numbers = new long[count];
        for (var i = 0; i < count; i++) numbers[i] = page[i >> 3] >> (i & 7) & 1;
        return new PageValues { Count = count, Numbers = numbers };
    }

    private static PageValues RunsOfBits(ReadOnlySpan<byte> page, int count)
    {
        Need(page, 4);
        var decoded = new int[count];
        HybridDecoder.Decode(page[4..], 1, decoded);
        return new PageValues { Count = count, Numbers = Array.ConvertAll(decoded, bit => (long)bit) };
    }

    private static PageValues Plain32(ReadOnlySpan<byte> page, int count)
    {
        Need(page, count * 4L);
        var numbers = new long[count];
        for (var i = 0; i < count; i++) numbers[i] = BinaryPrimitives.ReadInt32LittleEndian(page[(4 * i)..]);
        return new PageValues { Count = count, Numbers = numbers };
    }

    private static PageValues Plain64(ReadOnlySpan<byte> page, int count)
    {
        Need(page, count * 8L);
        var numbers = new long[count];
        for (var i = 0; i < count; i++) numbers[i] = BinaryPrimitives.ReadInt64LittleEndian(page[(8 * i)..]);
        return new PageValues { Count = count, Numbers = numbers };
    }

    /// <summary>INT96: nanoseconds of the day and the Julian day, as microseconds since 1970-01-01.</summary>
    private static PageValues Timestamps96(ReadOnlySpan<byte> page, int count)
    {
        const int JulianDayOf1970 = 2_440_588;
        const long MicrosPerDay = 86_400_000_000;
        Need(page, count * 12L);
        var numbers = new long[count];
        for (var i = 0; i < count; i++)
        {
            var value = page[(12 * i)..];
            numbers[i] = (BinaryPrimitives.ReadInt32LittleEndian(value[8..]) - JulianDayOf1970) * MicrosPerDay + BinaryPrimitives.ReadInt64LittleEndian(value) / 1000;
        }
        return new PageValues { Count = count, Numbers = numbers };
    }

    private static PageValues PlainBytes(ReadOnlySpan<byte> page, int count)
    {
        // Each value has a length of four bytes: this many values must be there before arrays are made for them.
        Need(page, count * 4L);
        var starts = new int[count];
        var lengths = new int[count];
        var at = 0;
        for (var i = 0; i < count; i++)
        {
            Need(page, at + 4L);
            var length = BinaryPrimitives.ReadInt32LittleEndian(page[at..]);
            at += 4;
            if (length < 0 || length > page.Length - at) throw new InvalidDataException($"A Parquet value of {Quantity.Of(length, "byte")} ends past its page.");
            starts[i] = at;
            lengths[i] = length;
            at += length;
        }
        return new PageValues { Count = count, Data = page.ToArray(), Starts = starts, Lengths = lengths };
    }

    private static PageValues FixedBytes(ReadOnlySpan<byte> page, int count, int length)
    {
        Need(page, (long)count * length);
        var starts = new int[count];
        for (var i = 0; i < count; i++) starts[i] = i * length;
        var lengths = new int[count];
        lengths.AsSpan().Fill(length);
        return new PageValues { Count = count, Data = page.ToArray(), Starts = starts, Lengths = lengths };
    }

    private static PageValues Delta(ReadOnlySpan<byte> page, int count, int bits)
    {
        var numbers = new long[count];
        DeltaBinaryPacked.Decode(page, bits, numbers);
        return new PageValues { Count = count, Numbers = numbers };
    }

    private static PageValues DeltaLength(ReadOnlySpan<byte> page, int count)
    {
        var lengths = DeltaLengths(ref page, count);
        var starts = new int[count];
        long at = 0;
        for (var i = 0; i < count; i++)
        {
            starts[i] = (int)at;
            at += lengths[i];
            Need(page, at);
        }
        return new PageValues { Count = count, Data = page.ToArray(), Starts = starts, Lengths = lengths };
    }

    private static int[] DeltaLengths(ref ReadOnlySpan<byte> page, int count)
    {
        var numbers = new long[count];
        page = page[DeltaBinaryPacked.Decode(page, 32, numbers)..];
        var lengths = new int[count];
        for (var i = 0; i < count; i++)
        {
            if (numbers[i] is < 0 or > int.MaxValue) throw new InvalidDataException($"A Parquet value has the length {numbers[i]}.");
            lengths[i] = (int)numbers[i];
        }
        return lengths;
    }

    private static PageValues DeltaBytes(ReadOnlySpan<byte> page, int count)
    {
        var prefixes = DeltaLengths(ref page, count);
        var suffixes = DeltaLengths(ref page, count);
        using var data = new MemoryStream();
        var starts = new int[count];
        var lengths = new int[count];
        for (var i = 0; i < count; i++)
        {
            if (prefixes[i] > (i == 0 ? 0 : lengths[i - 1])) throw new InvalidDataException("A Parquet value shares more bytes with the one before than that has.");
            Need(page, suffixes[i]);
            starts[i] = checked((int)data.Length);
            lengths[i] = checked(prefixes[i] + suffixes[i]);
            if (i != 0) data.Write(data.GetBuffer().AsSpan(starts[i - 1], prefixes[i]).ToArray());
            data.Write(page[..suffixes[i]]);
            page = page[suffixes[i]..];
        }
        return new PageValues { Count = count, Data = data.ToArray(), Starts = starts, Lengths = lengths };
    }

    private static byte[] Unsplit(ReadOnlySpan<byte> page, int count, int width)
    {
        Need(page, (long)count * width);
        var plain = new byte[(long)count * width];
        for (var stream = 0; stream < width; stream++)
            for (var i = 0; i < count; i++) plain[i * width + stream] = page[stream * count + i];
        return plain;
    }
}
