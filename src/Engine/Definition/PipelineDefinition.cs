using System.Collections.Immutable;

namespace Matih.Definition;

/// <summary>
/// A checked definition: every name resolves, every chain ends in one source, every value is within its bounds. Made by
/// <see cref="DefinitionReader"/> only.
/// </summary>
public sealed record PipelineDefinition
{
    public required MetadataDefinition Metadata { get; init; }

    public required ImmutableArray<ConnectionDefinition> Connections { get; init; }

    /// <summary>The entries under <c>registries:</c>.</summary>
    public ImmutableArray<RegistryDefinition> Registries { get; init; } = [];

    public required ImmutableArray<CatalogDefinition> Catalogs { get; init; }

    /// <summary>The Kafka topics.</summary>
    public required ImmutableArray<SourceDefinition> Sources { get; init; }

    /// <summary>What connectors of Flink read: nothing but a Flink cluster can run flows from these.</summary>
    public ImmutableArray<FlinkSourceDefinition> FlinkSources { get; init; } = [];

    public required ImmutableArray<TransformationDefinition> Transformations { get; init; }

    public required ImmutableArray<SinkDefinition> Sinks { get; init; }

    public required OrchestrationDefinition Orchestration { get; init; }

    /// <summary>Examples of what the statements make of records. They change nothing of a run.</summary>
    public ImmutableArray<TestDefinition> Tests { get; init; } = [];

    /// <summary>One for each sink, in the order of the sinks.</summary>
    public required ImmutableArray<FlowDefinition> Flows { get; init; }

    /// <summary>The same definition with its sources as they are known now, under the same names.</summary>
    internal PipelineDefinition WithSources(ImmutableArray<SourceDefinition> sources) => this with
    {
        Sources = sources,
        Flows = [.. Flows.Select(flow => flow.FlinkSource is null ? flow.From(sources.Single(source => source.Name == flow.SourceName)) : flow)],
    };
}
