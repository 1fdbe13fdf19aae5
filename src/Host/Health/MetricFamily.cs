using System.Diagnostics.Metrics;

namespace Matih.Host.Health;

/// <summary>What an instrument gives: each kind is added up and shown in its own way.</summary>
internal enum MetricKind { Counter, Gauge, Histogram }

/// <summary>One instrument's series, each with attributes of its own. Thread-safe.</summary>
internal sealed class MetricFamily
{
    private static readonly double[] NoBoundaries = [];

    private readonly Lock _lock = new();
    private readonly List<MetricSeries> _series = [];
    private readonly double[] _boundaries;

    private MetricFamily(Instrument instrument, MetricKind kind, double[] boundaries)
    {
        Name = instrument.Name;
        Unit = instrument.Unit ?? "";
        Description = instrument.Description ?? "";
        Kind = kind;
        _boundaries = boundaries;
    }

    /// <summary>The instrument's own name, with dots.</summary>
    public string Name { get; }

    /// <summary>In UCUM's form: <c>s</c>, <c>By</c>, <c>{record}</c>.</summary>
    public string Unit { get; }

    public string Description { get; }

    public MetricKind Kind { get; }

    /// <summary>The family of an instrument of <see cref="long"/> or <see cref="double"/>.</summary>
    /// <exception cref="InvalidOperationException">An instrument of a kind that the engine does not use.</exception>
    public static MetricFamily Of(Instrument instrument) => instrument switch
    {
        Counter<long> or Counter<double> => new MetricFamily(instrument, MetricKind.Counter, NoBoundaries),
        ObservableGauge<long> or ObservableGauge<double> => new MetricFamily(instrument, MetricKind.Gauge, NoBoundaries),
        Histogram<double> { Advice.HistogramBucketBoundaries: { } boundaries } => new MetricFamily(instrument, MetricKind.Histogram, [.. boundaries]),
        _ => throw new InvalidOperationException($"Instrument {instrument.Name} is a {instrument.GetType().Name}, which is not shown as a metric."),
    };

    /// <summary>Gauges are told anew for each page: those of a flow that is gone must not stay.</summary>
    public void Forget()
    {
        lock (_lock) _series.Clear();
    }

    public void Take(double value, ReadOnlySpan<KeyValuePair<string, object?>> attributes)
    {
        lock (_lock)
        {
            // A gauge's series come once each, and there may be a thousand.
            var series = Kind == MetricKind.Gauge ? null : Find(attributes);
            if (series is null) _series.Add(series = new MetricSeries(attributes.ToArray(), Kind == MetricKind.Histogram ? _boundaries : null));
            series.Add(value);
        }
    }

    /// <summary>Shows each series while no value is taken.</summary>
    public void Visit(Action<MetricSeries> show)
    {
        lock (_lock) _series.ForEach(show);
    }

    private MetricSeries? Find(ReadOnlySpan<KeyValuePair<string, object?>> attributes)
    {
        foreach (var series in _series)
            if (series.Has(attributes)) return series;
        return null;
    }
}

/// <summary>What was measured under one set of attributes. Its family's lock guards it.</summary>
/// <param name="boundaries">Upper bounds, included, of a histogram's buckets, ascending; null for what is only added up.</param>
internal sealed class MetricSeries(KeyValuePair<string, object?>[] attributes, double[]? boundaries)
{
    private readonly long[] _counts = boundaries is null ? [] : new long[boundaries.Length + 1];

    public IReadOnlyList<KeyValuePair<string, object?>> Attributes => attributes;

    public double Sum { get; private set; }

    public IReadOnlyList<double> Boundaries => boundaries ?? [];

    /// <summary>Values in each bucket; the last one is for those above all bounds.</summary>
    public IReadOnlyList<long> Counts => _counts;

    public bool Has(ReadOnlySpan<KeyValuePair<string, object?>> others)
    {
        if (others.Length != attributes.Length) return false;
        for (var i = 0; i < others.Length; i++)
            if (others[i].Key != attributes[i].Key || !Equals(others[i].Value, attributes[i].Value)) return false;
        return true;
    }

    public void Add(double value)
    {
        Sum += value;
        if (boundaries is null) return;
        var bucket = 0;
        while (bucket < boundaries.Length && value > boundaries[bucket]) bucket++;
        _counts[bucket]++;
    }
}
