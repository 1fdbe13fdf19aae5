using System.Collections.Immutable;
using Matih.Definition;
using Matih.Planning;

namespace Matih.Host.Runtime;

/// <summary>A definition that is right as far as it can be told without Kafka and a catalog, with a plan for each flow.</summary>
internal sealed record LoadedPipeline(PipelineDefinition Definition, ImmutableArray<PlannedFlow> Flows);

/// <summary>Which definition, and what the command line changes in it.</summary>
internal sealed record PipelineRequest(string File, IReadOnlyList<string> Overrides, string? Warehouse);

/// <summary>Reads, checks and plans a definition file.</summary>
internal static class PipelineLoading
{
    /// <summary>The pipeline; null after every error was written, one a line: <c>file:line:column: path: message</c>.</summary>
    public static LoadedPipeline? Load(PipelineRequest request, HostSettings settings, TextWriter error)
    {
        if (ReadText(request.File, settings, error) is not { } text) return null;
        var result = DefinitionReader.Read(request.File, text, new DefinitionInputs
        {
            Environment = settings.Environment,
            ReadSecretFile = File.ReadAllText,
            BaseDirectory = settings.CurrentDirectory,
            Overrides = request.Overrides,
            Warehouse = request.Warehouse is { } warehouse ? settings.Warehouse(warehouse) : null,
        });
        WriteWarnings(result.Warnings, error);
        if (!result.IsValid)
        {
            Report(result.Errors, error);
            return null;
        }
        var plan = PipelinePlanner.Plan(result.Definition);
        WriteWarnings(plan.Warnings, error);
        ImmutableArray<DefinitionError> errors = [.. plan.Errors.Concat(HostConnectors.CheckClients(settings, result.Definition, error)).Distinct().OrderBy(item => (item.Line, item.Column))];
        if (errors.IsEmpty) return new LoadedPipeline(result.Definition, plan.Flows);
        Report(errors, error);
        return null;
    }

    private static void WriteWarnings(ImmutableArray<DefinitionError> warnings, TextWriter error)
    {
        foreach (var warning in warnings) error.WriteLine($"warning: {warning}");
    }

    private static void Report(ImmutableArray<DefinitionError> errors, TextWriter error)
    {
        foreach (var item in errors) error.WriteLine(item.ToString());
        error.WriteLine($"{Quantity.Of(errors.Length, "error")}.");
    }

    private static string? ReadText(string file, HostSettings settings, TextWriter error)
    {
        try
        {
            return File.ReadAllText(Path.GetFullPath(file, settings.CurrentDirectory));
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            error.WriteLine($"{file}: there is no such file.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"{file}: cannot be read: {exception.Message}");
        }
        return null;
    }
}
