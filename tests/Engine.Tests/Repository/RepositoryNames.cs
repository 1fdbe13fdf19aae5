using System.Text.RegularExpressions;
using Matih.Engine.Tests.Architecture;
using Matih.Fixtures;

namespace Matih.Engine.Tests.Repository;

/// <summary>What documents and comments may name: the tests, types, mutations and headings that the repository has.</summary>
internal static partial class RepositoryNames
{
    private static readonly string[] Sources = [.. EngineSources.Written(SourceTree.Root).Where(path => path.EndsWith(".cs", StringComparison.Ordinal))];

    /// <summary>Every C# file that developers write.</summary>
    public static IReadOnlyList<string> SourceFiles => Sources;

    /// <summary>Every test, as <c>Class.Method</c>.</summary>
    public static IReadOnlySet<string> Tests { get; } = Sources
        .Where(path => path.EndsWith("Tests.cs", StringComparison.Ordinal))
        .SelectMany(path => TestMethod().Matches(File.ReadAllText(path)).Select(found => $"{Path.GetFileNameWithoutExtension(path)}.{found.Groups[1].Value}"))
        .ToHashSet(StringComparer.Ordinal);

    /// <summary>Every type, by its name alone.</summary>
    public static IReadOnlySet<string> Types { get; } = Sources
        .SelectMany(path => TypeDeclaration().Matches(File.ReadAllText(path)).Select(found => found.Groups[1].Value))
        .ToHashSet(StringComparer.Ordinal);

    /// <summary>Every deliberate fault of the simulation, as its file is named.</summary>
    public static IReadOnlySet<string> Mutations { get; } =
        Directory.EnumerateFiles(Path.Combine(SourceTree.Root, "tests", "Engine.Simulation", "Mutations"), "*.mutation")
            .Select(path => Path.GetFileName(path)).ToHashSet(StringComparer.Ordinal);

    /// <summary>The headings of a Markdown file, without their marks.</summary>
    public static IReadOnlyList<string> HeadingsOf(string path)
    {
        var headings = new List<string>();
        var isCode = false;
        foreach (var line in File.ReadLines(path))
        {
            if (line.StartsWith("```", StringComparison.Ordinal)) isCode = !isCode;
            else if (!isCode && Heading().Match(line) is { Success: true } heading) headings.Add(heading.Groups[1].Value);
        }
        return headings;
    }

    /// <summary>The anchor that a Markdown viewer gives a heading: lower case, hyphens for spaces, and no punctuation.</summary>
    public static string AnchorOf(string heading) => Punctuation().Replace(heading.ToLowerInvariant(), "").Replace(' ', '-');

    [GeneratedRegex(@"^    public (?:async )?(?:void|Task) (\w+)\(", RegexOptions.Multiline)]
    private static partial Regex TestMethod();

    [GeneratedRegex(@"^ *(?:(?:public|internal|private|protected|sealed|static|abstract|readonly|partial|ref|unsafe|file) )+(?:record struct|record|class|struct|interface|enum) (\w+)", RegexOptions.Multiline)]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex("^#+ (.+)$")]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex Punctuation();
}
