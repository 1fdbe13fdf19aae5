using System.Collections.Immutable;
using Matih.Definition.Format;
using Matih.Definition.Reading;
using Matih.Definition.Shapes;
using Matih.Definition.Yaml;

namespace Matih.Definition;

/// <summary>
/// Turns YAML into a <see cref="PipelineDefinition"/> in one step that collects every error: text, overrides, keys, values,
/// then what must fit together. Touches nothing outside its inputs; thread-safe. Statements are not compiled here.
/// </summary>
public static class DefinitionReader
{
    /// <param name="fileName">What errors call the file; nothing is opened.</param>
    /// <param name="text">The file's content.</param>
    /// <param name="inputs">Environment, secret files, overrides.</param>
    public static DefinitionResult Read(string fileName, string text, DefinitionInputs inputs)
    {
        var state = new ReadState(inputs, PipelineFormat.HintFor);
        var definition = YamlReader.Read(fileName, text, state.Report) is { } root
            ? Read(Overrides.Apply(root, state), state)
            : null;
        if (definition is not null && !state.HasErrors) FlowReading.WarnOfUnused(definition, state);
        return new DefinitionResult(state.HasErrors ? null : definition, [.. state.Errors], [.. state.Warnings]);
    }

    private static PipelineDefinition? Read(YamlNode node, ReadState state)
    {
        if (!new MappingShape(PipelineFormat.Root).TryRead(node, "", state, out var root)) return null;
        foreach (var key in new[] { PipelineFormat.Sources, PipelineFormat.Sinks })
            if (root.Has(key) && root.Get(key).IsEmpty) state.Report(root.PositionOf(key), key.Name, "has no entry; a pipeline has at least one");

        var connections = ConnectionReading.Read(root.Get(PipelineFormat.Connections), state);
        var sourceEntries = root.Get(PipelineFormat.Sources);
        var registries = new RegistryReading(root.Get(PipelineFormat.Registries), state);
        var sources = SourceReading.Read(sourceEntries, connections, registries, state);
        var flinkSources = FlinkSourceReading.Read(sourceEntries, state);
        var sourceNames = sourceEntries.Select(source => source.Name).ToList();
        var steps = root.Get(PipelineFormat.Transformations);
        var errorCount = state.ErrorCount;
        var transformations = TransformationReading.Read(steps, sourceNames, state);
        var areStepsSound = state.ErrorCount == errorCount;
        var catalogs = new CatalogReading(root.Get(PipelineFormat.Catalogs), state);
        var sinks = new SinkReading(catalogs, sourceNames, steps, areStepsSound, state).Read(root.Get(PipelineFormat.Sinks));
        var orchestration = OrchestrationReading.Read(root.Get(PipelineFormat.Orchestration), state);
        var tests = TestReading.Read(root.Get(PipelineFormat.Tests), [.. root.Get(PipelineFormat.Sinks).Select(sink => sink.Name)], state);
        if (state.HasErrors) return null;

        var metadata = ReadMetadata(root.Get(PipelineFormat.Metadata)!);
        return new PipelineDefinition
        {
            Metadata = metadata,
            Connections = connections,
            Registries = registries.All,
            Catalogs = catalogs.All,
            Sources = sources,
            FlinkSources = flinkSources,
            Transformations = transformations,
            Sinks = sinks,
            Orchestration = orchestration,
            Tests = tests,
            Flows = FlowReading.Read(metadata.Name, sources, flinkSources, transformations, sinks, orchestration.TimeZone),
        };
    }

    private static MetadataDefinition ReadMetadata(BoundMapping metadata) => new(
        metadata.Get(MetadataKeys.Name),
        metadata.Get(MetadataKeys.Version),
        metadata.Get(MetadataKeys.Owner),
        metadata.Get(MetadataKeys.Description),
        metadata.Get(MetadataKeys.Labels).ToImmutableSortedDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal));
}
