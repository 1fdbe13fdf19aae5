using Matih.Sql.Kernels;

namespace Matih.Sql.Strings;

/// <summary>A LIKE pattern over UTF-8: <c>%</c> any text, <c>_</c> one code point that is no line break (as in Flink), the rest itself.</summary>
internal sealed class LikePattern
{
    private const int AnyText = -1;
    private const int OnePoint = -2;

    // One entry a byte; wildcards are negative.
    private readonly int[] _elements;
    private readonly byte[]? _literal;

    private LikePattern(List<int> elements)
    {
        _elements = [.. elements];
        if (elements.TrueForAll(element => element >= 0)) _literal = [.. elements.Select(element => (byte)element)];
    }

    /// <summary>False where the escape character stands before something that needs no escape, or at the end.</summary>
    public static bool TryParse(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> escape, out LikePattern? result)
    {
        result = null;
        var elements = new List<int>();
        for (var i = 0; i < pattern.Length; i++)
        {
            if (!escape.IsEmpty && pattern[i..].StartsWith(escape))
            {
                i += escape.Length;
                if (i >= pattern.Length || !(pattern[i] is (byte)'%' or (byte)'_' || pattern[i..].StartsWith(escape))) return false;
                elements.Add(pattern[i]);
                for (var more = 1; more < escape.Length && pattern[i] is not ((byte)'%' or (byte)'_'); more++) elements.Add(pattern[++i]);
            }
            else if (pattern[i] == '%')
            {
                if (elements.Count == 0 || elements[^1] != AnyText) elements.Add(AnyText);
            }
            else elements.Add(pattern[i] == '_' ? OnePoint : pattern[i]);
        }
        result = new LikePattern(elements);
        return true;
    }

    /// <summary>Whether the whole text matches; takes back only to the last %, so at worst text length times pattern length.</summary>
    public bool IsMatch(ReadOnlySpan<byte> text)
    {
        if (_literal is not null) return text.SequenceEqual(_literal);
        int at = 0, element = 0, resumeElement = -1, resumeAt = 0;
        while (at < text.Length)
        {
            if (element < _elements.Length && _elements[element] == AnyText)
            {
                (resumeElement, resumeAt) = (++element, at);
                continue;
            }
            var step = element < _elements.Length ? Step(text, at, _elements[element]) : 0;
            if (step > 0)
            {
                at += step;
                element++;
            }
            else if (resumeElement >= 0)
            {
                at = ++resumeAt;
                element = resumeElement;
            }
            else return false;
        }
        while (element < _elements.Length && _elements[element] == AnyText) element++;
        return element == _elements.Length;
    }

    /// <summary>Bytes of text that the element matches here; 0 for none.</summary>
    private static int Step(ReadOnlySpan<byte> text, int at, int element)
    {
        if (element >= 0) return text[at] == element ? 1 : 0;
        var first = text[at];
        // % may have stopped inside a code point: no match begins there.
        if ((first & 0xC0) == 0x80 || IsLineBreak(text, at)) return 0;
        return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    }

    // What '.' of a Java regular expression does not match: \n \r U+0085 U+2028 U+2029.
    private static bool IsLineBreak(ReadOnlySpan<byte> text, int at) =>
        text[at] is (byte)'\n' or (byte)'\r' || text[at..].StartsWith("\u0085"u8) || text[at..].StartsWith("\u2028"u8) || text[at..].StartsWith("\u2029"u8);

    /// <summary>text LIKE a constant pattern.</summary>
    public static Kernel KernelOf(LikePattern pattern) => new("LIKE", call =>
    {
        var texts = call.Bytes(0);
        var result = call.ResultOf<byte>().AppendUninitialized(call.Count, call.Validity);
        for (var i = 0; i < result.Length; i++) result[i] = pattern.IsMatch(texts[i]) ? (byte)1 : (byte)0;
    });

    /// <summary>text LIKE a computed pattern, without escape.</summary>
    public static Kernel Computed { get; } = new("LIKE", call =>
    {
        var (texts, patterns) = (call.Bytes(0), call.Bytes(1));
        var result = call.ResultOf<byte>().AppendUninitialized(call.Count, call.Validity);
        var cache = (call.State ??= new PatternCache()) as PatternCache;
        for (var i = 0; i < result.Length; i++) result[i] = !call.IsNull(i) && cache!.Get(patterns[i]).IsMatch(texts[i]) ? (byte)1 : (byte)0;
    });

    /// <summary>The last pattern: those of neighbouring rows are mostly the same.</summary>
    private sealed class PatternCache
    {
        private byte[] _text = [];
        private LikePattern _pattern = new([]);

        public LikePattern Get(ReadOnlySpan<byte> text)
        {
            if (text.SequenceEqual(_text)) return _pattern;
            TryParse(text, default, out var pattern);
            _text = text.ToArray();
            return _pattern = pattern!;
        }
    }
}
