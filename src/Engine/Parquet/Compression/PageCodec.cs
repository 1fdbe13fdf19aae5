using System.IO.Compression;
using Matih.Parquet.Format;

namespace Matih.Parquet.Compression;

/// <summary>Compresses and decompresses whole pages.</summary>
internal abstract class PageCodec
{
    /// <summary>The codec's number in the footer.</summary>
    public abstract CompressionCodec Number { get; }

    /// <summary>Appends the compressed page to the target.</summary>
    public abstract void Compress(ReadOnlySpan<byte> page, PooledBuffer target);

    /// <summary>Leaves pages as they are.</summary>
    public static PageCodec None { get; } = new Uncompressed();

    /// <summary>The codec that the settings ask for.</summary>
    public static PageCodec Create(ParquetWriterSettings settings) => settings.Compression switch
    {
        ParquetCompression.None => None,
        ParquetCompression.Gzip => new Gzip(),
        _ => new ZstdPages(Zstd.Best, settings.ZstdLevel),
    };

    /// <summary>Decompresses a page to exactly the target's length.</summary>
    /// <exception cref="InvalidDataException">The page is damaged.</exception>
    /// <exception cref="NotSupportedException">The codec is not one that we read.</exception>
    public static void Decompress(CompressionCodec codec, ReadOnlySpan<byte> page, Span<byte> target)
    {
        switch (codec)
        {
            case CompressionCodec.Uncompressed:
                if (page.Length != target.Length) throw new InvalidDataException($"An uncompressed page has {Quantity.Of(page.Length, "byte")}, its header says {Quantity.Count(target.Length)}.");
                page.CopyTo(target);
                break;
            case CompressionCodec.Snappy:
                Snappy.Decompress(page, target);
                break;
            case CompressionCodec.Gzip:
                Gunzip(page, target);
                break;
            case CompressionCodec.Zstd:
                Zstd.Best.Decompress(page, target);
                break;
            default:
                throw new NotSupportedException($"Parquet pages compressed with {codec} cannot be read; readable are zstd, gzip, Snappy and none.");
        }
    }

    private static void Gunzip(ReadOnlySpan<byte> page, Span<byte> target)
    {
        using var gzip = new GZipStream(new MemoryStream(page.ToArray()), CompressionMode.Decompress);
        var read = gzip.ReadAtLeast(target, target.Length, throwOnEndOfStream: false);
        if (read != target.Length || gzip.ReadByte() >= 0) throw new InvalidDataException($"A gzip page does not hold the {Quantity.Of(target.Length, "byte")} that its header says.");
    }

    private sealed class Uncompressed : PageCodec
    {
        public override CompressionCodec Number => CompressionCodec.Uncompressed;

        public override void Compress(ReadOnlySpan<byte> page, PooledBuffer target) => target.Append(page);
    }

    private sealed class Gzip : PageCodec
    {
        public override CompressionCodec Number => CompressionCodec.Gzip;

        public override void Compress(ReadOnlySpan<byte> page, PooledBuffer target)
        {
            using var output = new BufferStream(target);
            using var gzip = new GZipStream(output, CompressionLevel.Fastest);
            gzip.Write(page);
        }
    }

    private sealed class ZstdPages(Zstd zstd, int level) : PageCodec
    {
        public override CompressionCodec Number => CompressionCodec.Zstd;

        public override void Compress(ReadOnlySpan<byte> page, PooledBuffer target) =>
            target.Advance(zstd.Compress(page, target.Reserve(Zstd.BytesMax(page.Length)), level));
    }

    /// <summary>A write-only stream over a buffer.</summary>
    private sealed class BufferStream(PooledBuffer target) : Stream
    {
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => target.Length;
        public override long Position { get => target.Length; set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override void Write(ReadOnlySpan<byte> buffer) => target.Append(buffer);
        public override void Write(byte[] buffer, int offset, int count) => target.Append(buffer.AsSpan(offset, count));
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
