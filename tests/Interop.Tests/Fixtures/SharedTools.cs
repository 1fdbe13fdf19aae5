using Xunit;

namespace Matih.Fixtures;

/// <summary>
/// The folder of real components and independent readers (Kafka, Iceberg's reference implementation, …) that interop tests
/// talk to. <c>MATIH_SHARED</c> names it, relative to the repository root; the default is <c>../shared</c>. With
/// <c>MATIH_SHARED=none</c> every test that needs it is skipped with a reason; a folder that is missing otherwise is a
/// failure, so that no machine passes by testing less than it should.
/// </summary>
public static class SharedTools
{
    private const string Variable = "MATIH_SHARED";

    /// <summary>Whether the tools were declined with <c>MATIH_SHARED=none</c>.</summary>
    public static bool IsDeclined => Environment.GetEnvironmentVariable(Variable) == "none";

    /// <summary>The full path of a tool or folder of the shared folder. Call it from a test or a test class's constructor.</summary>
    /// <param name="relativePath">For example <c>kafka/kafka</c>.</param>
    public static string Find(string relativePath)
    {
        if (IsDeclined) Assert.Skip($"needs {relativePath} of the shared tools, declined by {Variable}=none");
        var setting = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } value ? value : "../shared";
        var folder = Path.GetFullPath(setting, SourceTree.Root);
        var path = Path.Combine(folder, relativePath);
        if (!Path.Exists(path))
            Assert.Fail(
                $"{path} does not exist ({Variable} is {(setting == "../shared" ? "../shared, the default" : setting)}). " +
                $"Set {Variable} to the folder of the shared test tools, or to none to skip the tests that need them.");
        return path;
    }
}
