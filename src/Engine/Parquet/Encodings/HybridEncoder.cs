using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Matih.Parquet.Encodings;

/// <summary>Writes dictionary indices and definition levels as runs of repeated and of bit-packed values.</summary>
/// <remarks>Source: parquet-format, Encodings.md, "Run Length Encoding / Bit-Packing Hybrid (RLE = 3)".</remarks>
internal static class HybridEncoder
{
    /// <summary>A repeated run is worth its two headers from this many bits on.</summary>
    private const int RunBitsMin = 40;

    private const ulong AllPresent = 0x0101_0101_0101_0101;

    /// <summary>An upper bound of what <see cref="Encode"/> writes, slack included.</summary>
    public static int BytesMax(int count, int width) => checked((count / 8 + 1) * (width + 9) + 64);

    /// <summary>Encodes values of at most <paramref name="width"/> bits (1 to 32).</summary>
    /// <returns>Bytes written.</returns>
    public static int Encode(ReadOnlySpan<int> values, int width, Span<byte> target)
    {
        var written = 0;
        var at = 0;
        while (at < values.Length)
        {
            var packedEnd = FindRun(values, at, width, out var runLength);
            if (packedEnd > at) written += WritePacked(values[at..packedEnd], width, target[written..]);
            at = packedEnd;
            if (runLength == 0) continue;
            written += WriteRun((uint)values[at], runLength, width, target[written..]);
            at += runLength;
        }
        return written;
    }

    /// <summary>The end of the values to bit-pack from <paramref name="start"/>, and the length of the repeated run that follows (0 at the end).</summary>
    private static int FindRun(ReadOnlySpan<int> values, int start, int width, out int runLength)
    {
        var at = start;
        while (at + 8 <= values.Length)
        {
            var group = Vector256.Create(values.Slice(at, 8));
            if (group != Vector256.Create(values[at]))
            {
                at += 8;
                continue;
            }
            runLength = RunLength(values, at);
            if ((long)runLength * width >= RunBitsMin) return at;
            at += runLength & ~7;
        }
        runLength = 0;
        return values.Length;
    }

    private static int RunLength(ReadOnlySpan<int> values, int start)
    {
        var different = values[start..].IndexOfAnyExcept(values[start]);
        return different < 0 ? values.Length - start : different;
    }

    private static int WritePacked(ReadOnlySpan<int> values, int width, Span<byte> target)
    {
        var groups = (values.Length + 7) / 8;
        var written = WriteVarint((uint)groups << 1 | 1, target);
        var whole = values.Length & ~7;
        written += BitPacking.Pack(values[..whole], width, target[written..]);
        if (whole == values.Length) return written;
        Span<int> last = stackalloc int[8];
        last.Clear();
        values[whole..].CopyTo(last);
        return written + BitPacking.Pack(last, width, target[written..]);
    }

    private static int WriteRun(uint value, int length, int width, Span<byte> target)
    {
        var written = WriteVarint((uint)length << 1, target);
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        var valueBytes = (width + 7) / 8;
        bytes[..valueBytes].CopyTo(target[written..]);
        return written + valueBytes;
    }

    /// <summary>Encodes definition levels of a flat optional column.</summary>
    /// <param name="validity">One byte a row: 1 = value, 0 = NULL; empty for "all have a value".</param>
    /// <param name="count">Number of rows.</param>
    /// <returns>Bytes written: at most <see cref="BytesMax"/> of width 1.</returns>
    public static int EncodeLevels(ReadOnlySpan<byte> validity, int count, Span<byte> target)
    {
        if (validity.IsEmpty) return count == 0 ? 0 : WriteRun(1, count, 1, target);
        var written = 0;
        var at = 0;
        while (at < count)
        {
            var packedEnd = FindLevelRun(validity, at, out var runLength);
            if (packedEnd > at) written += WritePackedLevels(validity[at..packedEnd], target[written..]);
            at = packedEnd;
            if (runLength == 0) continue;
            written += WriteRun(validity[at], runLength, 1, target[written..]);
            at += runLength;
        }
        return written;
    }

    private static int FindLevelRun(ReadOnlySpan<byte> levels, int start, out int runLength)
    {
        var at = start;
        while (at + 8 <= levels.Length)
        {
            var group = MemoryMarshal.Read<ulong>(levels[at..]);
            if (group is not (0 or AllPresent))
            {
                at += 8;
                continue;
            }
            var different = levels[at..].IndexOfAnyExcept(levels[at]);
            runLength = different < 0 ? levels.Length - at : different;
            if (runLength >= RunBitsMin) return at;
            at += runLength & ~7;
        }
        runLength = 0;
        return levels.Length;
    }

    private static int WritePackedLevels(ReadOnlySpan<byte> levels, Span<byte> target)
    {
        var groups = (levels.Length + 7) / 8;
        var written = WriteVarint((uint)groups << 1 | 1, target);
        var at = 0;
        for (; at + 8 <= levels.Length; at += 8)
            target[written++] = (byte)(MemoryMarshal.Read<ulong>(levels[at..]) * 0x0102_0408_1020_4080 >> 56);
        if (at == levels.Length) return written;
        var last = 0;
        for (var i = at; i < levels.Length; i++) last |= levels[i] << (i - at);
        target[written++] = (byte)last;
        return written;
    }

    private static int WriteVarint(uint value, Span<byte> target)
    {
        var written = 0;
        while (value >= 0x80)
        {
            target[written++] = (byte)(value | 0x80);
            value >>= 7;
        }
        target[written++] = (byte)value;
        return written;
    }
}
