namespace Matih.Parquet.Encodings;

/// <summary>Reads runs of repeated and of bit-packed values: dictionary indices, definition levels, booleans.</summary>
/// <remarks>Source: parquet-format, Encodings.md, "Run Length Encoding / Bit-Packing Hybrid (RLE = 3)".</remarks>
internal static class HybridDecoder
{
    /// <summary>Fills <paramref name="target"/> with as many values of the given width (0 to 32) as it has room for.</summary>
    /// <exception cref="InvalidDataException">The data holds fewer values.</exception>
    public static void Decode(ReadOnlySpan<byte> encoded, int width, Span<int> target)
    {
        if (width is < 0 or > 32) throw new InvalidDataException($"Bit width {width} is not in 0 to 32.");
        var at = 0;
        var filled = 0;
        while (filled < target.Length)
        {
            var header = ReadVarint(encoded, ref at);
            var rest = target[filled..];
            var count = (header & 1) == 0 ? DecodeRun(encoded, ref at, header >> 1, width, rest) : DecodePacked(encoded, ref at, header >> 1, width, rest);
            if (count == 0) throw new InvalidDataException("A run of no values.");
            filled += count;
        }
    }

    private static int DecodeRun(ReadOnlySpan<byte> encoded, ref int at, uint length, int width, Span<int> target)
    {
        var valueBytes = (width + 7) / 8;
        if (encoded.Length - at < valueBytes) ThrowEnd();
        uint value = 0;
        for (var i = 0; i < valueBytes; i++) value |= (uint)encoded[at + i] << (8 * i);
        at += valueBytes;
        var count = (int)Math.Min(length, (uint)target.Length);
        target[..count].Fill((int)value);
        return count;
    }

    private static int DecodePacked(ReadOnlySpan<byte> encoded, ref int at, uint groups, int width, Span<int> target)
    {
        var count = (int)Math.Min(groups * 8UL, (ulong)target.Length);
        // Some writers leave out the padding of the last group, so what matters is the bytes of the values asked for.
        var neededBytes = ((long)count * width + 7) / 8;
        if (encoded.Length - at < neededBytes) ThrowEnd();
        var packed = encoded[at..];
        for (var i = 0; i < count; i++) target[i] = (int)BitPacking.Unpack(packed, (long)i * width, width);
        at = (int)Math.Min(encoded.Length, at + (long)groups * width);
        return count;
    }

    private static uint ReadVarint(ReadOnlySpan<byte> encoded, ref int at)
    {
        uint value = 0;
        for (var shift = 0; shift < 35; shift += 7)
        {
            if (at >= encoded.Length) ThrowEnd();
            var next = encoded[at++];
            value |= (uint)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }
        throw new InvalidDataException("A run header is longer than five bytes.");
    }

    private static void ThrowEnd() => throw new InvalidDataException("Run-length data ends before the page's values do.");
}
