using System.Text.RegularExpressions;
using Matih.Engine.Tests.Architecture;
using Matih.Fixtures;

namespace Matih.Engine.Tests.Repository;

/// <summary>The table of faults names tests, and there are such tests.</summary>
public sealed partial class FaultTableTests
{
    [Fact]
    public void Every_fault_names_tests_that_exist()
    {
        var rows = File.ReadAllLines(Path.Combine(SourceTree.Root, "docs", "faults.md"))
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| Fault |", StringComparison.Ordinal)).ToArray();

        Assert.True(rows.Length > 25, $"{rows.Length} faults");
        Violations.AssertNone(
            from row in rows
            let named = TestName().Matches(row).Select(found => found.Groups[1].Value).ToArray()
            let missing = named.Where(name => !RepositoryNames.Tests.Contains(name)).ToArray()
            where named.Length == 0 || missing.Length != 0
            select named.Length == 0 ? $"no test is named: {row}" : $"there is no {string.Join(", ", missing)}");
    }

    [GeneratedRegex(@"`(\w+Tests\.\w+)`")]
    private static partial Regex TestName();
}
