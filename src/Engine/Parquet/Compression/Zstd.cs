using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Matih.Parquet.Compression;

/// <summary>
/// The system's libzstd, looked up once. Contexts (about 1 MB each) are reused through a pool that holds as many as have
/// ever been in use at once. Thread-safe.
/// </summary>
/// <remarks>Source: zstd.h 1.5, "Explicit context": these functions are in libzstd since 0.8 or earlier.</remarks>
internal static unsafe class Zstd
{
    private static readonly string[] LibraryNames =
        OperatingSystem.IsWindows() ? ["libzstd", "zstd"] :
        OperatingSystem.IsMacOS() ? ["libzstd.1.dylib", "libzstd.dylib", "/opt/homebrew/lib/libzstd.1.dylib"] :
        ["libzstd.so.1", "libzstd.so"];

    private static readonly nint Library = Load();
    private static readonly delegate* unmanaged[Cdecl]<nint> CreateCompressor = (delegate* unmanaged[Cdecl]<nint>)Find("ZSTD_createCCtx");
    private static readonly delegate* unmanaged[Cdecl]<nint> CreateDecompressor = (delegate* unmanaged[Cdecl]<nint>)Find("ZSTD_createDCtx");
    private static readonly delegate* unmanaged[Cdecl]<nuint, nuint> Bound = (delegate* unmanaged[Cdecl]<nuint, nuint>)Find("ZSTD_compressBound");
    private static readonly delegate* unmanaged[Cdecl]<nuint, uint> IsError = (delegate* unmanaged[Cdecl]<nuint, uint>)Find("ZSTD_isError");
    private static readonly delegate* unmanaged[Cdecl]<nuint, nint> ErrorName = (delegate* unmanaged[Cdecl]<nuint, nint>)Find("ZSTD_getErrorName");

    private static readonly delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, int, nuint> CompressNative =
        (delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, int, nuint>)Find("ZSTD_compressCCtx");

    private static readonly delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, nuint> DecompressNative =
        (delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, nuint>)Find("ZSTD_decompressDCtx");

    private static readonly ConcurrentBag<nint> Compressors = [];
    private static readonly ConcurrentBag<nint> Decompressors = [];

    public static bool IsAvailable =>
        CreateCompressor != null && CreateDecompressor != null && Bound != null && IsError != null && ErrorName != null && CompressNative != null && DecompressNative != null;

    /// <summary>What to do about a missing library, for messages.</summary>
    public const string Remedy = "Install the system's zstd library (Debian: libzstd1, Red Hat: libzstd, macOS: brew install zstd).";

    public static int BytesMax(int length) => checked((int)Bound((nuint)length));

    /// <summary>Compresses into a target of at least <see cref="BytesMax"/> bytes.</summary>
    public static int Compress(ReadOnlySpan<byte> source, Span<byte> target, int level)
    {
        var context = Take(Compressors, CreateCompressor);
        try
        {
            fixed (byte* from = source)
            fixed (byte* to = target)
            {
                var result = CompressNative(context, to, (nuint)target.Length, from, (nuint)source.Length, level);
                if (IsError(result) != 0) throw new InvalidOperationException($"libzstd could not compress {Quantity.Of(source.Length, "byte")}: {Describe(result)}.");
                return (int)result;
            }
        }
        finally
        {
            Compressors.Add(context);
        }
    }

    /// <summary>Decompresses to exactly the target's length.</summary>
    public static void Decompress(ReadOnlySpan<byte> source, Span<byte> target)
    {
        if (!IsAvailable) throw new NotSupportedException("The page is compressed with zstd, and no libzstd was found. " + Remedy);
        var context = Take(Decompressors, CreateDecompressor);
        try
        {
            fixed (byte* from = source)
            fixed (byte* to = target)
            {
                var result = DecompressNative(context, to, (nuint)target.Length, from, (nuint)source.Length);
                if (IsError(result) != 0) throw new InvalidDataException($"A zstd page is damaged: {Describe(result)}.");
                if (result != (nuint)target.Length) throw new InvalidDataException($"A zstd page holds {Quantity.Of((long)result, "byte")}, its header says {Quantity.Count(target.Length)}.");
            }
        }
        finally
        {
            Decompressors.Add(context);
        }
    }

    private static nint Take(ConcurrentBag<nint> pool, delegate* unmanaged[Cdecl]<nint> create)
    {
        if (pool.TryTake(out var context)) return context;
        context = create();
        return context != 0 ? context : throw new InsufficientMemoryException("libzstd could not allocate a context.");
    }

    private static string Describe(nuint code) => Marshal.PtrToStringUTF8(ErrorName(code)) ?? "unknown error";

    private static nint Load()
    {
        foreach (var name in LibraryNames)
            if (NativeLibrary.TryLoad(name, typeof(Zstd).Assembly, null, out var handle)) return handle;
        return 0;
    }

    private static nint Find(string function) => Library != 0 && NativeLibrary.TryGetExport(Library, function, out var address) ? address : 0;
}
