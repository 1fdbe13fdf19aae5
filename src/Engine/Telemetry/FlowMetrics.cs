using System.Diagnostics.Metrics;

namespace Matih.Telemetry;

/// <summary>Writes to the instruments with one flow's attributes, <c>pipeline</c> and <c>sink</c>. Thread-safe; allocates nothing.</summary>
/// <param name="pipeline">The pipeline's name.</param>
/// <param name="sink">The sink's; empty for work of no sink.</param>
internal sealed class FlowMetrics(string pipeline, string sink)
{
    public const string PipelineKey = "pipeline";
    public const string SinkKey = "sink";
    public const string TopicKey = "topic";
    public const string PartitionKey = "partition";
    public const string KindKey = "kind";

    public KeyValuePair<string, object?> Pipeline { get; } = new(PipelineKey, pipeline);

    public KeyValuePair<string, object?> Sink { get; } = new(SinkKey, sink);

    public void Count(Counter<long> counter, long rise = 1) => counter.Add(rise, Pipeline, Sink);

    /// <param name="kind">The failure's kind, one of a closed set.</param>
    public void CountFailure(string kind) => Instruments.Failures.Add(1, Pipeline, Sink, new(KindKey, kind));

    public void Time(Histogram<double> histogram, TimeSpan duration) => histogram.Record(duration.TotalSeconds, Pipeline, Sink);

    /// <summary>Makes the flow's counters known at 0: of one that appears with its first rise, that rise would not be seen.</summary>
    /// <param name="failureKinds">All kinds that failures may have.</param>
    public void BeginAtZero(IEnumerable<string> failureKinds)
    {
        foreach (var counter in Instruments.ByFlow) Count(counter, 0);
        foreach (var kind in failureKinds) Instruments.Failures.Add(0, Pipeline, Sink, new(KindKey, kind));
    }
}
