using System.Collections.Immutable;
using System.CommandLine;
using Matih.Definition;
using Matih.Flink;
using Matih.Host.Output;
using Matih.Hosting;

namespace Matih.Host.Commands;

/// <summary>A definition and the script that it gives.</summary>
/// <param name="ScriptAt">The script whose sources begin at these offsets of their partitions.</param>
internal sealed record GeneratedJob(
    LoadedPipeline Pipeline, FlinkScript Script, Func<ImmutableDictionary<string, ImmutableArray<(int Partition, long Offset)>>, FlinkScript> ScriptAt);

/// <summary>What every subcommand that needs a script asks for.</summary>
internal sealed class FlinkOptions
{
    /// <summary>Begins the value of an unset variable; where it is printed, something else than a secret needed the variable.</summary>
    private const string StandIn = "matih-unset-";

    private const string SqlConnector = "flink-sql-connector-kafka";
    private const string PlainConnector = "flink-connector-kafka";

    private readonly Option<string[]> _set = new("--set")
    {
        HelpName = "path=value",
        Description = "Change a value of the definition first. Can be given often.",
        AllowMultipleArgumentsPerToken = false,
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string?> _warehouse = new("--warehouse") { HelpName = "DIR", Description = "Folder of the file catalog's tables, for all sinks, as Flink's machines see it." };

    private readonly Option<string> _connector = new("--kafka-connector")
    {
        HelpName = $"{SqlConnector}|{PlainConnector}",
        Description = $"The Kafka connector that the cluster has: {SqlConnector} (default) holds the client's classes under other names, which the security options must say.",
        DefaultValueFactory = _ => SqlConnector,
    };

    public FlinkOptions() => _connector.AcceptOnlyFromAmong(SqlConnector, PlainConnector);

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _set, _warehouse, _connector }) command.Options.Add(option);
    }

    public IReadOnlyList<string> OverridesOf(ParseResult arguments) => arguments.GetValue(_set) ?? [];

    /// <summary>The arguments that give another command the same connector; none for the default.</summary>
    public IReadOnlyList<string> ConnectorOf(ParseResult arguments) => arguments.GetValue(_connector) is { } connector and not SqlConnector ? ["--kafka-connector", connector] : [];

    /// <summary>Loads and generates; null where something is wrong, which has been printed then.</summary>
    public GeneratedJob? Generate(ParseResult arguments, string file, HostSettings settings, TextWriter? errors = null)
    {
        errors ??= Console.Error;
        var load = PipelineLoading.Load(new PipelineRequest(file, arguments.GetValue(_set) ?? [], arguments.GetValue(_warehouse)), settings, isForFlink: true);
        DefinitionReport.WriteText(load, errors);
        if (load.Pipeline is not { } pipeline) return null;
        var traits = new FlinkTraits(arguments.GetValue(_connector) == SqlConnector);
        if (Generate(file, pipeline, traits, errors) is not { } script) return null;
        return new GeneratedJob(pipeline, script, begins => Generator(file, pipeline, traits, begins).Generate().Script ?? throw new InvalidOperationException("The same definition gave a script before."));
    }

    /// <summary>
    /// The same for a reader: the script has a reference in the place of each secret, so that variables which nothing but secrets
    /// need may be unset.
    /// </summary>
    /// <param name="errors">Gets what is wrong; null is the standard error stream.</param>
    public GeneratedJob? GenerateToPrint(ParseResult arguments, string file, HostSettings settings, TextWriter? errors = null)
    {
        var path = Path.GetFullPath(file, settings.CurrentDirectory);
        var unset = File.Exists(path) ? UnsetVariables(WrittenDefinition.Read(file, File.ReadAllText(path)), settings) : [];
        if (unset.Count != 0 && Generate(arguments, file, settings with { Environment = name => unset.Contains(name) ? $"{StandIn}{name}" : settings.Environment(name) }, TextWriter.Null) is { } job
            && !job.Script.ToString().Contains(StandIn, StringComparison.Ordinal)) return job;
        return Generate(arguments, file, settings, errors);
    }

    private static HashSet<string> UnsetVariables(WrittenDefinition written, HostSettings settings) =>
        [.. written.FindVariables().Where(variable => !variable.Value && string.IsNullOrEmpty(settings.Environment(variable.Key))).Select(variable => variable.Key)];

    /// <summary>The script of a definition that was loaded; null where it cannot be said to Flink, which has been printed then.</summary>
    public static FlinkScript? Generate(string file, LoadedPipeline pipeline, FlinkTraits traits) => Generate(file, pipeline, traits, Console.Error);

    private static FlinkScript? Generate(string file, LoadedPipeline pipeline, FlinkTraits traits, TextWriter errors)
    {
        var result = Generator(file, pipeline, traits, null).Generate();
        foreach (var error in result.Errors) errors.WriteLine(error);
        if (!result.Errors.IsEmpty) errors.WriteLine($"{Quantity.Of(result.Errors.Length, "error")}: this cannot be said to Flink.");
        return result.Script;
    }

    private static FlinkGenerator Generator(string file, LoadedPipeline pipeline, FlinkTraits traits, ImmutableDictionary<string, ImmutableArray<(int Partition, long Offset)>>? begins) =>
        new(pipeline.Definition, WrittenDefinition.Read(file, pipeline.Text), pipeline.Flows, traits, File.ReadAllText, begins);
}
