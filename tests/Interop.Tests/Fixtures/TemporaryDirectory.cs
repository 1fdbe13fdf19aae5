namespace Matih.Fixtures;

/// <summary>
/// Folders for a test's files. A test's folder is deleted after the test when it passed and stays when it failed or when
/// <c>MATIH_KEEP_TEST_DIRS=1</c>; its path is in the test's output.
/// </summary>
public static partial class TemporaryDirectory
{
    /// <summary>Whether every folder is kept.</summary>
    public static bool KeepsAll { get; } = Environment.GetEnvironmentVariable("MATIH_KEEP_TEST_DIRS") == "1";

    /// <summary>A new empty folder that the caller deletes with <see cref="Delete"/>.</summary>
    public static string NewUnowned() => Directory.CreateTempSubdirectory("matih-test-").FullName;

    /// <summary>Deletes a folder with all that is in it, unless every folder is kept.</summary>
    public static void Delete(string path)
    {
        if (!KeepsAll && Directory.Exists(path)) Directory.Delete(path, recursive: true);
    }
}
