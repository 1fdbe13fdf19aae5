using System.Diagnostics.Metrics;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Telemetry;

/// <summary>What the engine's instruments say of one pipeline: counters since this listens, gauges as they are when asked for.</summary>
internal sealed class MeterSamples : IDisposable
{
    private readonly string _pipeline;
    private readonly MeterListener _listener = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<string, double> _sums = [];
    private readonly Dictionary<string, int> _counts = [];
    private readonly Dictionary<string, (Instrument Instrument, string[] Attributes)> _seen = [];

    public MeterSamples(string pipeline)
    {
        _pipeline = pipeline;
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == TelemetryNames.Meter) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, attributes, _) => Take(instrument, value, attributes));
        _listener.SetMeasurementEventCallback<double>((instrument, value, attributes, _) => Take(instrument, value, attributes));
        _listener.Start();
    }

    /// <summary>Each instrument that gave a value, with the keys of its attributes.</summary>
    public IReadOnlyCollection<(Instrument Instrument, string[] Attributes)> Seen => _seen.Values;

    /// <summary>The sum of what an instrument gave; null where it gave nothing.</summary>
    /// <param name="name">The instrument's name, and after a blank the values of attributes beyond pipeline and sink.</param>
    public double? this[string name]
    {
        get
        {
            lock (_lock) return _sums.TryGetValue(name, out var sum) ? sum : null;
        }
    }

    /// <summary>How many values an instrument gave.</summary>
    public int CountOf(string name)
    {
        lock (_lock) return _counts.GetValueOrDefault(name);
    }

    /// <summary>Asks the gauges.</summary>
    public void Collect()
    {
        lock (_lock)
            foreach (var name in _seen.Where(pair => pair.Value.Instrument.IsObservable).Select(pair => pair.Key).ToArray()) _sums.Remove(name);
        _listener.RecordObservableInstruments();
    }

    private void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> attributes)
    {
        var others = new List<string>();
        var isOurs = false;
        foreach (var (key, content) in attributes)
        {
            if (key == "pipeline") isOurs = Equals(content, _pipeline);
            else if (key != "sink") others.Add($"{content}");
        }
        if (!isOurs) return;
        var name = string.Join(' ', [instrument.Name, .. others]);
        string[] keys = [.. attributes.ToArray().Select(attribute => attribute.Key)];
        lock (_lock)
        {
            _seen[name] = (instrument, keys);
            _sums[name] = _sums.GetValueOrDefault(name) + value;
            _counts[name] = _counts.GetValueOrDefault(name) + 1;
        }
    }

    public void Dispose() => _listener.Dispose();
}
