using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestFramework(typeof(Matih.Fixtures.ParallelMethods))]
[assembly: TestCollectionOrderer(typeof(Matih.Fixtures.LongestFirst))]
[assembly: Parallelization(MaxThreads = 4)]

namespace Matih.Fixtures;

/// <summary>
/// Runs the methods of a class side by side, not only its classes: these tests wait for brokers, sessions and other programs
/// most of the time. Each method is a test collection of its own, and four run at a time.
/// </summary>
public sealed class ParallelMethods : XunitTestFramework
{
    protected override ITestFrameworkDiscoverer CreateDiscoverer(Assembly assembly) =>
        new Discoverer(new XunitTestAssembly(assembly, configFilePath: null));

    private sealed class Discoverer(IXunitTestAssembly assembly) : XunitTestFrameworkDiscoverer(assembly)
    {
        protected override ValueTask<bool> FindTestsForMethod(
            IXunitTestMethod testMethod, ITestFrameworkDiscoveryOptions discoveryOptions, Func<ITestCase, ValueTask<bool>> discoveryCallback)
        {
            var shared = testMethod.TestClass.TestCollection;
            var name = $"{testMethod.TestClass.TestClassName}.{testMethod.MethodName}";
            var collection = new XunitTestCollection(shared.TestAssembly, shared.CollectionDefinition, shared.DisableParallelization, name);
            var testClass = new XunitTestClass(testMethod.TestClass.Class, collection);
            return base.FindTestsForMethod(new XunitTestMethod(testClass, testMethod.Method, testMethod.TestMethodArguments), discoveryOptions, discoveryCallback);
        }
    }
}

/// <summary>Marks a test that takes half a minute or more, so that it starts among the first and nothing waits for it at the end.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LongTestAttribute : Attribute;

/// <summary>Starts long tests before the others.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderBy(collection => LongNames.Contains(collection.TestCollectionDisplayName) ? 0 : 1).ThenBy(collection => collection.TestCollectionDisplayName, StringComparer.Ordinal)];

    private static readonly HashSet<string> LongNames = [.. typeof(LongestFirst).Assembly.GetTypes()
        .SelectMany(type => type.GetMethods().Where(method => method.IsDefined(typeof(LongTestAttribute))).Select(method => $"{type.FullName}.{method.Name}"))];
}
