using Matih.Hosting;
using Matih.Hosting.Telemetry;
using Matih.Telemetry;

namespace Matih.Functions.Telemetry;

/// <summary>
/// Sends the engine's metrics and traces to Application Insights and over OTLP, where the app's settings ask for it. What sends
/// them is loaded beside the start of the app, so that the first batch does not wait for all of it. Disposing sends what is left.
/// </summary>
internal sealed class TelemetryExport : IDisposable
{
    private readonly Task<Exporters?> _starting;
    private readonly List<IDisposable> _observed = [];

    public TelemetryExport(HostSettings settings, HostLog log)
    {
        var otlp = OtlpSettings.Of(settings);
        var insights = FindInsights(settings, log);
        var isAsked = otlp.SendsMetrics || otlp.SendsTraces || insights is not null;
        _starting = isAsked ? Task.Run(() => Start(settings, otlp, insights, log)) : Task.FromResult<Exporters?>(null);
    }

    /// <summary>
    /// Has flows seen that did nothing yet: waits for what sends their metrics, so that none of their records is missing, and
    /// shows their gauges until the last sending.
    /// </summary>
    public void Observe(IReadOnlyList<FlowProgress> flows, TimeProvider clock)
    {
        if (_starting.Result is null) return;
        lock (_observed) _observed.Add(FlowObservation.Observe(flows, clock));
    }

    private static InsightsSettings? FindInsights(HostSettings settings, IEngineLog log)
    {
        try
        {
            return InsightsSettings.Of(settings);
        }
        catch (FormatException unreadable)
        {
            log.Warning("telemetry", unreadable.Message);
            return null;
        }
    }

    /// <summary>An app without telemetry still moves its records.</summary>
    private static Exporters? Start(HostSettings settings, OtlpSettings otlp, InsightsSettings? insights, IEngineLog log)
    {
        try
        {
            return new Exporters(settings, otlp, insights, log);
        }
        catch (Exception failure)
        {
            log.Warning("telemetry", $"Metrics and traces are not sent, because their exporters could not be made: {failure.Message} Correct the settings and restart the app.");
            return null;
        }
    }

    public void Dispose()
    {
        _starting.Result?.Dispose();
        foreach (var observed in _observed) observed.Dispose();
    }
}
