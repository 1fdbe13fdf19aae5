using System.Diagnostics.Metrics;
using System.Text;
using Matih.Hosting;

namespace Matih.Host.Health;

/// <summary>
/// The metrics of one meter for Prometheus to scrape: counters and histograms since this listens, gauges as they are at the
/// moment. Thread-safe. Disposing it ends the listening.
/// </summary>
/// <remarks>Why it is a page of our own is in docs/decisions.md.</remarks>
internal sealed class MetricsPage : IDisposable
{
    public const string Path = "/metrics";

    private readonly MeterListener _listener = new();
    private readonly List<MetricFamily> _families = [];
    private readonly Lock _pageLock = new();

    /// <param name="meter">The meter's name.</param>
    public MetricsPage(string meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name != meter) return;
            var family = MetricFamily.Of(instrument);
            lock (_families) _families.Add(family);
            listener.EnableMeasurementEvents(instrument, family);
        };
        _listener.SetMeasurementEventCallback<long>(static (_, value, attributes, family) => ((MetricFamily)family!).Take(value, attributes));
        _listener.SetMeasurementEventCallback<double>(static (_, value, attributes, family) => ((MetricFamily)family!).Take(value, attributes));
        _listener.Start();
    }

    public HealthAnswer Answer() => new(200, Encoding.UTF8.GetBytes(Text()), PrometheusText.ContentType);

    private string Text()
    {
        // One page at a time: each asks all gauges anew.
        lock (_pageLock)
        {
            MetricFamily[] families;
            lock (_families) families = [.. _families];
            foreach (var family in families)
                if (family.Kind == MetricKind.Gauge) family.Forget();
            _listener.RecordObservableInstruments();
            return PrometheusText.Write(families);
        }
    }

    public void Dispose() => _listener.Dispose();
}
