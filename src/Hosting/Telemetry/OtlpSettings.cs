namespace Matih.Hosting.Telemetry;

/// <summary>
/// What OpenTelemetry's standard variables say about whether to send anything. All others of them (protocol, headers, interval,
/// resource, sampling) are read by OpenTelemetry's own exporter.
/// </summary>
/// <param name="SendsMetrics">Whether metrics are sent.</param>
/// <param name="SendsTraces">Whether traces are sent.</param>
public sealed record OtlpSettings(bool SendsMetrics, bool SendsTraces)
{
    /// <summary>Whether nothing at all is to be sent.</summary>
    public static bool IsDisabled(HostSettings settings) => string.Equals(settings.NonEmpty("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase);

    /// <summary>Nothing is sent where no endpoint is named: the standard's default, a collector on this machine, would fail for most.</summary>
    public static OtlpSettings Of(HostSettings settings)
    {
        return new OtlpSettings(Sends("METRICS"), Sends("TRACES"));

        bool Sends(string signal) =>
            !IsDisabled(settings)
            && (settings.NonEmpty(HostSettings.OtlpEndpointVariable) ?? settings.NonEmpty($"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")) is not null
            && settings.NonEmpty($"OTEL_{signal}_EXPORTER") is null or "otlp";
    }
}
