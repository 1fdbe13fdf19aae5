namespace Matih.Fixtures;

/// <summary>
/// The <c>matih</c> command as users run it: the host built beside the tests, or the executable that
/// <c>MATIH_EXECUTABLE</c> names (to run the same tests on the published single file).
/// </summary>
public static class MatihProcess
{
    /// <summary>The executable's path.</summary>
    public static string Executable { get; } =
        Environment.GetEnvironmentVariable("MATIH_EXECUTABLE") is { Length: > 0 } path
            ? Path.GetFullPath(path, SourceTree.Root)
            : Path.Combine(AppContext.BaseDirectory, "matih");

    /// <summary>Starts the command; disposing the result kills it.</summary>
    public static ExternalProcess Start(
        IEnumerable<string> arguments, string? workingDirectory = null, IReadOnlyDictionary<string, string?>? environment = null) =>
        ExternalProcess.Start(Executable, arguments, workingDirectory, environment);

    /// <summary>Runs the command to its end.</summary>
    public static Task<ProcessOutput> RunAsync(
        IEnumerable<string> arguments,
        string? workingDirectory = null,
        IReadOnlyDictionary<string, string?>? environment = null,
        TimeSpan? waitMax = null) =>
        ExternalProcess.RunAsync(Executable, arguments, waitMax, workingDirectory, environment);
}
