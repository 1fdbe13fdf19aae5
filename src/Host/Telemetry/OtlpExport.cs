using Matih.Hosting;
using Matih.Hosting.Telemetry;
using Matih.Telemetry;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Matih.Host.Telemetry;

/// <summary>
/// Sends metrics and traces over OTLP for as long as it lives. Disposing it sends what is left, which takes five seconds at most
/// where the collector does not answer.
/// </summary>
internal sealed class OtlpExport : IDisposable
{
    private const int EndMillisMax = 5000;

    private readonly MeterProvider? _metrics;
    private readonly TracerProvider? _traces;
    private readonly ExportFaults _faults;

    private OtlpExport(OtlpSettings settings, string version, IEngineLog log)
    {
        _faults = new ExportFaults(log);
        // What the environment says of the service comes last, and wins.
        var resource = ResourceBuilder.CreateEmpty().AddService("matih", serviceVersion: version).AddTelemetrySdk().AddEnvironmentVariableDetector();
        var metrics = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddOtlpExporter();
        var traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddOtlpExporter();
        TelemetrySources.Subscribe(name => metrics.AddMeter(name), name => traces.AddSource(name));
        if (settings.SendsMetrics) _metrics = metrics.Build();
        if (settings.SendsTraces) _traces = traces.Build();
    }

    /// <summary>Null where the environment names no endpoint: then nothing of OpenTelemetry is even loaded.</summary>
    /// <param name="version">The program's version.</param>
    public static OtlpExport? StartIfAsked(HostSettings settings, string version, IEngineLog log)
    {
        var asked = OtlpSettings.Of(settings);
        return asked.SendsMetrics || asked.SendsTraces ? new OtlpExport(asked, version, log) : null;
    }

    public void Dispose()
    {
        Parallel.Invoke(() => _metrics?.Shutdown(EndMillisMax), () => _traces?.Shutdown(EndMillisMax));
        _metrics?.Dispose();
        _traces?.Dispose();
        _faults.Dispose();
    }
}
