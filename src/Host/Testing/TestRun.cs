using Matih.Definition;
using Matih.Host.Statements;

namespace Matih.Host.Testing;

/// <summary>What became of a test.</summary>
/// <param name="Differences">Lines for people, empty where the test passed.</param>
internal sealed record TestResult(string Name, IReadOnlyList<string> Differences)
{
    public bool IsOk => Differences.Count == 0;
}

/// <summary>Runs a flow's statements over the records of a test, and compares.</summary>
internal static class TestRun
{
    private const int RejectionMax = 20;

    /// <param name="clock">The time where the test does not set one.</param>
    public static TestResult Run(PreparedTest test, TimeProvider clock)
    {
        var expected = test.Definition.Expected;
        // Instants are compared in UTC, whatever the session's zone is.
        var found = StatementRun.RunFlow(test.Flow, test.Records, TimeZoneInfo.Utc, new FixedTime(test.Definition.Now ?? clock.GetUtcNow()));
        var differences = new List<string>();
        if (test.Rows is { } rows)
        {
            var names = (rows.Columns.IsEmpty ? found.Type.Fields : rows.Columns.Select(column => found.Type[column])).Select(field => field.Name);
            differences.AddRange(RowComparison.Compare([.. names], rows.Rows, rows.Of(found.Type, found.Rows), expected.IsOrdered));
        }
        differences.AddRange(Compare(expected.Rejected, found.Rejections));
        if (expected.FilteredCount is { } filtered && filtered != found.FilteredCount) differences.Add($"filtered: expected {Quantity.Count(filtered)}, found {Quantity.Count(found.FilteredCount)}");
        return new TestResult(test.Definition.Name, differences);
    }

    private static IEnumerable<string> Compare(TestRejections expected, IReadOnlyList<StatementResult.Rejected> found)
    {
        var parts = expected is TestRejections.Reasons reasons ? reasons.Parts : [];
        var count = expected is TestRejections.Count(var number) ? number : parts.Length;
        if (count != found.Count)
        {
            yield return $"rejected: expected {Quantity.Count(count)}, found {Quantity.Count(found.Count)}";
            foreach (var rejected in found.Take(RejectionMax)) yield return $"  record {rejected.Line}: {rejected.Reason}";
            if (found.Count > RejectionMax) yield return $"  … and {Quantity.Of(found.Count - RejectionMax, "record")} more";
            yield break;
        }
        for (var i = 0; i < parts.Length; i++)
            if (!found[i].Reason.Contains(parts[i], StringComparison.Ordinal)) yield return $"rejected: record {found[i].Line}: expected a reason with \"{parts[i]}\", found \"{found[i].Reason}\"";
    }

    /// <summary>A clock that stands, so that a test gives the same whenever it runs.</summary>
    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
