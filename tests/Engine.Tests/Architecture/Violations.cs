namespace Matih.Engine.Tests.Architecture;

/// <summary>Assertions whose failure lists every violation in full.</summary>
internal static class Violations
{
    public static void AssertNone(IEnumerable<string> violations)
    {
        var found = violations.Distinct().ToList();
        Assert.True(found.Count == 0, string.Join('\n', found));
    }
}
