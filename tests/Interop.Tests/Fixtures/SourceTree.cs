namespace Matih.Fixtures;

/// <summary>The working tree that the running tests were built from.</summary>
public static class SourceTree
{
    /// <summary>The folder of <c>MatihFunctions.sln</c>, found by walking up from the test binary.</summary>
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "MatihFunctions.sln"))) return folder.FullName;
        throw new InvalidOperationException(
            $"No folder above {AppContext.BaseDirectory} holds MatihFunctions.sln. Run the tests from their build output inside the repository.");
    }
}
