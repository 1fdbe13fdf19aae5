using Matih.Delivery.Ledgers;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Delivery.Opening;

/// <summary>
/// Keeps two replicas under a restart policy from fencing each other for ever. The first take-over of an open ledger is
/// immediate; where the ledger was itself taken over from an open one, and its writer is not known to be gone, the start
/// watches the table first, longer each time, and stands by as long as the other commits.
/// </summary>
internal sealed class TakeoverPatience(
    FlowPlan plan, TableLedger ledgers, Func<WriterHint, bool> isGone, EngineEnvironment environment, Func<double> jitter, FlowProgress progress, IEngineLog log)
{
    private static readonly TimeSpan WatchMax = TimeSpan.FromHours(1);

    /// <summary>True when the open ledger may be taken over; false when it changed meanwhile and must be looked at again.</summary>
    public async ValueTask<bool> IsPatientEnoughAsync(Ledger found, CancellationToken stop, CancellationToken abort)
    {
        if (found.TakeoverCount == 0 || found.Writer is { } writer && isGone(writer)) return true;

        var factor = Math.Pow(2, Math.Min(found.TakeoverCount, 10)) * (1 + jitter());
        var watch = TimeSpan.FromTicks((long)Math.Min(WatchMax.Ticks, Math.Max(plan.CheckpointInterval.Ticks, TimeSpan.TicksPerSecond) * factor));
        log.Information("standing-by",
            $"Flow {plan.Name}: the table's ledger was taken over {Quantity.Of(found.TakeoverCount, "time")} in a row and its last writer may be alive; standing by for {watch.TotalSeconds:N0} s to see whether it commits.",
            ("takeovers", found.TakeoverCount));
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, abort);
        var startedAt = environment.Clock.GetTimestamp();
        while (environment.Clock.GetElapsedTime(startedAt) < watch)
        {
            progress.NoteState(FlowState.StandingBy, environment.Clock.GetTimestamp());
            await Task.Delay(TimeSpan.FromSeconds(1 + jitter()), environment.Clock, either.Token);
            if (await ledgers.LoadAsync(abort) is not { } table) return false;
            var now = (await ledgers.ReadAsync(table, abort)).Finding;
            if (now is not LineageFinding.Found same || same.Ledger.Commit != found.Commit) return false;
        }
        return true;
    }
}
