namespace Matih.Parquet.Compression;

/// <summary>
/// A zstd that compresses and decompresses whole pages. Contexts (about 1 MB each) are reused through a pool that holds as
/// many as have ever been in use at once. Thread-safe.
/// </summary>
internal abstract class Zstd
{
    /// <summary>The system's libzstd where there is one, which takes less CPU (bench/README.md, "zstd"), else the port, which is always there.</summary>
    public static Zstd Best { get; } = (Zstd?)LibZstd.Load() ?? new ZstdPort();

    /// <summary>The most bytes that so many bytes become (ZSTD_COMPRESSBOUND of zstd.h 1.5).</summary>
    public static int BytesMax(int length) => checked(length + (length >> 8) + (length < 128 << 10 ? (128 << 10) - length >> 11 : 0));

    /// <summary>Compresses into a target of at least <see cref="BytesMax"/> bytes.</summary>
    public abstract int Compress(ReadOnlySpan<byte> source, Span<byte> target, int level);

    /// <summary>Decompresses to exactly the target's length.</summary>
    /// <exception cref="InvalidDataException">The page is damaged.</exception>
    public void Decompress(ReadOnlySpan<byte> source, Span<byte> target)
    {
        var length = Unpack(source, target);
        if (length != target.Length) throw new InvalidDataException($"A zstd page holds {Quantity.Of((long)length, "byte")}, its header says {Quantity.Count(target.Length)}.");
    }

    protected abstract int Unpack(ReadOnlySpan<byte> source, Span<byte> target);

    protected static InvalidDataException Damaged(string reason) => new($"A zstd page is damaged: {reason}.");

    protected static InvalidOperationException NotCompressed(int length, string reason) =>
        new($"zstd could not compress {Quantity.Of(length, "byte")}: {reason}.");
}
