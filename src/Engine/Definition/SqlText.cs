using Matih.Definition.Yaml;

namespace Matih.Definition;

/// <summary>
/// A statement and where each of its characters stands in the definition: exact for a literal block (<c>sql: |</c>) and for
/// text on one line, as near as line folding allows for other forms. Text put in for a variable stands where its reference does.
/// </summary>
public sealed class SqlText
{
    private readonly TextPositions _positions;

    internal SqlText(string text, TextPositions positions)
    {
        Text = text;
        _positions = positions;
    }

    /// <summary>The statement, variables put in, <c>{{ input }}</c> still as written.</summary>
    public string Text { get; }

    /// <summary>Where the character at that offset (UTF-16 units, from 0) stands; offsets at or past the end give the place after the last character.</summary>
    public DefinitionPosition PositionAt(int offset) => _positions.PositionAt(Math.Clamp(offset, 0, Text.Length));

    /// <summary>Where the character at that line and column of <see cref="Text"/> (both from 1) stands.</summary>
    public DefinitionPosition PositionAt(int line, int column)
    {
        var offset = 0;
        for (var at = 1; at < line; at++)
        {
            var end = Text.IndexOf('\n', offset);
            if (end < 0) return PositionAt(Text.Length);
            offset = end + 1;
        }
        return PositionAt(offset + column - 1);
    }

    public override string ToString() => Text;
}
