using System.Text;
using System.Text.Unicode;

namespace Matih.Json;

/// <summary>
/// Answers any number of paths in one pass over a document, and validates the whole of it on the way (RFC 8259: structure,
/// numbers, escapes, UTF-8). Of duplicate members the last counts. Nothing is allocated per document. Not thread-safe.
/// </summary>
/// <remarks>
/// A leading byte order mark is passed over. An escaped surrogate without its half is accepted here, as by Flink's
/// parser; <see cref="JsonText.Unescape"/> turns it into <c>?</c>. Nesting is limited to <see cref="DepthMax"/>, without recursion.
/// The walk over the bytes is in JsonWalk.cs.
/// </remarks>
internal sealed partial class JsonPathExtractor
{
    /// <summary>Deepest nesting of objects and arrays, 1000: the limit of Flink's parser, so that both refuse the same bombs.</summary>
    public const int DepthMax = 1000;

    private readonly PathNode _root = new();
    private readonly JsonMatch[] _slots;
    private readonly int[] _slotOfPath;
    private readonly (int ArraySlot, int Slot, JsonPathStep[] Steps)[] _fromEnd;
    private readonly int _slotCount;
    private readonly bool _allowTrailingText;
    private readonly bool _isPlain;
    private readonly bool _isWithin;

    private JsonFault _fault;
    private string? _error;

    /// <param name="paths">The paths to answer; none makes it a validator.</param>
    /// <param name="allowTrailingText">
    /// Whether text after the first document is passed over unread, as JSON_VALUE does. Default false: exactly one document.
    /// </param>
    /// <exception cref="ArgumentException">A path is not supported, or has a wildcard: see <see cref="JsonPath.IsSupported"/>, <see cref="JsonPath.IsDefinite"/>.</exception>
    public JsonPathExtractor(IReadOnlyList<JsonPath> paths, bool allowTrailingText = false)
        : this(paths, allowTrailingText, isPlain: false)
    {
    }

    /// <param name="isPlain">Walks with <see cref="ScalarScan"/>: the oracle of the vectorised walk.</param>
    /// <param name="rowsMax">How many documents' matches are kept side by side; see <see cref="ExtractRow"/>.</param>
    /// <param name="isWithin">Whether texts are values within a valid document: each ends where its value does, whatever follows.</param>
    internal JsonPathExtractor(IReadOnlyList<JsonPath> paths, bool allowTrailingText, bool isPlain, int rowsMax = 1, bool isWithin = false)
    {
        _allowTrailingText = allowTrailingText;
        _isWithin = isWithin;
        _isPlain = isPlain;
        var nodes = new PathNode[paths.Count];
        var fromEnd = new List<(int Path, JsonPathStep[] Steps)>();
        for (var i = 0; i < nodes.Length; i++)
        {
            var path = paths[i];
            if (!path.IsSupported) throw new ArgumentException($"The path '{path.Text}' has {path.Unsupported}, which is not supported.", nameof(paths));
            if (!path.IsDefinite) throw new ArgumentException($"The path '{path.Text}' has a wildcard (*), and leads to more than one value.", nameof(paths));
            var steps = path.Steps.AsSpan();
            var forward = 0;
            while (forward < steps.Length && steps[forward] is not JsonPathStep.Index { Position: < 0 }) forward++;
            nodes[i] = _root.Reach(steps[..forward]);
            if (forward < steps.Length) fromEnd.Add((i, steps[forward..].ToArray()));
        }
        var walkedCount = _root.Number(0);
        _slotOfPath = Array.ConvertAll(nodes, node => node.Slot);
        _fromEnd = new (int, int, JsonPathStep[])[fromEnd.Count];
        for (var i = 0; i < _fromEnd.Length; i++)
        {
            var (path, steps) = fromEnd[i];
            _fromEnd[i] = (_slotOfPath[path], walkedCount + i, steps);
            _slotOfPath[path] = walkedCount + i;
        }
        _slotCount = walkedCount + _fromEnd.Length;
        _slots = new JsonMatch[_slotCount * rowsMax];
    }

    /// <summary>What the path at that position of the constructor's list leads to; valid until the next <see cref="Extract"/>.</summary>
    public JsonMatch this[int path] => _slots[_slotOfPath[path]];

    /// <summary>The matches of one path, those of row r at <c>r * stride</c>.</summary>
    internal ReadOnlySpan<JsonMatch> Matches(int path, out int stride)
    {
        stride = _slotCount;
        return _slots.AsSpan(_slotOfPath[path]);
    }

    /// <summary>How many names <see cref="LearntNames"/> gives.</summary>
    internal int LearntNameCount => _root.Members?.LearntCount ?? 0;

    /// <summary>Names of members that outermost objects were seen to have, and that no path speaks of.</summary>
    internal IEnumerable<string> LearntNames() => _root.Members?.LearntNames() ?? [];

    /// <summary>Makes every path of a row lead to nothing.</summary>
    internal void ClearRow(int row) => _slots.AsSpan(row * _slotCount, _slotCount).Clear();

    /// <summary>Whether more than white space follows the document.</summary>
    public bool HasTrailingText { get; private set; }

    /// <summary>Length of the document with the white space before it: where trailing text, or the white space before that, begins.</summary>
    public int DocumentLength { get; private set; }

    /// <summary>Why the last <see cref="Extract"/> gave false, with offset and byte; null after true.</summary>
    public string? Error => _fault == JsonFault.None ? null : _error;

    /// <summary>The same without what differs from text to text.</summary>
    public string? ErrorKind => _fault == JsonFault.None ? null : JsonFaultText.Kind(_fault);

    /// <summary>Where in the text the last <see cref="Extract"/> found it wrong, bytes from 0.</summary>
    public int ErrorOffset { get; private set; }

    /// <summary>The last document's outermost value.</summary>
    public JsonKind RootKind { get; private set; }

    /// <summary>Reads a text. False where it is not one valid JSON document; the matches are unspecified then.</summary>
    public bool Extract(ReadOnlySpan<byte> document) => ExtractRow(document, 0);

    /// <summary>Reads a text and keeps its matches under that row, below the constructor's limit.</summary>
    internal unsafe bool ExtractRow(ReadOnlySpan<byte> document, int row)
    {
        _fault = JsonFault.None;
        HasTrailingText = false;
        RootKind = JsonKind.Missing;
        var slots = _slots.AsSpan(row * _slotCount, _slotCount);
        fixed (byte* start = document)
        {
            var isValid = document.IsEmpty ? Fail(JsonFault.Empty, 0)
                : _isPlain ? Walk<ScalarScan>(start, document.Length, slots) : Walk<VectorScan>(start, document.Length, slots);
            if (!isValid)
            {
                _error = JsonFaultText.Describe(_fault, ErrorOffset, document);
                return false;
            }
        }
        foreach (var (arraySlot, slot, steps) in _fromEnd) slots[slot] = JsonNavigator.Follow(document, slots[arraySlot], steps);
        return true;
    }

    private bool Fail(JsonFault fault, long offset)
    {
        _fault = fault;
        ErrorOffset = (int)offset;
        return false;
    }

    /// <summary>Checks the UTF-8 of a document that holds non-ASCII bytes, once, at its end.</summary>
    private bool CheckUtf8(ReadOnlySpan<byte> document)
    {
        if (Utf8.IsValid(document)) return true;
        var offset = 0;
        while (Rune.DecodeFromUtf8(document[offset..], out _, out var length) == System.Buffers.OperationStatus.Done) offset += length;
        return Fail(JsonFault.InvalidUtf8, offset);
    }
}
