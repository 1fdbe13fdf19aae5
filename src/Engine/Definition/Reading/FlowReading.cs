using System.Collections.Immutable;
using Matih.Definition.Shapes;
using Matih.Definition.Yaml;

namespace Matih.Definition.Reading;

/// <summary>Follows every sink up to its source.</summary>
internal static class FlowReading
{
    public static ImmutableArray<FlowDefinition> Read(
        string pipeline, ImmutableArray<SourceDefinition> sources, ImmutableArray<FlinkSourceDefinition> flinkSources, ImmutableArray<TransformationDefinition> steps, ImmutableArray<SinkDefinition> sinks, string timeZone)
    {
        var stepByName = steps.ToDictionary(step => step.Name, StringComparer.Ordinal);
        return [.. sinks.Select(sink =>
        {
            // Inputs stand above their steps, so that the walk ends.
            var chain = ImmutableArray.CreateBuilder<TransformationDefinition>();
            var input = sink.Input;
            for (; stepByName.TryGetValue(input, out var step); input = step.Input) chain.Insert(0, step);
            return sources.FirstOrDefault(source => source.Name == input) is { } source
                ? new FlowDefinition(pipeline, source, chain.ToImmutable(), sink) { TimeZone = timeZone }
                : new FlowDefinition(pipeline, flinkSources.Single(candidate => candidate.Name == input), chain.ToImmutable(), sink) { TimeZone = timeZone };
        })];
    }

    /// <summary>Warns of sources and steps whose rows go nowhere.</summary>
    public static void WarnOfUnused(PipelineDefinition definition, ReadState state)
    {
        var used = definition.Flows.SelectMany(flow => flow.Transformations.Select(step => step.Name).Append(flow.SourceName)).ToHashSet();
        var all = definition.Sources.Select(source => (source.Name, source.Position)).Concat(definition.FlinkSources.Select(source => (source.Name, source.Position)));
        foreach (var (name, position) in all.Where(source => !used.Contains(source.Name)))
            state.Warn(position, YamlReader.Join("sources", name), "leads to no sink, and is not read");
        foreach (var step in definition.Transformations.Where(step => !used.Contains(step.Name)))
            state.Warn(step.Position, YamlReader.Join("transformations", step.Name), "leads to no sink, and is not run");
    }
}
