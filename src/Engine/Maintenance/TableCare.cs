using Matih.Delivery;

namespace Matih.Maintenance;

/// <summary>
/// Maintains a flow's table beside the flow, round by round, for as long as this process commits. What fails is said, and costs
/// the flow nothing. Remembers over sessions when the next round is due.
/// </summary>
internal sealed class TableCare(FlowContext flow, SinkMaintenance maintenance, TimeSpan interval)
{
    /// <summary>The first round is not at once: a process that starts has to catch up first, and may be about to end.</summary>
    private static readonly TimeSpan FirstWaitMax = TimeSpan.FromMinutes(5);

    /// <summary>Orphan files are looked for once a day, and not at the start: it costs a listing of the table's folder.</summary>
    private static readonly TimeSpan OrphansInterval = TimeSpan.FromDays(1);

    private readonly long _startedAt = flow.Clock.GetTimestamp();
    private TimeSpan? _dueAfter;
    private TimeSpan _orphansDueAfter = OrphansInterval;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            // Spread, so that processes that were started together do not all come at once.
            _dueAfter ??= Shorter(interval, FirstWaitMax) * (0.2 + 0.8 * flow.NextJitter());
            var wait = _dueAfter.Value - flow.Clock.GetElapsedTime(_startedAt);
            if (wait > TimeSpan.Zero) await Task.Delay(wait, flow.Clock, cancellationToken);
            var areOrphansDue = flow.Clock.GetElapsedTime(_startedAt) >= _orphansDueAfter;
            await maintenance.RunLoggedAsync(flow.Progress, areOrphansDue, flow.Log, cancellationToken);
            if (areOrphansDue) _orphansDueAfter = flow.Clock.GetElapsedTime(_startedAt) + OrphansInterval;
            _dueAfter = flow.Clock.GetElapsedTime(_startedAt) + interval * (0.9 + 0.2 * flow.NextJitter());
        }
    }

    private static TimeSpan Shorter(TimeSpan left, TimeSpan right) => left < right ? left : right;
}
