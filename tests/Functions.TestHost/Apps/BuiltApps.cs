using Matih.Fixtures;

namespace Matih.Functions.TestHost.Apps;

/// <summary>The output folders of the apps that tests, the demonstration and measurements start.</summary>
public static class BuiltApps
{
    /// <summary>The tiny worker that the test host is tested with.</summary>
    public static string TestWorker { get; } = Of("tests/Functions.TestWorker");

    /// <summary>The Functions app itself.</summary>
    public static string Functions { get; } = Of("src/Functions");

    /// <summary>The command.</summary>
    public static string Matih { get; } = Path.Combine(Of("src/Host"), "matih");

    /// <summary>The demonstration.</summary>
    public static string Demo { get; } = Path.Combine(Of("tests/Functions.Demo"), "Matih.Functions.Demo");

    private static string Of(string project) => Path.Combine(SourceTree.Root, project, "bin", "Release", "net10.0");
}
