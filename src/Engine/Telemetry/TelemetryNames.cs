namespace Matih.Telemetry;

/// <summary>The names under which the engine gives metrics and traces, for hosts to subscribe to.</summary>
public static class TelemetryNames
{
    /// <summary>The one <see cref="System.Diagnostics.Metrics.Meter"/>.</summary>
    public const string Meter = "Matih";

    /// <summary>The one <see cref="System.Diagnostics.ActivitySource"/>.</summary>
    public const string ActivitySource = "Matih";
}
