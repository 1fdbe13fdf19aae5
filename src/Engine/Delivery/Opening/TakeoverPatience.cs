using Matih.Delivery.Ledgers;
using Matih.Telemetry;

namespace Matih.Delivery.Opening;

/// <summary>An open ledger that is watched before it is taken over: its writer may be alive.</summary>
/// <param name="Commit">The ledger's commit; where the table holds another one, its writer lives.</param>
/// <param name="Remaining">How much longer it has to stay as it is.</param>
public sealed record TakeoverWatch(CommitId Commit, TimeSpan Remaining)
{
    /// <summary>The watch after some more time; whoever waits measures it.</summary>
    public TakeoverWatch After(TimeSpan waited) => this with { Remaining = Remaining - waited };
}

/// <summary>
/// Keeps two replicas under a restart policy from fencing each other for ever. The first take-over of an open ledger is
/// immediate; where the ledger was itself taken over from an open one, and its writer is not known to be gone, the start
/// watches the table first, longer each time, and stands by as long as the other commits.
/// </summary>
internal sealed class TakeoverPatience(FlowContext flow, Func<WriterHint, bool> isGone)
{
    private static readonly TimeSpan WatchMax = TimeSpan.FromHours(1);

    /// <summary>What is to be watched before the open ledger may be taken over; null where it may be at once.</summary>
    /// <param name="before">The watch so far, null at the first look. One over another commit no longer counts.</param>
    public TakeoverWatch? Watch(Ledger found, TakeoverWatch? before)
    {
        if (found.TakeoverCount == 0 || found.Writer is { } writer && isGone(writer)) return null;
        if (before is not null && before.Commit == found.Commit) return before.Remaining > TimeSpan.Zero ? before : null;

        var factor = Math.Pow(2, Math.Min(found.TakeoverCount, 10)) * (1 + flow.NextJitter());
        var time = TimeSpan.FromTicks((long)Math.Min(WatchMax.Ticks, Math.Max(flow.Plan.CheckpointInterval.Ticks, TimeSpan.TicksPerSecond) * factor));
        flow.Log.Information("standing-by",
            $"Flow {flow.Name}: the table's ledger was taken over {Quantity.Of(found.TakeoverCount, "time")} in a row and its last writer may be alive; standing by for {time.TotalSeconds:N0} s to see whether it commits.",
            ("takeovers", found.TakeoverCount));
        return new TakeoverWatch(found.Commit, time);
    }
}
