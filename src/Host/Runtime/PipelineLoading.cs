using System.Collections.Immutable;
using Matih.Definition;
using Matih.Host.Output;
using Matih.Planning;

namespace Matih.Host.Runtime;

/// <summary>A definition that is right as far as it can be known without Kafka and a catalog, with a plan for each flow.</summary>
internal sealed record LoadedPipeline(PipelineDefinition Definition, ImmutableArray<PlannedFlow> Flows);

/// <summary>Which definition, and what the command line changes in it.</summary>
internal sealed record PipelineRequest(string File, IReadOnlyList<string> Overrides, string? Warehouse);

/// <summary>Reads, checks and plans a definition file.</summary>
internal static class PipelineLoading
{
    /// <summary>The pipeline; null after every error was reported.</summary>
    public static LoadedPipeline? Load(PipelineRequest request, HostSettings settings, DefinitionReport report)
    {
        if (ReadText(request.File, settings, report) is not { } text) return null;
        var result = DefinitionReader.Read(request.File, text, new DefinitionInputs
        {
            Environment = settings.Environment,
            ReadSecretFile = File.ReadAllText,
            BaseDirectory = settings.CurrentDirectory,
            Overrides = request.Overrides,
            Warehouse = request.Warehouse is { } warehouse ? settings.Warehouse(warehouse) : null,
        });
        report.Warn(result.Warnings);
        if (!result.IsValid)
        {
            report.Fail(result.Errors);
            return null;
        }
        var plan = PipelinePlanner.Plan(result.Definition);
        report.Warn(plan.Warnings);
        ImmutableArray<DefinitionError> errors = [.. plan.Errors.Concat(HostConnectors.CheckClients(settings, result.Definition, report.Warn)).Distinct().OrderBy(item => (item.Line, item.Column))];
        if (errors.IsEmpty) return new LoadedPipeline(result.Definition, plan.Flows);
        report.Fail(errors);
        return null;
    }

    private static string? ReadText(string file, HostSettings settings, DefinitionReport report)
    {
        try
        {
            return File.ReadAllText(Path.GetFullPath(file, settings.CurrentDirectory));
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            report.Fail($"{file}: there is no such file.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            report.Fail($"{file}: cannot be read: {exception.Message}");
        }
        return null;
    }
}
