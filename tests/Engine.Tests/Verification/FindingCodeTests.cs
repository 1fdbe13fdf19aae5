using System.Reflection;
using System.Text.RegularExpressions;
using Matih.Engine.Tests.Architecture;
using Matih.Fixtures;
using Matih.Verification;

namespace Matih.Engine.Tests.Verification;

public sealed partial class FindingCodeTests
{
    private static IReadOnlyList<string> Codes { get; } =
        [.. typeof(FindingCode).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!)];

    [Fact]
    public void Every_code_is_documented()
    {
        var document = File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "verification.md"));

        Violations.AssertNone(Codes.Where(code => !document.Contains($"`{code}`", StringComparison.Ordinal)));
    }

    [Fact]
    public void No_two_findings_share_a_code()
    {
        Assert.Equal(Codes.Count, Codes.Distinct().Count());
        Assert.All(Codes, code => Assert.Matches("^[a-z]+(-[a-z]+)*$", code));
    }

    [Fact]
    public void Every_violation_has_a_broken_table_that_shows_it_and_a_proof_that_it_takes_back()
    {
        var violated = Sources("src", "Engine").SelectMany(text => ViolationCode().Matches(text)).Select(match => match.Groups["code"].Value).ToHashSet();
        var shown = string.Concat(Sources("tests", "Engine.Tests"));

        Assert.True(violated.Count > 30);
        Violations.AssertNone(violated.Where(code => !shown.Contains($"FindingCode.{code}", StringComparison.Ordinal)));
        Violations.AssertNone(violated.Select(name => (string)typeof(FindingCode).GetField(name)!.GetRawConstantValue()!).Where(code => !TableTampering.TakenBack.ContainsKey(code)));
    }

    private static IEnumerable<string> Sources(params string[] folder) =>
        Directory.GetFiles(Path.Combine([SourceTree.Root, .. folder, "Verification"]), "*.cs")
            .Where(file => Path.GetFileName(file) is not ("ProofScope.cs" or "TableTampering.cs")).Select(File.ReadAllText);

    [GeneratedRegex(@"(Violation|FileFault)\(FindingCode\.(?<code>\w+)")]
    private static partial Regex ViolationCode();
}
