using System.Buffers;

namespace Matih.Storage;

/// <summary>Bytes in several pieces, one after the other, as a <see cref="ReadOnlySequence{T}"/>.</summary>
public static class ByteSequence
{
    /// <summary>The pieces in their order; nothing is copied.</summary>
    public static ReadOnlySequence<byte> Of(IReadOnlyList<ReadOnlyMemory<byte>> pieces)
    {
        Segment? first = null;
        Segment? last = null;
        foreach (var piece in pieces)
        {
            if (piece.IsEmpty) continue;
            last = new Segment(piece, last);
            first ??= last;
        }
        return first is null ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    /// <summary>Whether the bytes are the same, in whatever pieces.</summary>
    public static bool IsSameAs(this ReadOnlySequence<byte> pieces, ReadOnlySpan<byte> bytes)
    {
        if (pieces.Length != bytes.Length) return false;
        foreach (var piece in pieces)
        {
            if (!bytes.StartsWith(piece.Span)) return false;
            bytes = bytes[piece.Length..];
        }
        return true;
    }

    /// <summary>The bytes as one piece; copied only where they are several.</summary>
    public static ReadOnlyMemory<byte> AsOne(this ReadOnlySequence<byte> pieces) => pieces.IsSingleSegment ? pieces.First : pieces.ToArray();

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? before)
        {
            Memory = memory;
            if (before is null) return;
            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }
}
