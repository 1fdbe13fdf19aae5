using System.Collections.Immutable;
using Matih.Connectors.Registry;
using Matih.Definition;
using Matih.Delivery;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Hosting;

/// <summary>Reads, checks and plans a definition file.</summary>
public static class PipelineLoading
{
    private const string Warning = "definition-warning";
    private const string Error = "definition-error";

    /// <param name="request">The definition.</param>
    /// <param name="settings">Environment and folders.</param>
    /// <param name="isForFlink">Whether a Flink cluster is to run it; null is as <c>orchestration.engine</c> says. Then statements that this engine does not compile are left to it, and no Kafka client of this machine is asked about the connections.</param>
    public static PipelineLoad Load(PipelineRequest request, HostSettings settings, bool? isForFlink = false)
    {
        string text;
        try
        {
            text = File.ReadAllText(Path.GetFullPath(request.File, settings.CurrentDirectory));
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return Unreadable($"{request.File}: there is no such file.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Unreadable($"{request.File}: cannot be read: {exception.Message}");
        }

        var result = DefinitionReader.Read(request.File, text, new DefinitionInputs
        {
            Environment = settings.Environment,
            ReadSecretFile = File.ReadAllText,
            BaseDirectory = settings.CurrentDirectory,
            Overrides = request.Overrides,
            Warehouse = request.Warehouse is { } warehouse ? settings.Warehouse(warehouse) : null,
        });
        var findings = ImmutableArray.CreateBuilder<LogEntry>();
        foreach (var warning in result.Warnings) findings.Add(Entry(LogSeverity.Warning, Warning, warning));
        if (!result.IsValid) return Wrong(findings, result.Errors);

        var unresolved = new List<DefinitionError>();
        var definition = Resolve(result.Definition, settings, unresolved);
        if (unresolved.Count != 0) return Wrong(findings, [.. unresolved]);

        var isFlink = isForFlink ?? definition.Orchestration.Engine == DeployTarget.Flink;
        var plan = PipelinePlanner.Plan(definition, isFlink);
        foreach (var warning in plan.Warnings) findings.Add(Entry(LogSeverity.Warning, Warning, warning));
        var clientErrors = isFlink ? [] : HostConnectors.CheckClients(settings, definition, message => findings.Add(new LogEntry(LogSeverity.Warning, Warning, message)));
        ImmutableArray<DefinitionError> errors = [.. plan.Errors.Concat(clientErrors).Distinct().OrderBy(item => (item.Line, item.Column))];
        return errors.IsEmpty ? new PipelineLoad(new LoadedPipeline(definition, plan.Flows, text) { Uncompiled = plan.Uncompiled }, findings.ToImmutable(), null) : Wrong(findings, errors);
    }

    /// <summary>Asks for the schemas that stand elsewhere. A program that starts has nothing else to do meanwhile.</summary>
    private static PipelineDefinition Resolve(PipelineDefinition definition, HostSettings settings, List<DefinitionError> errors) =>
        SourceSchemas.ResolveAsync(
            definition, source => RegistryClient.Open(source.SchemaRegistry!, new SystemIdSource(), TimeProvider.System), path => File.ReadAllText(Path.GetFullPath(path, settings.CurrentDirectory)), errors, CancellationToken.None)
            .GetAwaiter().GetResult();

    private static PipelineLoad Wrong(ImmutableArray<LogEntry>.Builder findings, ImmutableArray<DefinitionError> errors)
    {
        foreach (var error in errors) findings.Add(Entry(LogSeverity.Error, Error, error));
        return new PipelineLoad(null, findings.ToImmutable(), Failure($"The definition has {Quantity.Of(errors.Length, "error")}. The first is {errors[0]}"));
    }

    private static PipelineLoad Unreadable(string message) => new(null, [], Failure(message));

    private static PipelineException Failure(string message) =>
        new(FailureKind.BadDefinition, message, "Correct the definition; matih validate lists everything that is wrong with it.");

    private static LogEntry Entry(LogSeverity severity, string name, DefinitionError item) =>
        new(severity, name, item.ToString(), ("file", item.File), ("line", item.Line), ("column", item.Column), ("path", item.Path));
}
