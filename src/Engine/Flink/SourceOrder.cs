using Matih.Definition;

namespace Matih.Flink;

/// <summary>
/// The topics of a job in the order in which its statements lead to them. Flink recognizes a source by its place in the job and
/// gives it the positions that it kept for that place, whatever topic they are of: a source goes on with the other's topic, or reads
/// its own from the start (seen with 1.20.3, where two topics changed places: each record was in the table twice).
/// </summary>
internal sealed class SourceOrder(PipelineDefinition definition)
{
    private readonly HashSet<string> _steps = new(StringComparer.Ordinal);

    /// <summary>Each topic once, where its source comes first; the connector and name of a source that says no topic.</summary>
    public IEnumerable<string> Topics() => FlinkGenerator.InOrder(definition.Flows, flow => flow.Sink).SelectMany(flow => Behind(flow.Sink.Input)).Distinct(StringComparer.Ordinal);

    private IEnumerable<string> Behind(string name)
    {
        if (definition.Sources.FirstOrDefault(source => source.Name == name) is { } source) return [source.Topic];
        if (definition.FlinkSources.FirstOrDefault(source => source.Name == name) is { } other)
            return [$"{other.Connector} {other.Options.FirstOrDefault(option => option.Name == "topic")?.Value.Reveal() ?? name}"];
        // A statement may name what has its own name, such as a column.
        return definition.Transformations.FirstOrDefault(step => step.Name == name) is { } step && _steps.Add(name)
            ? StatementScan.Names(step.Sql.Text, step.Input).SelectMany(Behind)
            : [];
    }
}
