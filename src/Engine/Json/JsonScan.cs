using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Matih.Json;

/// <summary>How the walk over a document finds the next byte that matters. Every method gives <c>end</c> where there is none.</summary>
internal unsafe interface IJsonScan
{
    /// <summary>The first quote, backslash, control character or non-ASCII byte.</summary>
    static abstract byte* FindStop(byte* at, byte* end, byte* start);

    /// <summary>The first quote, backslash or control character.</summary>
    static abstract byte* FindTextStop(byte* at, byte* end, byte* start);

    /// <summary>The first byte that is not white space.</summary>
    static abstract byte* SkipWhitespace(byte* at, byte* end, byte* start);

    /// <summary>Whether the walk may guess the next member from the document before.</summary>
    static abstract bool PredictsMembers { get; }
}

/// <summary>The plain twin of <see cref="VectorScan"/>: one byte at a time, no prediction. The oracle of its tests.</summary>
internal readonly unsafe struct ScalarScan : IJsonScan
{
    public static bool PredictsMembers => false;

    public static byte* FindStop(byte* at, byte* end, byte* start)
    {
        while (at < end && *at is >= 0x20 and < 0x80 and not ((byte)'"' or (byte)'\\')) at++;
        return at;
    }

    public static byte* FindTextStop(byte* at, byte* end, byte* start)
    {
        while (at < end && *at is >= 0x20 and not ((byte)'"' or (byte)'\\')) at++;
        return at;
    }

    public static byte* SkipWhitespace(byte* at, byte* end, byte* start)
    {
        while (at < end && *at is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t') at++;
        return at;
    }
}

/// <summary>32 bytes at a time. Never reads outside the document: its last bytes are read with a load that overlaps those before.</summary>
internal readonly unsafe struct VectorScan : IJsonScan
{
    private const int Width = 32;

    public static bool PredictsMembers => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* FindStop(byte* at, byte* end, byte* start)
    {
        if (!Vector256.IsHardwareAccelerated) return FindStop128(at, end, start);
        for (; end - at >= Width; at += Width)
        {
            var stops = Stops(Vector256.Load(at));
            if (stops != 0) return at + BitOperations.TrailingZeroCount(stops);
        }
        if (end - start < Width) return ScalarScan.FindStop(at, end, start);
        var last = Stops(Vector256.Load(end - Width));
        var rest = (ulong)last >> (int)(Width - (end - at));
        return rest == 0 ? end : at + BitOperations.TrailingZeroCount(rest);
    }

    public static byte* FindTextStop(byte* at, byte* end, byte* start)
    {
        for (; end - at >= Width; at += Width)
        {
            var bytes = Vector256.Load(at);
            var stops = (Vector256.Equals(bytes, Vector256.Create((byte)'"'))
                | Vector256.Equals(bytes, Vector256.Create((byte)'\\'))
                | Vector256.LessThan(bytes, Vector256.Create((byte)0x20))).ExtractMostSignificantBits();
            if (stops != 0) return at + BitOperations.TrailingZeroCount(stops);
        }
        return ScalarScan.FindTextStop(at, end, start);
    }

    /// <summary>Most documents hold none or one blank between tokens; long runs are the indentation of pretty-printed ones.</summary>
    public static byte* SkipWhitespace(byte* at, byte* end, byte* start)
    {
        for (; end - at >= Width; at += Width)
        {
            if (*at > ' ') return at;
            if (at[1] > ' ') return ScalarScan.SkipWhitespace(at, at + 1, start);
            var bytes = Vector256.Load(at);
            var blanks = (Vector256.Equals(bytes, Vector256.Create((byte)' '))
                | Vector256.Equals(bytes, Vector256.Create((byte)'\n'))
                | Vector256.Equals(bytes, Vector256.Create((byte)'\r'))
                | Vector256.Equals(bytes, Vector256.Create((byte)'\t'))).ExtractMostSignificantBits();
            if (blanks != uint.MaxValue) return at + BitOperations.TrailingZeroCount(~blanks);
        }
        return ScalarScan.SkipWhitespace(at, end, start);
    }

    /// <summary>A signed comparison finds control characters and non-ASCII bytes at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Stops(Vector256<byte> bytes) =>
        (Vector256.Equals(bytes, Vector256.Create((byte)'"'))
            | Vector256.Equals(bytes, Vector256.Create((byte)'\\'))
            | Vector256.LessThan(bytes.AsSByte(), Vector256.Create((sbyte)0x20)).AsByte()).ExtractMostSignificantBits();

    private static byte* FindStop128(byte* at, byte* end, byte* start)
    {
        if (Vector128.IsHardwareAccelerated)
        {
            for (; end - at >= 16; at += 16)
            {
                var bytes = Vector128.Load(at);
                var stops = (Vector128.Equals(bytes, Vector128.Create((byte)'"'))
                    | Vector128.Equals(bytes, Vector128.Create((byte)'\\'))
                    | Vector128.LessThan(bytes.AsSByte(), Vector128.Create((sbyte)0x20)).AsByte()).ExtractMostSignificantBits();
                if (stops != 0) return at + BitOperations.TrailingZeroCount(stops);
            }
        }
        return ScalarScan.FindStop(at, end, start);
    }
}
