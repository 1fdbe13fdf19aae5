using System.Collections.Concurrent;
using ZstdSharp;

namespace Matih.Parquet.Compression;

/// <summary>zstd in C#: the ZstdSharp package, a port of libzstd's sources, whose output is the same.</summary>
internal sealed class ZstdPort : Zstd
{
    private readonly ConcurrentBag<Compressor> _compressors = [];
    private readonly ConcurrentBag<Decompressor> _decompressors = [];

    public override int Compress(ReadOnlySpan<byte> source, Span<byte> target, int level)
    {
        var compressor = _compressors.TryTake(out var pooled) ? pooled : new Compressor();
        try
        {
            compressor.Level = level;
            return compressor.Wrap(source, target);
        }
        catch (ZstdException failure)
        {
            throw NotCompressed(source.Length, failure.Message);
        }
        finally
        {
            _compressors.Add(compressor);
        }
    }

    protected override int Unpack(ReadOnlySpan<byte> source, Span<byte> target)
    {
        var decompressor = _decompressors.TryTake(out var pooled) ? pooled : new Decompressor();
        try
        {
            return decompressor.Unwrap(source, target);
        }
        catch (ZstdException failure)
        {
            throw Damaged(failure.Message);
        }
        finally
        {
            _decompressors.Add(decompressor);
        }
    }
}
