using Matih.Definition;
using Matih.Delivery;

namespace Matih.Hosting.Serverless;

/// <summary>
/// Finds sources that would share a consumer group on one topic. Each trigger has a consumer of its own, and consumers of one
/// group share the topic's partitions out: each source would be handed some of its records, and the rest would wait until a
/// commit finds that nobody staged them. The triggers' lag, by which the app scales, would be wrong, too.
/// </summary>
internal static class TriggerGroups
{
    /// <summary>The pipelines that cannot be served together, each with the reason. Empty where all can.</summary>
    public static IReadOnlyList<(HostedPipeline Pipeline, PipelineException Refusal)> FindShared(IReadOnlyCollection<HostedPipeline> pipelines)
    {
        var readers = pipelines.SelectMany(pipeline => pipeline.Triggers.Select(trigger => new Reader(pipeline, trigger.Source))).ToList();
        return [.. pipelines.Select(pipeline => (pipeline, Refusal: RefusalOf(pipeline, readers))).Where(found => found.Refusal is not null).Select(found => (found.pipeline, found.Refusal!))];
    }

    private static PipelineException? RefusalOf(HostedPipeline pipeline, List<Reader> readers)
    {
        foreach (var own in readers.Where(reader => reader.Pipeline == pipeline))
        {
            Reader[] sharing = [.. readers.Where(own.SharesGroupWith)];
            if (sharing.Length == 1) continue;
            return new PipelineException(FailureKind.BadDefinition,
                $"{string.Join(" and ", sharing.Select(reader => $"{reader.Pipeline.File} (source {reader.Source.Name})"))} read topic '{own.Source.Topic}' in one consumer group, '{own.Source.ConsumerGroup}': their triggers would share its partitions out, and each would be handed only some of the records.",
                "Give each of these sources a consumer_group of its own. A topic that goes into several tables can also be one source with several sinks.");
        }
        return null;
    }

    /// <summary>A source that a trigger reads for.</summary>
    private sealed record Reader(HostedPipeline Pipeline, SourceDefinition Source)
    {
        private readonly HashSet<string> _brokers = new(Source.Connection.BootstrapServers.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries), StringComparer.OrdinalIgnoreCase);

        /// <summary>A cluster is known by any of its brokers.</summary>
        public bool SharesGroupWith(Reader other) => Source.Topic == other.Source.Topic && Source.ConsumerGroup == other.Source.ConsumerGroup && _brokers.Overlaps(other._brokers);
    }
}
