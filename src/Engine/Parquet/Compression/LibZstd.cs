using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Matih.Parquet.Compression;

/// <summary>The system's libzstd.</summary>
/// <remarks>Source: zstd.h 1.5, "Explicit context": these functions are in libzstd since 0.8 or earlier.</remarks>
internal sealed unsafe class LibZstd : Zstd
{
    private static readonly string[] LibraryNames =
        OperatingSystem.IsWindows() ? ["libzstd", "zstd"] :
        OperatingSystem.IsMacOS() ? ["libzstd.1.dylib", "/opt/homebrew/lib/libzstd.1.dylib"] :
        ["libzstd.so.1"];

    private readonly delegate* unmanaged[Cdecl]<nint> _createCompressor;
    private readonly delegate* unmanaged[Cdecl]<nint> _createDecompressor;
    private readonly delegate* unmanaged[Cdecl]<nuint, uint> _isError;
    private readonly delegate* unmanaged[Cdecl]<nuint, nint> _errorName;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, int, nuint> _compress;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, nuint> _decompress;
    private readonly ConcurrentBag<nint> _compressors = [];
    private readonly ConcurrentBag<nint> _decompressors = [];

    private LibZstd(nint library)
    {
        _createCompressor = (delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(library, "ZSTD_createCCtx");
        _createDecompressor = (delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(library, "ZSTD_createDCtx");
        _isError = (delegate* unmanaged[Cdecl]<nuint, uint>)NativeLibrary.GetExport(library, "ZSTD_isError");
        _errorName = (delegate* unmanaged[Cdecl]<nuint, nint>)NativeLibrary.GetExport(library, "ZSTD_getErrorName");
        _compress = (delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, int, nuint>)NativeLibrary.GetExport(library, "ZSTD_compressCCtx");
        _decompress = (delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, nuint>)NativeLibrary.GetExport(library, "ZSTD_decompressDCtx");
    }

    /// <summary>The library, or null where the system has none.</summary>
    public static LibZstd? Load()
    {
        foreach (var name in LibraryNames)
            if (NativeLibrary.TryLoad(name, typeof(LibZstd).Assembly, null, out var library)) return new LibZstd(library);
        return null;
    }

    public override int Compress(ReadOnlySpan<byte> source, Span<byte> target, int level)
    {
        var context = Take(_compressors, _createCompressor);
        try
        {
            fixed (byte* from = source)
            fixed (byte* to = target)
            {
                var result = _compress(context, to, (nuint)target.Length, from, (nuint)source.Length, level);
                return _isError(result) == 0 ? (int)result : throw NotCompressed(source.Length, Describe(result));
            }
        }
        finally
        {
            _compressors.Add(context);
        }
    }

    protected override int Unpack(ReadOnlySpan<byte> source, Span<byte> target)
    {
        var context = Take(_decompressors, _createDecompressor);
        try
        {
            fixed (byte* from = source)
            fixed (byte* to = target)
            {
                var result = _decompress(context, to, (nuint)target.Length, from, (nuint)source.Length);
                return _isError(result) == 0 ? (int)result : throw Damaged(Describe(result));
            }
        }
        finally
        {
            _decompressors.Add(context);
        }
    }

    private static nint Take(ConcurrentBag<nint> pool, delegate* unmanaged[Cdecl]<nint> create)
    {
        if (pool.TryTake(out var context)) return context;
        context = create();
        return context != 0 ? context : throw new InsufficientMemoryException("libzstd could not allocate a context.");
    }

    private string Describe(nuint code) => Marshal.PtrToStringUTF8(_errorName(code)) ?? "unknown error";
}
