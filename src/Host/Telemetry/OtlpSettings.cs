using Matih.Host.Runtime;
using Matih.Hosting;

namespace Matih.Host.Telemetry;

/// <summary>
/// What OpenTelemetry's standard variables say about whether to send anything. All others of them (protocol, headers, interval,
/// resource, sampling) are read by OpenTelemetry's own exporter.
/// </summary>
/// <param name="SendsMetrics">Whether metrics are sent.</param>
/// <param name="SendsTraces">Whether traces are sent.</param>
internal sealed record OtlpSettings(bool SendsMetrics, bool SendsTraces)
{
    /// <summary>Nothing is sent where no endpoint is named: the standard's default, a collector on this machine, would fail for most.</summary>
    public static OtlpSettings Of(HostSettings settings)
    {
        var isDisabled = string.Equals(settings.NonEmpty("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase);
        return new OtlpSettings(Sends("METRICS"), Sends("TRACES"));

        bool Sends(string signal) =>
            !isDisabled
            && (settings.NonEmpty(CommandVariables.OtlpEndpoint) ?? settings.NonEmpty($"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")) is not null
            && settings.NonEmpty($"OTEL_{signal}_EXPORTER") is null or "otlp";
    }
}
