using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using Matih.Storage;

namespace Matih.Iceberg.Metadata;

/// <summary>
/// A part of a gzip file, compressed by itself: it refers to no text before it and ends at a byte, so that files are put
/// together out of parts that were compressed before.
/// </summary>
/// <remarks>RFC 1951: a deflate stream is a row of blocks, and an empty stored block (a "sync flush") fills up to a byte. RFC 1952: one member.</remarks>
internal sealed record ZippedPart(ReadOnlyMemory<byte> Deflated, uint Crc, long Length)
{
    private static readonly byte[] Head = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];

    /// <summary>A last block with nothing in it.</summary>
    private static readonly byte[] LastBlock = [3, 0];

    public static ZippedPart Of(ReadOnlyMemory<byte> text)
    {
        using var deflated = new MemoryStream();
        using var stream = new DeflateStream(deflated, CompressionLevel.Optimal, leaveOpen: true);
        stream.Write(text.Span);
        stream.Flush();
        return new ZippedPart(deflated.ToArray(), Crc32.Of(text.Span), text.Length);
    }

    /// <summary>The file that the parts make.</summary>
    public static ReadOnlySequence<byte> Join(IEnumerable<ZippedPart> parts)
    {
        var (crc, length) = (0u, 0L);
        var pieces = new List<ReadOnlyMemory<byte>> { Head };
        foreach (var part in parts)
        {
            pieces.Add(part.Deflated);
            crc = Crc32.Combine(crc, part.Crc, part.Length);
            length += part.Length;
        }
        var end = new byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(end, crc);
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(4), (uint)length);
        pieces.Add(LastBlock);
        pieces.Add(end);
        return ByteSequence.Of(pieces);
    }
}
