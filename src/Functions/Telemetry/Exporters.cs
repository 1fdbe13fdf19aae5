using Azure.Core;
using Azure.Identity;
using Azure.Monitor.OpenTelemetry.Exporter;
using Matih.Hosting;
using Matih.Hosting.Telemetry;
using Matih.Telemetry;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Matih.Functions.Telemetry;

/// <summary>The exporters of an app that sends telemetry. Loads OpenTelemetry when it is made, and not before.</summary>
internal sealed class Exporters : IDisposable
{
    private const int EndMillisMax = 5000;

    private readonly ExportFaults _faults;
    private readonly MeterProvider? _metrics;
    private readonly TracerProvider? _traces;

    public Exporters(HostSettings settings, OtlpSettings otlp, InsightsSettings? insights, IEngineLog log)
    {
        _faults = new ExportFaults(log);
        // The app's name, as the Functions host gives it for itself. What the environment says of the service comes last, and wins.
        var resource = ResourceBuilder.CreateEmpty()
            .AddService(settings.NonEmpty("WEBSITE_SITE_NAME") ?? "matih", serviceVersion: typeof(Exporters).Assembly.GetName().Version?.ToString(3))
            .AddTelemetrySdk().AddEnvironmentVariableDetector();
        var metrics = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource);
        var traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource);
        TelemetrySources.Subscribe(name => metrics.AddMeter(name), name => traces.AddSource(name));
        if (otlp.SendsMetrics) metrics.AddOtlpExporter();
        if (otlp.SendsTraces) traces.AddOtlpExporter();
        if (insights is not null)
        {
            var identity = insights.UsesIdentity ? IdentityOf(insights) : null;
            metrics.AddAzureMonitorMetricExporter(options => Configure(options, insights, identity));
            traces.AddAzureMonitorTraceExporter(options => Configure(options, insights, identity));
        }
        if (otlp.SendsMetrics || insights is not null) _metrics = metrics.Build();
        if (otlp.SendsTraces || insights is not null) _traces = traces.Build();
    }

    private static ManagedIdentityCredential IdentityOf(InsightsSettings insights) =>
        new(insights.ClientId is { } id ? ManagedIdentityId.FromUserAssignedClientId(id) : ManagedIdentityId.SystemAssigned);

    private static void Configure(AzureMonitorExporterOptions options, InsightsSettings insights, TokenCredential? identity)
    {
        options.ConnectionString = insights.ConnectionString;
        options.Credential = identity;
        // An instance that scales in takes its disk with it.
        options.DisableOfflineStorage = true;
        // The exporter has it only where it also sends logs, which go to the Functions host here.
        options.EnableLiveMetrics = false;
    }

    public void Dispose()
    {
        Parallel.Invoke(() => _metrics?.Shutdown(EndMillisMax), () => _traces?.Shutdown(EndMillisMax));
        _metrics?.Dispose();
        _traces?.Dispose();
        _faults.Dispose();
    }
}
