using System.Collections.Concurrent;
using System.Diagnostics.Tracing;
using System.Globalization;
using Matih.Telemetry;

namespace Matih.Hosting.Telemetry;

/// <summary>
/// Says in the log what OpenTelemetry's exporters otherwise keep to themselves: that a collector cannot be reached, or refuses.
/// Each kind of trouble once, because it comes again with every interval.
/// </summary>
public sealed class ExportFaults : EventListener
{
    /// <summary>The exporters' alone: others warn of what is as it should be, such as meters that nobody subscribed to.</summary>
    private static readonly string[] Sources = ["OpenTelemetry-Exporter-OpenTelemetryProtocol", "OpenTelemetry-AzureMonitor-Exporter"];

    private readonly ConcurrentDictionary<string, bool> _told = new();
    private readonly IEngineLog _log;

    public ExportFaults(IEngineLog log)
    {
        _log = log;
        // The base class met the sources that there were before this one had its log.
        foreach (var source in EventSource.GetSources()) Listen(source);
    }

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (_log is not null) Listen(eventSource);
    }

    private void Listen(EventSource source)
    {
        if (Sources.Contains(source.Name)) EnableEvents(source, EventLevel.Warning);
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (!_told.TryAdd(eventData.EventName ?? "", true)) return;
        _log.Warning("otlp", $"Metrics or traces could not be sent: {Sentence(eventData)} It is tried again, and not said again.");
    }

    /// <summary>The event's text with its values. Stacks are cut off: the first line says what happened.</summary>
    private static string Sentence(EventWrittenEventArgs eventData)
    {
        object?[] values = [.. eventData.Payload?.Select(value => value is string text ? text.Split('\n')[0].TrimEnd('\r', '.') : value) ?? []];
        var sentence = eventData.Message is { } form ? string.Format(CultureInfo.InvariantCulture, form, values) : string.Join(", ", values);
        return $"{sentence.TrimEnd('.')}.";
    }
}
