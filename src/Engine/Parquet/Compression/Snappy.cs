namespace Matih.Parquet.Compression;

/// <summary>Decodes raw Snappy blocks, which other writers' pages are often compressed with.</summary>
/// <remarks>Source: google/snappy, format_description.txt.</remarks>
internal static class Snappy
{
    /// <summary>Decompresses to exactly the target's length.</summary>
    /// <exception cref="InvalidDataException">The block is damaged.</exception>
    public static void Decompress(ReadOnlySpan<byte> source, Span<byte> target)
    {
        var at = 0;
        var length = ReadLength(source, ref at);
        if (length != (uint)target.Length) throw new InvalidDataException($"A Snappy page holds {Quantity.Of((long)length, "byte")}, its header says {Quantity.Count(target.Length)}.");
        var filled = 0;
        while (at < source.Length)
        {
            var tag = source[at++];
            if ((tag & 3) == 0) CopyLiteral(source, ref at, tag >> 2, target, ref filled);
            else CopyBack(source, ref at, tag, target, ref filled);
        }
        if (filled != target.Length) ThrowDamaged();
    }

    private static void CopyLiteral(ReadOnlySpan<byte> source, ref int at, int code, Span<byte> target, ref int filled)
    {
        long length = code + 1;
        if (code >= 60)
        {
            var bytes = code - 59;
            length = ReadLittleEndian(source, ref at, bytes) + 1L;
        }
        if (length > source.Length - at || length > target.Length - filled) ThrowDamaged();
        source.Slice(at, (int)length).CopyTo(target[filled..]);
        at += (int)length;
        filled += (int)length;
    }

    private static void CopyBack(ReadOnlySpan<byte> source, ref int at, int tag, Span<byte> target, ref int filled)
    {
        var length = (tag & 3) == 1 ? (tag >> 2 & 7) + 4 : (tag >> 2) + 1;
        var offset = (tag & 3) switch
        {
            1 => (uint)(tag >> 5) << 8 | ReadLittleEndian(source, ref at, 1),
            2 => ReadLittleEndian(source, ref at, 2),
            _ => ReadLittleEndian(source, ref at, 4),
        };
        if (offset == 0 || offset > (uint)filled || length > target.Length - filled) ThrowDamaged();
        var from = filled - (int)offset;
        // The ranges may overlap, in which case the copied bytes repeat.
        for (var i = 0; i < length; i++) target[filled + i] = target[from + i];
        filled += length;
    }

    private static uint ReadLength(ReadOnlySpan<byte> source, ref int at)
    {
        uint value = 0;
        for (var shift = 0; shift < 35; shift += 7)
        {
            if (at >= source.Length) ThrowDamaged();
            var next = source[at++];
            value |= (uint)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }
        throw new InvalidDataException("A Snappy page's length is longer than five bytes.");
    }

    private static uint ReadLittleEndian(ReadOnlySpan<byte> source, ref int at, int bytes)
    {
        if (source.Length - at < bytes) ThrowDamaged();
        uint value = 0;
        for (var i = 0; i < bytes; i++) value |= (uint)source[at + i] << (8 * i);
        at += bytes;
        return value;
    }

    private static void ThrowDamaged() => throw new InvalidDataException("A Snappy page is damaged.");
}
