using System.Runtime.InteropServices;

namespace Matih.Iceberg.Metadata;

/// <summary>
/// The texts of a JSON array's elements, joined by commas and kept in pieces, so that a file that holds them is written
/// without joining them again. Grows at its end. Not thread-safe.
/// </summary>
internal sealed class JsonText
{
    /// <summary>Below the size from which the garbage collector keeps arrays apart.</summary>
    private const int PieceBytes = 64 << 10;

    private readonly List<Piece> _pieces = [];
    private int _count;

    /// <summary>The joined text of the first elements.</summary>
    /// <param name="texts">Those elements; the text of one that was joined before is not looked at again.</param>
    public List<ReadOnlyMemory<byte>> Take(IReadOnlyList<ReadOnlyMemory<byte>> texts) => [.. PiecesOf(texts).Select(piece => piece.Take(texts.Count - piece.First))];

    /// <summary>The same, compressed. Pieces that are full are compressed once.</summary>
    public List<ZippedPart> TakeZipped(IReadOnlyList<ReadOnlyMemory<byte>> texts) => [.. PiecesOf(texts).Select(piece => piece.Zip(texts.Count - piece.First, isFull: piece != _pieces[^1] || !piece.IsOwn))];

    private IEnumerable<Piece> PiecesOf(IReadOnlyList<ReadOnlyMemory<byte>> texts)
    {
        if (_count == 0) Refer(texts);
        while (_count < texts.Count) Copy(texts[_count].Span);
        return _pieces.TakeWhile(piece => piece.First < texts.Count);
    }

    /// <summary>Elements that lie joined already, as those of a file that was read do, stay where they are.</summary>
    private void Refer(IReadOnlyList<ReadOnlyMemory<byte>> texts)
    {
        if (texts.Count == 0 || !MemoryMarshal.TryGetArray(texts[0], out var first)) return;
        var run = new Piece(first.Array!, first.Offset, first: 0);
        foreach (var text in texts)
        {
            if (!MemoryMarshal.TryGetArray(text, out var next) || next.Array != first.Array) break;
            var end = run.End;
            var isBeside = run.Count == 0 || (next.Offset == end + 1 && next.Array![end] == ',');
            if (!isBeside) break;
            run.Note(next.Offset + next.Count);
        }
        if (run.Length < PieceBytes) return;
        _pieces.Add(run);
        _count = run.Count;
    }

    private void Copy(ReadOnlySpan<byte> text)
    {
        if (_pieces.Count == 0 || !_pieces[^1].HasRoomFor(text.Length + 1))
            _pieces.Add(new Piece(new byte[Math.Max(PieceBytes, text.Length + 1)], 0, _count) { IsOwn = true });
        _pieces[^1].Write(text, withComma: _count != 0);
        _count++;
    }

    /// <summary>Neighbours in one array.</summary>
    private sealed class Piece(byte[] bytes, int start, int first)
    {
        private readonly List<int> _ends = [];
        private ZippedPart? _zipped;

        /// <summary>Whether the array is this piece's alone, to be filled further.</summary>
        public bool IsOwn { get; init; }

        /// <summary>The place of its first element among all.</summary>
        public int First => first;

        public int Count => _ends.Count;

        public int End => _ends.Count == 0 ? start : _ends[^1];

        public int Length => End - start;

        public void Note(int end) => _ends.Add(end);

        public bool HasRoomFor(int length) => IsOwn && bytes.Length - End >= length;

        public void Write(ReadOnlySpan<byte> text, bool withComma)
        {
            var at = End;
            if (withComma) bytes[at++] = (byte)',';
            text.CopyTo(bytes.AsSpan(at));
            _ends.Add(at + text.Length);
        }

        /// <param name="isFull">No more elements will be added.</param>
        public ZippedPart Zip(int count, bool isFull) => isFull && count >= Count ? _zipped ??= ZippedPart.Of(Take(count)) : ZippedPart.Of(Take(count));

        /// <summary>Its first elements, or all where there are no more.</summary>
        public ReadOnlyMemory<byte> Take(int count) => bytes.AsMemory(start, (count >= Count ? End : _ends[count - 1]) - start);
    }
}
