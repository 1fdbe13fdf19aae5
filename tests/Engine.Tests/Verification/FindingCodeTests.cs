using System.Reflection;
using Matih.Engine.Tests.Architecture;
using Matih.Fixtures;
using Matih.Verification;

namespace Matih.Engine.Tests.Verification;

public sealed class FindingCodeTests
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
}
