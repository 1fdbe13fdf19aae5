namespace Matih.Host.Output;

/// <summary>Named values as the lines of a live display: a table where it fits, else a paragraph for each row.</summary>
internal static class LiveBlock
{
    private const string Indent = "  ";

    /// <param name="names">The names of the values; the first one is the row's title.</param>
    /// <param name="width">Columns that no line exceeds, unless one value alone does.</param>
    public static IReadOnlyList<string> Lines(ReadOnlySpan<string> names, IReadOnlyList<string[]> rows, int width)
    {
        var table = new TextTable([names[0], .. names[1..].ToArray().Select(name => name + "#")]);
        foreach (var row in rows) table.Add(row);
        var lines = table.Lines();
        if (lines.All(line => TextWidth.Of(line) <= width)) return [Bold(lines[0]), .. lines.Skip(1)];

        var paragraphs = new List<string>();
        foreach (var row in rows)
        {
            paragraphs.Add(Bold(Cut(row[0], width)));
            var line = Indent;
            for (var i = 1; i < row.Length; i++)
            {
                var value = $"{names[i]} {row[i]}";
                var isFirst = line.Length == Indent.Length;
                if (!isFirst && TextWidth.Of(line) + Indent.Length + TextWidth.Of(value) > width)
                {
                    paragraphs.Add(line);
                    (line, isFirst) = (Indent, true);
                }
                line += isFirst ? value : Indent + value;
            }
            paragraphs.Add(line);
        }
        return paragraphs;
    }

    private static string Bold(string text) => $"\e[1m{text}\e[0m";

    /// <summary>A title too long for one line is cut, which no number ever is.</summary>
    private static string Cut(string text, int width)
    {
        if (TextWidth.Of(text) <= width) return text;
        var kept = text;
        while (kept.Length > 0 && TextWidth.Of(kept) >= width) kept = kept[..^(char.IsLowSurrogate(kept[^1]) ? 2 : 1)];
        return kept + "…";
    }
}
