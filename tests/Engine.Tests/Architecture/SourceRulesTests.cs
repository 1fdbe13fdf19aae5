using System.Text.RegularExpressions;
using Matih.Fixtures;

namespace Matih.Engine.Tests.Architecture;

/// <summary>What the sources must look like, where a compiler or analyzer does not say it.</summary>
public sealed partial class SourceRulesTests
{
    private const int LinesMax = 600;
    private static readonly string[] EmptyNames = ["Utils", "Util", "Helpers", "Helper", "Common", "Manager", "Managers", "Models", "Base", "Shared", "Misc"];

    [Fact]
    public void No_file_of_the_engine_is_too_long_to_read() =>
        Violations.AssertNone(
            from file in EngineSources.Files
            let lines = File.ReadLines(file.Path).Count()
            where lines > LinesMax
            select $"{file.RelativePath}: {lines} lines");

    [Fact]
    public void Folders_are_at_most_two_deep() =>
        Violations.AssertNone(
            EngineSources.Files.Select(file => file.RelativePath).Where(path => path.Count(character => character == Path.DirectorySeparatorChar) > 2));

    [Fact]
    public void Folders_and_types_have_names_that_say_something()
    {
        var names =
            from part in new[] { "src", "tests", "bench" }
            let folder = Path.Combine(SourceTree.Root, part)
            where Directory.Exists(folder)
            from path in EngineSources.Written(folder)
            from name in Path.GetRelativePath(SourceTree.Root, path).Split(Path.DirectorySeparatorChar)
            let stem = name.EndsWith(".cs", StringComparison.Ordinal) ? name[..^3] : name
            where EmptyNames.Contains(stem) || EmptyTypeName().IsMatch(stem)
            select Path.GetRelativePath(SourceTree.Root, path);

        Violations.AssertNone(names);
    }

    [Fact]
    public void A_namespace_is_its_folder()
    {
        var strays =
            from file in EngineSources.Files
            let declared = File.ReadLines(file.Path).FirstOrDefault(line => line.StartsWith("namespace ", StringComparison.Ordinal))
            let expected = file.Folder.Length == 0 ? "namespace Matih;" : $"namespace Matih.{file.Folder}"
            where declared is not null && declared != expected && declared != expected + ";" && !declared.StartsWith(expected + ".", StringComparison.Ordinal)
            select $"{file.RelativePath}: {declared}";

        Violations.AssertNone(strays);
    }

    [Fact]
    public void Every_public_type_says_what_it_is_for()
    {
        var undocumented = new List<string>();
        foreach (var file in EngineSources.Files)
        {
            var lines = File.ReadAllLines(file.Path);
            for (var i = 0; i < lines.Length; i++)
                if (PublicType().IsMatch(lines[i]) && !IsDocumented(lines, i)) undocumented.Add($"{file.RelativePath}:{i + 1}: {lines[i]}");
        }

        Violations.AssertNone(undocumented);
    }

    [Fact]
    public void No_file_names_a_package_registry_or_a_folder_of_one_machine()
    {
        // Written in two parts so that this file does not name them.
        string[] banned =
        [
            "nuget" + ".org", "registry.npm" + "js.org", "pypi" + ".org", "python" + "hosted.org", "repo.maven" + ".apache.org", "deb.debian" + ".org",
            "archive.ubuntu" + ".com", "/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/",
        ];
        var found =
            from path in EngineSources.Written(SourceTree.Root)
            from line in File.ReadLines(path)
            from name in banned
            where line.Contains(name, StringComparison.OrdinalIgnoreCase)
            select $"{Path.GetRelativePath(SourceTree.Root, path)}: {line.Trim()}";

        Violations.AssertNone(found);
    }

    private static bool IsDocumented(string[] lines, int type)
    {
        var above = type - 1;
        while (above >= 0 && (lines[above].StartsWith('[') || lines[above].StartsWith('#'))) above--;
        return above >= 0 && lines[above].StartsWith("///", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"(Utils?|Helpers?|Manager)$")]
    private static partial Regex EmptyTypeName();

    [GeneratedRegex(@"^public ((sealed|static|abstract|readonly|partial|ref|unsafe) )*(class|struct|record|interface|enum|delegate) ")]
    private static partial Regex PublicType();
}
