using System.Text.RegularExpressions;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Deployment;

/// <summary>The repository's Dockerfile, taken apart: as much of the format as it uses.</summary>
internal sealed partial class Dockerfile
{
    private Dockerfile(Instruction[] all) => All = all;

    /// <summary>Every instruction, in order.</summary>
    public IReadOnlyList<Instruction> All { get; }

    /// <summary>The instructions of the last stage, which is the image.</summary>
    public IReadOnlyList<Instruction> Final => [.. All.SkipWhile(item => item != All.Last(last => last.Name == "FROM"))];

    public static Dockerfile Read() => Parse(File.ReadAllText(Path.Combine(SourceTree.Root, "Dockerfile")));

    internal static Dockerfile Parse(string text)
    {
        var lines = string.Join('\n', text.Split('\n').Where(line => !line.TrimStart().StartsWith('#')));
        var joined = Continuation().Replace(lines, " ");
        return new Dockerfile([.. joined.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(line => line.Split(' ', 2) is [var name, var rest]
            ? new Instruction(name, rest.Trim())
            : throw new FormatException($"'{line}' is no instruction with arguments."))]);
    }

    /// <summary>What an instruction says that stands in the final stage once.</summary>
    public string Only(string name) => Final.Single(item => item.Name == name).Arguments;

    /// <summary>The default of a build argument.</summary>
    public string Argument(string name) => All.Select(item => item.Name == "ARG" ? item.Arguments.Split('=', 2) : []).First(parts => parts.Length == 2 && parts[0] == name)[1];

    /// <summary>Variables that the image sets.</summary>
    public IReadOnlyDictionary<string, string> Environment => Final.Where(item => item.Name == "ENV")
        .SelectMany(item => Assignment().Matches(item.Arguments))
        .ToDictionary(match => match.Groups["name"].Value, match => match.Groups["value"].Value.Trim('"'));

    /// <summary>Sources and target of each COPY from the working tree.</summary>
    public IEnumerable<(string[] Sources, string Target)> CopiesOfTree =>
        from item in All
        where item.Name == "COPY" && !item.Arguments.Contains("--from=", StringComparison.Ordinal)
        let words = item.Arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        select (words[..^1], words[^1]);

    [GeneratedRegex(@"\\[ \t]*\n\s*")]
    private static partial Regex Continuation();

    [GeneratedRegex("""(?<name>[A-Z_]+)=(?<value>"[^"]*"|\S+)""")]
    private static partial Regex Assignment();

    internal sealed record Instruction(string Name, string Arguments);
}
