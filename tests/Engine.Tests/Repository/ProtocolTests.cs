using System.Text.RegularExpressions;
using Matih.Engine.Tests.Architecture;
using Matih.Fixtures;

namespace Matih.Engine.Tests.Repository;

/// <summary>docs/delivery.md, the protocol: each rule names the code and the tests that hold it, and they exist.</summary>
public sealed partial class ProtocolTests
{
    private static readonly string Protocol = File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "delivery.md"));

    [Fact]
    public void Every_test_type_and_mutation_that_is_named_exists()
    {
        var names = Name().Matches(Protocol).Select(found => found.Groups[1].Value).ToArray();

        Assert.True(names.Length > 150, $"{names.Length} names");
        Violations.AssertNone(names.Where(name => !Exists(name)).Select(name => $"there is no {name}"));
    }

    [Fact]
    public void Every_rule_names_its_code_and_its_tests()
    {
        var rules = Protocol.Split("\n### ").Skip(1).Select(rule => rule.Split("\n## ")[0]).ToArray();

        Assert.True(rules.Length > 30, $"{rules.Length} rules");
        Violations.AssertNone(rules.Where(rule => !Evidence().IsMatch(rule)).Select(rule => rule.Split('\n')[0]));
    }

    private static bool Exists(string name) =>
        name.EndsWith(".mutation", StringComparison.Ordinal) ? RepositoryNames.Mutations.Contains(name)
        : name.Split('.') is [var type, _] && type.EndsWith("Tests", StringComparison.Ordinal) ? RepositoryNames.Tests.Contains(name)
        : RepositoryNames.Types.Contains(name);

    /// <summary>Code in a line that looks like a type, a test or a mutation.</summary>
    [GeneratedRegex(@"`([A-Z][a-z]\w*(?:\.\w+)?|I[A-Z][a-z]\w*|[a-z0-9-]+\.mutation)`")]
    private static partial Regex Name();

    [GeneratedRegex(@"^- \*\*Code:\*\* `\w+.*\*\*Tests:\*\* `\w+", RegexOptions.Multiline)]
    private static partial Regex Evidence();
}
