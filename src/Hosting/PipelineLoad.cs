using System.Collections.Immutable;
using Matih.Definition;
using Matih.Delivery;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Hosting;

/// <summary>Which definition, and what the host's user changes in it.</summary>
/// <param name="File">Path of the YAML file, as the user wrote it.</param>
/// <param name="Overrides">Changes of values, each as <c>path=value</c>.</param>
/// <param name="Warehouse">Folder of the file catalog, for all sinks; null leaves it to the definition.</param>
public sealed record PipelineRequest(string File, IReadOnlyList<string> Overrides, string? Warehouse);

/// <summary>A definition that is right as far as it can be known without Kafka and a catalog, with a plan for each flow.</summary>
/// <param name="Text">The file's content that it was read from.</param>
public sealed record LoadedPipeline(PipelineDefinition Definition, ImmutableArray<PlannedFlow> Flows, string Text)
{
    /// <summary>What this engine does not compile of statements that Flink is to run; their flows are not among <see cref="Flows"/>.</summary>
    public ImmutableArray<DefinitionError> Uncompiled { get; init; } = [];
}

/// <summary>What loading a definition gave: a pipeline, or a failure. A host shows the findings either way.</summary>
/// <param name="Pipeline">Null where it failed.</param>
/// <param name="Findings">Warnings, then every error, each with its place in the file.</param>
/// <param name="Failure">Says how many errors there are, or why the file cannot be read; null where it did not fail.</param>
public sealed record PipelineLoad(LoadedPipeline? Pipeline, ImmutableArray<LogEntry> Findings, PipelineException? Failure);
