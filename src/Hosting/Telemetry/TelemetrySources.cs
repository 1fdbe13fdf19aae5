using Matih.Telemetry;

namespace Matih.Hosting.Telemetry;

/// <summary>What a host of the engine subscribes to with a telemetry library of its own choice (docs/metrics.md).</summary>
public static class TelemetrySources
{
    /// <summary>Hands over the names of the meters and activity sources, for example to <c>AddMeter</c> and <c>AddSource</c> of OpenTelemetry's builders.</summary>
    /// <remarks>Gauges are seen of those flows that <see cref="FlowObservation.Observe"/> was given.</remarks>
    /// <param name="addMeter">Called with the name of each meter.</param>
    /// <param name="addActivitySource">Called with the name of each activity source.</param>
    public static void Subscribe(Action<string> addMeter, Action<string> addActivitySource)
    {
        addMeter(TelemetryNames.Meter);
        addActivitySource(TelemetryNames.ActivitySource);
    }
}
