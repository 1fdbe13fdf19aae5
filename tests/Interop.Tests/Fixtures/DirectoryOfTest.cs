using System.Collections.Concurrent;
using System.Reflection;
using Xunit.v3;

[assembly: Matih.Fixtures.DeleteTemporaryDirectories]

namespace Matih.Fixtures;

public static partial class TemporaryDirectory
{
    private static readonly ConcurrentDictionary<string, ConcurrentBag<string>> OfTest = new();

    /// <summary>A new empty folder that belongs to the running test.</summary>
    public static string New()
    {
        var test = TestContext.Current.Test ?? throw new InvalidOperationException("TemporaryDirectory.New is for tests; fixtures use NewUnowned.");
        var path = NewUnowned();
        OfTest.GetOrAdd(test.UniqueID, _ => []).Add(path);
        TestContext.Current.TestOutputHelper?.WriteLine($"directory: {path}");
        return path;
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
