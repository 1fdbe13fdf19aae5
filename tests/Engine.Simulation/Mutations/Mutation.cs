namespace Matih.Engine.Simulation.Mutations;

/// <summary>One deliberate fault of the engine: a text of one source file and what stands there instead.</summary>
/// <remarks>A file of comments (<c>#</c>), then <c>file:</c> with a path from the repository's root, <c>find:</c> and <c>replace:</c> with the lines after them.</remarks>
internal sealed record Mutation(string Name, string Story, string File, string Find, string Replacement)
{
    public static Mutation Read(string path)
    {
        var lines = System.IO.File.ReadAllLines(path);
        var (find, replace) = (Array.IndexOf(lines, "find:"), Array.IndexOf(lines, "replace:"));
        var file = lines.FirstOrDefault(line => line.StartsWith("file: ", StringComparison.Ordinal));
        if (find < 0 || replace < find || file is null) throw new FormatException($"{path} is no mutation: it needs 'file: PATH', 'find:' and 'replace:'.");
        return new Mutation(
            Path.GetFileNameWithoutExtension(path), string.Join(' ', lines.Where(line => line.StartsWith('#')).Select(line => line.TrimStart('#', ' '))),
            file["file: ".Length..].Trim(), string.Join('\n', lines[(find + 1)..replace]), string.Join('\n', lines[(replace + 1)..]).TrimEnd('\n'));
    }

    /// <summary>Why this mutation cannot be made: the text to replace does not stand there exactly once, so the engine has changed and the mutation has to follow.</summary>
    public string? Misfit(string source)
    {
        var first = source.IndexOf(Find, StringComparison.Ordinal);
        if (first >= 0 && source.IndexOf(Find, first + 1, StringComparison.Ordinal) < 0) return null;
        return $"Mutation {Name}: its text must stand exactly once in {File}, and stands there {(first < 0 ? "not at all" : "more than once")}. Adapt the mutation to the engine.";
    }

    /// <summary>The file's text with the fault in it.</summary>
    /// <exception cref="FormatException">The mutation does not fit the text.</exception>
    public string Apply(string source) =>
        Misfit(source) is { } misfit ? throw new FormatException(misfit) : source.Replace(Find, Replacement, StringComparison.Ordinal);
}
