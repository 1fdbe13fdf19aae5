using System.Diagnostics;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Delivery;

/// <summary>
/// Spans of a flow's work (docs/metrics.md, "Traces"). Where nobody listens no span is made, and the work runs as it is. A
/// span never holds what a failure said, only its kind: texts of stores and brokers name hosts and paths.
/// </summary>
internal static class FlowTrace
{
    private static readonly ActivitySource Source = new(TelemetryNames.ActivitySource, typeof(FlowTrace).Assembly.GetName().Version?.ToString(3));

    /// <summary>Runs the work within a span.</summary>
    /// <param name="name">The span's name, one of a few.</param>
    /// <param name="work">Gets the span to add what it learns; null where nobody listens.</param>
    public static async ValueTask<T> RunAsync<T>(string name, FlowName flow, Func<Activity?, ValueTask<T>> work)
    {
        using var span = Source.StartActivity(name);
        span?.SetTag("pipeline", flow.Pipeline).SetTag("sink", flow.Sink);
        try
        {
            return await work(span);
        }
        catch (Exception e)
        {
            span?.SetStatus(ActivityStatusCode.Error);
            span?.SetTag("error.type", e is PipelineException failure ? FailureWord.Of(failure.Kind) : e.GetType().Name);
            throw;
        }
    }
}
