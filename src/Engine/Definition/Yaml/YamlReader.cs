using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Matih.Definition.Yaml;

/// <summary>
/// Reads one YAML document into <see cref="YamlNode"/>s within <see cref="YamlLimits"/>. Tags, merge keys, keys that are not
/// text, repeated keys and anchors that hold themselves are errors.
/// </summary>
internal sealed class YamlReader
{
    private readonly YamlText _file;
    private readonly Action<DefinitionPosition, string, string> _report;
    private readonly DefinitionPosition? _outside;
    private readonly Parser _parser;
    private readonly Dictionary<string, (YamlNode Node, int Count)> _anchors = new(StringComparer.Ordinal);
    private readonly HashSet<string> _openAnchors = new(StringComparer.Ordinal);
    private int _aliasCount;
    private int _nodeCount;

    private YamlReader(YamlText file, DefinitionPosition? outside, Action<DefinitionPosition, string, string> report)
    {
        _file = file;
        _outside = outside;
        _report = report;
        _parser = new Parser(new Scanner(new StringReader(file.Text), skipComments: true));
    }

    /// <summary>The document's root; null where an error that ends reading was reported.</summary>
    public static YamlNode? Read(string file, string text, Action<DefinitionPosition, string, string> report) =>
        Read(new YamlText(file, text), outside: null, report);

    /// <summary>A value that stands in no file: all of it is placed at <paramref name="position"/>.</summary>
    public static YamlNode? ReadOutside(DefinitionPosition position, string text, Action<DefinitionPosition, string, string> report) =>
        Read(new YamlText(position.File, text), position, report);

    private static YamlNode? Read(YamlText source, DefinitionPosition? outside, Action<DefinitionPosition, string, string> report)
    {
        var lengthBytes = Encoding.UTF8.GetByteCount(source.Text);
        if (lengthBytes > YamlLimits.FileBytesMax)
        {
            report(outside ?? new DefinitionPosition(source.File, 1, 1), "", $"the file has {Quantity.Of(lengthBytes, "byte")}; a definition has at most {Quantity.Count(YamlLimits.FileBytesMax)}");
            return null;
        }
        if (FindUnreadable(source.Text) is >= 0 and var at)
        {
            report(outside ?? source.PositionAt(at), "", source.Text[at] == '\0'
                ? "holds a NUL character, which YAML does not allow; take it out"
                : @"holds bytes that are not UTF-8, or the character U+FFFD that stands for such; save the file as UTF-8 (""\uFFFD"" in double quotes writes that character)");
            return null;
        }
        var reader = new YamlReader(source, outside, report);
        try
        {
            return reader.ReadDocument();
        }
        catch (LimitException)
        {
            return null;
        }
        catch (YamlException e)
        {
            // About a tab the scanner gives the place where the mapping around it begins, be that the whole file.
            var from = Math.Max(e.End.Line, reader._parser.Current?.End.Line ?? 1);
            var position = e.Message.Contains(" tab ", StringComparison.Ordinal) ? FindTab(source, (int)from) : null;
            position ??= new DefinitionPosition(source.File, (int)Math.Clamp(e.Start.Line, 1, source.LineCount), (int)Math.Max(1, e.Start.Column));
            report(outside ?? position.Value, "", $"is not YAML: {Reason(e)}{Hint(source.Line(position.Value.Line))}");
            return null;
        }
    }

    /// <summary>Where decoding lost bytes, or a NUL stands, which the scanner takes for an end here and for a blank there; -1 where neither is so.</summary>
    private static int FindUnreadable(ReadOnlySpan<char> text) => text.IndexOfAny('\uFFFD', '\0');

    /// <summary>The first tab in the indentation of a line from there on.</summary>
    private static DefinitionPosition? FindTab(YamlText source, int line)
    {
        for (; line <= source.LineCount; line++)
            if (source.Line(line).TrimStart(' ') is ['\t', ..] rest) return new DefinitionPosition(source.File, line, source.Line(line).Length - rest.Length + 1);
        return null;
    }

    private static string Hint(ReadOnlySpan<char> line) =>
        line.Contains("${", StringComparison.Ordinal) ? "; inside { } and [ ] a value with ${...} needs quotes"
        : line.Contains('\t') ? "; YAML is indented with spaces, not tabs"
        : "";

    // The scanner's own texts hold none of the file's content, unlike those of the inner exceptions it may carry.
    private static string Reason(YamlException e) =>
        e.Message is { Length: > 0 } message ? char.ToLowerInvariant(message[0]) + message[1..].TrimEnd('.') : "syntax error";

    private YamlNode? ReadDocument()
    {
        Advance();
        Advance();
        if (_parser.Current is not DocumentStart)
        {
            _report(_outside ?? new DefinitionPosition(_file.File, 1, 1), "", "the file is empty; a definition starts with 'metadata:', 'sources:' and 'sinks:'");
            return null;
        }
        Advance();
        var root = ReadNode("", 0);
        Advance();
        if (_parser.Current is DocumentStart second)
            _report(Place(second.Start), "", "a second document starts here; a file holds one definition");
        return root;
    }

    /// <summary>Reads the node that the parser stands at and moves past it.</summary>
    private YamlNode ReadNode(string path, int depth)
    {
        var current = _parser.Current ?? throw new YamlException("the file ends in the middle of a value");
        var position = Place(current.Start);
        if (++_nodeCount > YamlLimits.NodeCountMax) Stop(position, path, $"more than {Quantity.Of(YamlLimits.NodeCountMax, "value")}, aliases counted as what they stand for");
        if (current is AnchorAlias alias) return ReadAlias(alias.Value.Value, position, path);
        if (current is not NodeEvent start) throw new YamlException(current.Start, current.End, "a value is missing");

        CheckTag(start, position, path);
        var anchor = start.Anchor.IsEmpty ? null : start.Anchor.Value;
        if (anchor is not null) _openAnchors.Add(anchor);
        var countBefore = _nodeCount - 1;
        YamlNode node;
        switch (start)
        {
            case MappingStart:
                node = ReadMapping(position, path, depth + 1);
                break;
            case SequenceStart:
                node = ReadSequence(position, path, depth + 1);
                break;
            default:
                node = ToScalar((Scalar)start, position);
                break;
        }
        Advance();
        if (anchor is not null)
        {
            _openAnchors.Remove(anchor);
            _anchors[anchor] = (node, _nodeCount - countBefore);
        }
        return node;
    }

    private YamlNode.Mapping ReadMapping(DefinitionPosition position, string path, int depth)
    {
        CheckDepth(position, path, depth);
        Advance();
        var entries = ImmutableArray.CreateBuilder<YamlEntry>();
        var seen = new Dictionary<string, DefinitionPosition>(StringComparer.Ordinal);
        while (_parser.Current is not MappingEnd)
        {
            var keyPosition = Place(_parser.Current!.Start);
            var key = ReadNode(path, depth) as YamlNode.Scalar;
            var value = ReadNode(Join(path, key?.Text ?? "?"), depth);
            if (key is null) _report(keyPosition, path, "a key must be text, not a list or a mapping");
            else if (key.Text == "<<") _report(keyPosition, path, "merge keys (<<) are not supported; write the keys out");
            else if (seen.TryGetValue(key.Text, out var first))
                _report(keyPosition, Join(path, key.Text), $"the key stands twice, first in line {first.Line}; keep one");
            else
            {
                seen.Add(key.Text, keyPosition);
                entries.Add(new YamlEntry(key.Text, keyPosition, value));
            }
        }
        return new YamlNode.Mapping(position, entries.ToImmutable());
    }

    private YamlNode.Sequence ReadSequence(DefinitionPosition position, string path, int depth)
    {
        CheckDepth(position, path, depth);
        Advance();
        var items = ImmutableArray.CreateBuilder<YamlNode>();
        while (_parser.Current is not SequenceEnd)
            items.Add(ReadNode($"{path}[{items.Count.ToString(CultureInfo.InvariantCulture)}]", depth));
        return new YamlNode.Sequence(position, items.ToImmutable());
    }

    private YamlNode ReadAlias(string name, DefinitionPosition position, string path)
    {
        Advance();
        if (++_aliasCount > YamlLimits.AliasCountMax) Stop(position, path, $"more than {YamlLimits.AliasCountMax} aliases");
        if (_openAnchors.Contains(name)) Stop(position, path, "the alias stands inside what it stands for");
        if (!_anchors.TryGetValue(name, out var target)) Stop(position, path, "no anchor of that name stands before the alias");
        _nodeCount += target.Count - 1;
        if (_nodeCount > YamlLimits.NodeCountMax) Stop(position, path, $"more than {Quantity.Of(YamlLimits.NodeCountMax, "value")}, aliases counted as what they stand for");
        return target.Node;
    }

    private YamlNode.Scalar ToScalar(Scalar scalar, DefinitionPosition position)
    {
        var isPlain = scalar.Style == ScalarStyle.Plain;
        var text = scalar.Value;
        return new YamlNode.Scalar(position, text, isPlain,
            () => _outside is { } outside ? TextPositions.Fixed(outside) : Follow(scalar.Style, position, text))
        {
            IsMultiLine = scalar.End.Line > scalar.Start.Line,
        };
    }

    private TextPositions Follow(ScalarStyle style, DefinitionPosition position, string text)
    {
        var start = _file.Offset(position.Line, position.Column);
        while (start < _file.Text.Length && _file.Text[start] == '&') // The scanner's mark is that of the anchor.
        {
            while (start < _file.Text.Length && !char.IsWhiteSpace(_file.Text[start])) start++;
            while (start < _file.Text.Length && char.IsWhiteSpace(_file.Text[start])) start++;
        }
        var startLine = _file.PositionAt(start).Line;
        return style switch
        {
            ScalarStyle.Literal => ScalarPositions.OfLiteral(_file, startLine, text),
            ScalarStyle.Folded => ScalarPositions.OfFlow(_file, _file.Offset(startLine + 1, 1), text, quote: '\0'),
            ScalarStyle.SingleQuoted => ScalarPositions.OfFlow(_file, start + 1, text, '\''),
            ScalarStyle.DoubleQuoted => ScalarPositions.OfFlow(_file, start + 1, text, '"'),
            _ => ScalarPositions.OfFlow(_file, start, text, quote: '\0'),
        };
    }

    /// <summary>
    /// The next event. The scanner (YamlDotNet 16.3) answers some malformed flow collections with other exceptions than its
    /// own, seen with random damage: they are syntax errors all the same.
    /// </summary>
    private bool Advance()
    {
        var last = _parser.Current;
        try
        {
            return _parser.MoveNext();
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or IndexOutOfRangeException or NullReferenceException or OverflowException or FormatException)
        {
            throw new YamlException(last?.End ?? Mark.Empty, last?.End ?? Mark.Empty, "syntax error here or soon after", e);
        }
    }

    private void CheckTag(NodeEvent node, DefinitionPosition position, string path)
    {
        if (!node.Tag.IsEmpty && !(node.Tag.IsNonSpecific && node is Scalar))
            _report(position, path, "YAML tags (!...) are not used here; leave the tag out");
    }

    private void CheckDepth(DefinitionPosition position, string path, int depth)
    {
        if (depth > YamlLimits.DepthMax) Stop(position, path, $"more than {YamlLimits.DepthMax} levels inside one another");
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private void Stop(DefinitionPosition position, string path, string message)
    {
        // A path as deep as the limit says nothing and may be as long as the file.
        _report(position, path.Length > 100 ? "" : path, message);
        throw new LimitException();
    }

    private DefinitionPosition Place(Mark mark) => _outside ?? new(_file.File, (int)mark.Line, (int)mark.Column);

    /// <summary>The path of a key below a path.</summary>
    internal static string Join(string path, string key) => path.Length == 0 ? Shown.Key(key) : path + "." + Shown.Key(key);

    private sealed class LimitException : Exception;
}
