namespace Matih.Definition.Yaml;

/// <summary>The file's text by lines, broken where the YAML scanner breaks them, so that its marks can be followed back.</summary>
internal sealed class YamlText
{
    private readonly List<int> _lineStarts = [0];

    public YamlText(string file, string text)
    {
        File = file;
        Text = text;
        for (var i = 0; i < text.Length; i++)
        {
            if (!IsBreak(text[i]) || (text[i] == '\r' && i + 1 < text.Length && text[i + 1] == '\n')) continue;
            _lineStarts.Add(i + 1);
        }
    }

    public string File { get; }

    public string Text { get; }

    public int LineCount => _lineStarts.Count;

    /// <summary>YAML 1.1, section 4.2: CR, LF, NEL, LS and PS end a line.</summary>
    public static bool IsBreak(char c) => c is '\n' or '\r' or '\u0085' or '\u2028' or '\u2029';

    public int Offset(int line, int column) =>
        Math.Min(Text.Length, _lineStarts[Math.Clamp(line, 1, LineCount) - 1] + column - 1);

    public DefinitionPosition PositionAt(int offset)
    {
        var index = _lineStarts.BinarySearch(offset);
        if (index < 0) index = ~index - 1;
        return new DefinitionPosition(File, index + 1, offset - _lineStarts[index] + 1);
    }

    /// <summary>A line without its break; empty past the end.</summary>
    public ReadOnlySpan<char> Line(int line)
    {
        if (line < 1 || line > LineCount) return default;
        var end = line == LineCount ? Text.Length : _lineStarts[line];
        var span = Text.AsSpan(_lineStarts[line - 1]..end);
        while (span.Length > 0 && IsBreak(span[^1])) span = span[..^1];
        return span;
    }
}
