using System.Text.RegularExpressions;

namespace Matih.Engine.Tests.Repository;

/// <summary>What the comment before a fenced block says is to be done with it.</summary>
internal abstract record DocumentStep(int Line, string Text)
{
    /// <summary>Write the block to a file.</summary>
    public sealed record WriteFile(int Line, string Text, string Name) : DocumentStep(Line, Text);

    /// <summary>Run the block as a shell script and expect that exit code.</summary>
    public sealed record RunScript(int Line, string Text, int ExitCode) : DocumentStep(Line, Text);

    /// <summary>Expect the block's lines, in order, in the output of the script before.</summary>
    public sealed record ExpectOutput(int Line, string Text) : DocumentStep(Line, Text);
}

/// <summary>A Markdown file of the repository: its marked examples and its links. CONTRIBUTING.md describes the marks.</summary>
internal sealed partial class MarkdownDocument
{
    private MarkdownDocument(string path, IReadOnlyList<DocumentStep> steps, IReadOnlyList<(int Line, string Target)> links)
    {
        Path = path;
        Steps = steps;
        Links = links;
    }

    public string Path { get; }

    /// <summary>The marked blocks in the document's order.</summary>
    public IReadOnlyList<DocumentStep> Steps { get; }

    /// <summary>Targets of links and images outside code, with their line.</summary>
    public IReadOnlyList<(int Line, string Target)> Links { get; }

    public static MarkdownDocument Read(string path)
    {
        var lines = File.ReadAllLines(path);
        var steps = new List<DocumentStep>();
        var links = new List<(int, string)>();
        for (var i = 0; i < lines.Length; i++)
        {
            if (!lines[i].StartsWith("```", StringComparison.Ordinal))
            {
                foreach (Match link in Link().Matches(InlineCode().Replace(lines[i], ""))) links.Add((i + 1, link.Groups[1].Value));
                continue;
            }
            var end = Array.FindIndex(lines, i + 1, line => line.StartsWith("```", StringComparison.Ordinal));
            if (end < 0) throw new FormatException($"{path}:{i + 1}: the block has no end.");
            var text = string.Concat(lines[(i + 1)..end].Select(line => line + "\n"));
            if (i > 0 && Step(lines[i - 1].Trim(), i + 1, text) is { } step) steps.Add(step);
            i = end;
        }
        return new MarkdownDocument(path, steps, links);
    }

    private static DocumentStep? Step(string mark, int line, string text)
    {
        if (mark == "<!-- output -->") return new DocumentStep.ExpectOutput(line, text);
        if (FileMark().Match(mark) is { Success: true } file) return new DocumentStep.WriteFile(line, text, file.Groups[1].Value);
        if (TestMark().Match(mark) is not { Success: true } test) return null;
        var exitCode = test.Groups[1].Success ? int.Parse(test.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) : 0;
        return new DocumentStep.RunScript(line, text, exitCode);
    }

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("`[^`]*`")]
    private static partial Regex InlineCode();

    [GeneratedRegex("^<!-- file: (.+) -->$")]
    private static partial Regex FileMark();

    [GeneratedRegex("^<!-- test(?: exit ([0-9]+))? -->$")]
    private static partial Regex TestMark();
}
