using Matih.Definition;
using Matih.Delivery;
using Matih.Telemetry;

namespace Matih.Maintenance;

/// <summary>
/// Maintains a flow's table beside the flow, round by round, for as long as this process commits. What fails is said, and costs
/// the flow nothing. Remembers over sessions when the next round is due.
/// </summary>
internal sealed class TableCare(FlowContext flow, SinkMaintenance maintenance, MaintenanceDefinition settings)
{
    /// <summary>The first round is not at once: a process that starts has to catch up first, and may be about to end.</summary>
    private static readonly TimeSpan FirstWaitMax = TimeSpan.FromMinutes(5);

    private readonly long _startedAt = flow.Clock.GetTimestamp();
    private TimeSpan? _dueAfter;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (settings.Mode == MaintenanceMode.Off) return;
        while (true)
        {
            // Spread, so that processes that were started together do not all come at once.
            _dueAfter ??= Shorter(settings.Interval, FirstWaitMax) * (0.2 + 0.8 * flow.NextJitter());
            var wait = _dueAfter.Value - flow.Clock.GetElapsedTime(_startedAt);
            if (wait > TimeSpan.Zero) await Task.Delay(wait, flow.Clock, cancellationToken);
            await RunOnceAsync(cancellationToken);
            _dueAfter = flow.Clock.GetElapsedTime(_startedAt) + settings.Interval * (0.9 + 0.2 * flow.NextJitter());
        }
    }

    private async ValueTask RunOnceAsync(CancellationToken cancellationToken)
    {
        var beganAt = flow.Clock.GetTimestamp();
        try
        {
            if (await maintenance.RunAsync(cancellationToken) is not { } report) return;
            var text = $"Flow {flow.Name}: maintenance of table {report.Table}: {report}.";
            if (report.IsIdle) flow.Log.Debug("maintained", text);
            else flow.Log.Information("maintained", text, ("flow", flow.Name.ToString()), ("took_ms", (long)flow.Clock.GetElapsedTime(beganAt).TotalMilliseconds));
        }
        catch (Exception e) when (e is IOException or InvalidTableException or UnsupportedTableException or UnauthorizedAccessException or PipelineException)
        {
            flow.Log.Warning("maintenance-failed", $"Flow {flow.Name}: maintenance of table {flow.Plan.Table.Identifier} failed, and is tried again in {settings.Interval.TotalMinutes:0} minutes: {e.Message} The flow continues.", ("flow", flow.Name.ToString()));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // A fault of ours. The flow's rows are not touched by it, and stopping the flow would help nobody.
            flow.Log.Warning("maintenance-broken", $"Flow {flow.Name}: maintenance of table {flow.Plan.Table.Identifier} ended with a fault of this program, which should be reported: {e.GetType().Name}: {e.Message} The flow continues.", ("flow", flow.Name.ToString()));
        }
    }

    private static TimeSpan Shorter(TimeSpan left, TimeSpan right) => left < right ? left : right;
}
