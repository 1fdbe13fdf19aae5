using System.Collections.Immutable;
using System.Diagnostics.Metrics;

namespace Matih.Telemetry;

/// <summary>
/// The gauges: what listeners of the meter read of flows at the moment when they collect. A host that wants them puts its flows'
/// progress under observation, for as long as their last values are to be seen. Thread-safe.
/// </summary>
public static class FlowObservation
{
    /// <summary>A flow whose topic has more partitions gives the sum of their lags alone: each partition is a series, and backends limit them.</summary>
    internal const int PartitionsMax = 1000;

    private static ImmutableArray<Observed> _flows = [];

    private static readonly ObservableInstrument<long>[] Gauges =
    [
        Gauge("matih.lag.records", "{record}", "Offsets from what the table holds up to the topic's end, over the partitions that this process reads or commits.", LagOf),
        Gauge("matih.lag.partition", "{record}", "The same for one partition.", LagByPartition),
        Gauge("matih.lag.unread", "{record}", "Offsets that this process has not read yet, up to the topic's end.", flow => Number(flow, flow.Progress.Lag?.Unread)),
        Gauge("matih.staged.ranges", "{range}", "Staged ranges that wait to be committed, at the last look.", flow => Number(flow, flow.Progress.StagedWaiting?.RangeCount)),
        Gauge("matih.staged.size", "By", "Bytes of the data files of those ranges that the next commit can take.", flow => Number(flow, flow.Progress.StagedWaiting?.Bytes)),
        Gauge("matih.memory.used", "By", "Bytes that the flow's buffers take, those of the Kafka client apart.", flow => Number(flow, flow.Progress.Memory?.UsedBytes())),
        Gauge("matih.memory.ceiling", "By", "Bytes that they may take.", flow => Number(flow, flow.Progress.Memory?.CeilingBytes)),
        Gauge("matih.table.files", "{file}", "Live data files of the table, at the last round of maintenance.", flow => Number(flow, flow.Progress.Table?.FileCount)),
        Gauge("matih.table.files.small", "{file}", "Those of them that are below three quarters of the table's target size.", flow => Number(flow, flow.Progress.Table?.SmallFileCount)),
        Gauge("matih.table.files.delete", "{file}", "Live delete files of the table.", flow => Number(flow, flow.Progress.Table?.DeleteFileCount)),
        Gauge("matih.table.snapshots", "{snapshot}", "Snapshots that the table names.", flow => Number(flow, flow.Progress.Table?.SnapshotCount)),
        Gauge("matih.table.metadata.size", "By", "Length of the table's metadata file.", flow => Number(flow, flow.Progress.Table?.MetadataBytes)),
        Gauge("matih.retries", "{failure}", "Failures in a row since the last checkpoint that went well.", flow => Number(flow, flow.Progress.FailureCount)),
    ];

    private static readonly ObservableInstrument<double>[] Ages =
    [
        Age("matih.commit.age", "Time since the flow's newest commit.", flow => flow.Since(flow.Progress.LastCommit)),
        Age("matih.freshness", "Time since the timestamp of the newest record in the table.", flow => flow.Since(flow.Progress.NewestCommitted)),
        Age("matih.uncommitted.age", "How long the oldest record that was read has been waiting to be committed; 0 where none is.", flow => flow.Progress.HasOpened ? flow.Since(flow.Progress.UncommittedSince) ?? TimeSpan.Zero : null),
        Age("matih.maintenance.age", "Time since the last round of maintenance of the table that this process finished.", flow => flow.Since(flow.Progress.Table?.At)),
        Age("matih.lag.age", "Time since the topic's end was looked up.", flow => flow.Since(flow.Progress.Lag?.AsOf)),
    ];

    /// <summary>Lets listeners see the flows' gauges until the result is disposed. Of several flows of one name the last one counts.</summary>
    /// <param name="clock">The clock of the flows' run.</param>
    public static IDisposable Observe(IReadOnlyList<FlowProgress> flows, TimeProvider clock)
    {
        ImmutableArray<Observed> added = [.. flows.Select(flow => new Observed(flow, clock))];
        ImmutableInterlocked.Update(ref _flows, (known, more) => known.AddRange(more), added);
        return new Observation(added);
    }

    /// <summary>Whether somebody listens to the lag, so that it is worth a question to the brokers.</summary>
    internal static bool WantsLag => Gauges[0].Enabled && !_flows.IsEmpty;

    private static ObservableGauge<long> Gauge(string name, string unit, string description, Func<Observed, IEnumerable<Measurement<long>>> measure) =>
        Instruments.Meter.CreateObservableGauge(name, () => Flows.SelectMany(measure), unit, description);

    private static ObservableGauge<double> Age(string name, string description, Func<Observed, TimeSpan?> measure) =>
        Instruments.Meter.CreateObservableGauge(name, () => Flows.SelectMany(flow => Seconds(flow, measure(flow))), "s", description);

    private static IEnumerable<Observed> Flows => _flows.Reverse().DistinctBy(flow => flow.Progress.Flow);

    private static Measurement<long>[] Number(Observed flow, long? value) =>
        value is { } number ? [new(number, flow.Progress.Metrics.Pipeline, flow.Progress.Metrics.Sink)] : [];

    private static Measurement<double>[] Seconds(Observed flow, TimeSpan? age) =>
        age is { } time ? [new(Math.Max(0, time.TotalSeconds), flow.Progress.Metrics.Pipeline, flow.Progress.Metrics.Sink)] : [];

    private static Measurement<long>[] LagOf(Observed flow) =>
        flow.Progress.Lag is { } lag ? [new(lag.Uncommitted, flow.Progress.Metrics.Pipeline, flow.Progress.Metrics.Sink, Topic(lag))] : [];

    private static IEnumerable<Measurement<long>> LagByPartition(Observed flow)
    {
        if (flow.Progress.Lag is not { Partitions.Length: <= PartitionsMax } lag) return [];
        return lag.Partitions.Select(partition => new Measurement<long>(
            partition.Uncommitted, flow.Progress.Metrics.Pipeline, flow.Progress.Metrics.Sink, Topic(lag), new(FlowMetrics.PartitionKey, partition.Partition)));
    }

    private static KeyValuePair<string, object?> Topic(FlowLag lag) => new(FlowMetrics.TopicKey, lag.Topic);

    /// <summary>A flow under observation. A class, because each call of <see cref="Observe"/> is one of its own.</summary>
    private sealed class Observed(FlowProgress progress, TimeProvider clock)
    {
        public FlowProgress Progress { get; } = progress;

        public TimeSpan? Since(DateTimeOffset? instant) => clock.GetUtcNow() - instant;

        public TimeSpan? Since(long? timestamp) => timestamp is { } at ? clock.GetElapsedTime(at) : null;
    }

    private sealed class Observation(ImmutableArray<Observed> flows) : IDisposable
    {
        public void Dispose() => ImmutableInterlocked.Update(ref _flows, (known, gone) => known.RemoveRange(gone), flows);
    }
}
