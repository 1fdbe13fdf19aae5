using System.Text.RegularExpressions;
using Matih.Engine.Tests.Architecture;
using Matih.Fixtures;

namespace Matih.Engine.Tests.Repository;

/// <summary>The glossary in CONTRIBUTING.md: each term once, in the order of the alphabet, with folders that exist.</summary>
public sealed partial class GlossaryTests
{
    private static readonly (string Term, string Where)[] Rows =
        [.. File.ReadAllText(Path.Combine(SourceTree.Root, "CONTRIBUTING.md")).Split("\n## Glossary\n")[1].Split("\n## ")[0].Split('\n')
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| Term |", StringComparison.Ordinal))
            .Select(line => line.Split('|')).Select(cells => (cells[1].Trim(), cells[^2]))];

    [Fact]
    public void Terms_stand_once_and_in_order()
    {
        var terms = Rows.Select(row => row.Term).ToArray();

        Assert.True(terms.Length > 30, $"{terms.Length} terms");
        Assert.Equal(terms.Distinct().Order(StringComparer.Ordinal), terms);
    }

    [Fact]
    public void Every_term_names_folders_that_exist() =>
        Violations.AssertNone(
            from row in Rows
            let folders = Folder().Matches(row.Where).Select(found => found.Groups[1].Value).ToArray()
            where folders.Length == 0 || !folders.All(folder => Directory.Exists(Path.Combine(EngineSources.Root, folder)))
            select $"{row.Term}: {row.Where}");

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Folder();
}
