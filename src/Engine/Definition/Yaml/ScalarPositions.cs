namespace Matih.Definition.Yaml;

/// <summary>Follows the text of a scalar back to the file.</summary>
internal static class ScalarPositions
{
    /// <summary>
    /// A literal block (<c>|</c>): every line of the text is one line of the file with the indentation taken off (YAML 1.2.2,
    /// section 8.1.2), so that the difference of their lengths is the indentation, whatever indicator the header has.
    /// </summary>
    public static TextPositions OfLiteral(YamlText file, int headerLine, string text)
    {
        var positions = new TextPositions();
        var start = 0;
        for (var line = headerLine + 1; start <= text.Length; line++)
        {
            var end = start;
            while (end < text.Length && !YamlText.IsBreak(text[end])) end++;
            var indentation = Math.Max(0, file.Line(line).Length - (end - start));
            positions.Add(start, new DefinitionPosition(file.File, line, indentation + 1));
            start = end + 1;
        }
        return positions;
    }

    /// <summary>
    /// Plain, quoted and folded text: walks file and text side by side. Line folds change only white space and escapes
    /// stand for one or two characters, so that every other character is found where it stands.
    /// </summary>
    public static TextPositions OfFlow(YamlText file, int startOffset, string text, char quote)
    {
        var positions = new TextPositions();
        var source = file.Text;
        var at = startOffset;
        var expected = -1;
        for (var i = 0; i < text.Length; i++)
        {
            var length = 1;
            if (!IsSpace(text[i]))
                while (at < source.Length && IsSpace(source[at])) at++;
            if (at < source.Length && quote == '\'' && source[at] == '\'') length = 2;
            else if (at < source.Length && quote == '"' && source[at] == '\\') length = EscapeLength(source, at);
            if (at != expected) positions.Add(i, file.PositionAt(Math.Min(at, source.Length)));
            var stays = IsSpace(text[i]) && at < source.Length && !IsSpace(source[at]) && length == 1;
            if (!stays) at += length;
            expected = length == 1 && !stays ? at : -1;
        }
        positions.Add(text.Length, file.PositionAt(Math.Min(at, source.Length)));
        return positions;
    }

    private static bool IsSpace(char c) => c is ' ' or '\t' || YamlText.IsBreak(c);

    private static int EscapeLength(string source, int at) => at + 1 >= source.Length ? 1 : source[at + 1] switch
    {
        'x' => 4,
        'u' => 6,
        'U' => 10,
        _ => 2,
    };
}
