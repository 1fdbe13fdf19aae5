using System.Collections.Concurrent;
using System.Reflection;
using Xunit;
using Xunit.v3;

[assembly: Matih.Fixtures.DeleteTemporaryDirectories]

namespace Matih.Fixtures;

/// <summary>
/// Folders for a test's files. A test's folder is deleted after the test when it passed and stays when it failed or when
/// <c>MATIH_KEEP_TEST_DIRS=1</c>; its path is in the test's output.
/// </summary>
public static class TemporaryDirectory
{
    private static readonly ConcurrentDictionary<string, ConcurrentBag<string>> OfTest = new();

    /// <summary>Whether every folder is kept.</summary>
    public static bool KeepsAll { get; } = Environment.GetEnvironmentVariable("MATIH_KEEP_TEST_DIRS") == "1";

    /// <summary>A new empty folder that belongs to the running test.</summary>
    public static string New()
    {
        var test = TestContext.Current.Test ?? throw new InvalidOperationException("TemporaryDirectory.New is for tests; fixtures use NewUnowned.");
        var path = NewUnowned();
        OfTest.GetOrAdd(test.UniqueID, _ => []).Add(path);
        TestContext.Current.TestOutputHelper?.WriteLine($"directory: {path}");
        return path;
    }

    /// <summary>A new empty folder that the caller deletes with <see cref="Delete"/>.</summary>
    public static string NewUnowned() => Directory.CreateTempSubdirectory("matih-test-").FullName;

    /// <summary>Deletes a folder with all that is in it, unless every folder is kept.</summary>
    public static void Delete(string path)
    {
        if (!KeepsAll && Directory.Exists(path)) Directory.Delete(path, recursive: true);
    }

    internal static void EndOfTest(string testId, bool failed)
    {
        if (!OfTest.TryRemove(testId, out var paths) || failed) return;
        foreach (var path in paths) Delete(path);
    }
}

/// <summary>Deletes the folders of each test that passed.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class DeleteTemporaryDirectoriesAttribute : BeforeAfterTestAttribute
{
    public override void After(MethodInfo methodUnderTest, IXunitTest test) =>
        TemporaryDirectory.EndOfTest(test.UniqueID, TestContext.Current.TestState?.Result is not (TestResult.Passed or TestResult.Skipped));
}
