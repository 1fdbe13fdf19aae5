using System.CommandLine;
using System.Collections.Immutable;
using Matih.Delivery;
using Matih.Host.Output;
using Matih.Host.Runtime;
using Matih.Host.Testing;
using Matih.Hosting;

namespace Matih.Host.Commands;

/// <summary><c>matih test</c>: runs the tests of a definition.</summary>
internal sealed class TestVerb : Verb
{
    private static readonly HelpPage Page = new(
        """
        Runs the tests that stand in a definition: the statements as they are over the records of each test, with the schema and the options of
        the source, and compares the rows, what is rejected and what is filtered. Needs no Kafka and no catalog.

        A failed test shows what was expected and found, column by column.
        """,
        ["test FILE [--only NAME] [--json] [--set path=value]…"],
        ("Examples", [("matih test orders.yaml", ""), ("matih test orders.yaml --only 'paid orders only'", "")]),
        ("Exit codes", [("0", "All tests passed."), ("1", "A test failed."), ("2", "The definition, a test or the command line is wrong.")]));

    private readonly HostSettings _settings;
    private readonly Argument<string> _file;
    private readonly Option<string?> _only;
    private readonly Option<string[]> _set;
    private readonly Option<bool> _json;

    public TestVerb(HostSettings settings) : base("test", "Run the tests of a definition.", Page)
    {
        _settings = settings;
        _file = Positional("FILE", "The definition, a YAML file.");
        _only = Text("--only", "NAME", "Run this test alone.");
        _json = Flag("--json", "Print one JSON object: {\"tests\": [{\"name\", \"ok\", \"differences\"}], \"failed\"}.");
        _set = Texts("--set", "path=value", "Change a value of the definition first. Can be given often.");
    }

    protected override Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken) => Task.FromResult(Run(arguments));

    private int Run(ParseResult arguments)
    {
        var request = new PipelineRequest(arguments.GetValue(_file)!, arguments.GetValue(_set) ?? [], null);
        var load = PipelineLoading.Load(request, _settings, isForFlink: null);
        DefinitionReport.WriteText(load, Console.Error);
        if (load.Pipeline is not { } pipeline || Prepare(pipeline, request, _settings, Console.Error) is not { } tests) return ExitCode.BadDefinition;
        if (tests.IsEmpty) throw new UsageException($"{request.File} has no tests: write them under 'tests:'.");
        TestResult[] results = [.. Chosen(tests, arguments.GetValue(_only)).Select(test => TestRun.Run(test, TimeProvider.System))];
        if (arguments.GetValue(_json)) JsonOutput.WriteLine(Console.OpenStandardOutput(), json => TestReport.WriteJson(results, json));
        else TestReport.WriteText(results, Console.Out);
        return results.All(result => result.IsOk) ? ExitCode.Done : HostExit.TestFailed;
    }

    /// <summary>The definition's tests; null after everything that is wrong with them was printed.</summary>
    internal static ImmutableArray<PreparedTest>? Prepare(LoadedPipeline pipeline, PipelineRequest request, HostSettings settings, TextWriter error)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(request.File, settings.CurrentDirectory))!;
        var (tests, errors) = TestPreparation.Prepare(pipeline, folder);
        if (errors.IsEmpty) return tests;
        foreach (var wrong in errors) error.WriteLine(wrong);
        error.WriteLine($"{Quantity.Of(errors.Length, "error")}.");
        return null;
    }

    private static IEnumerable<PreparedTest> Chosen(ImmutableArray<PreparedTest> tests, string? only)
    {
        if (only is null) return tests;
        var names = tests.Select(test => test.Definition.Name).ToList();
        return names.Contains(only) ? tests.Where(test => test.Definition.Name == only) : throw new UsageException($"--only: there is no test '{only}'{NearestName.Suggest(only, names)} There are {string.Join(", ", names)}.");
    }
}
