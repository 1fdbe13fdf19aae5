using Matih.Kafka;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Delivery.Members;

/// <summary>A flow's seat among the members of its pipeline: waits for work, and says what it is.</summary>
internal sealed class Seat(FlowPlan plan, IGroupMember member, TimeProvider clock, Func<double> jitter, FlowProgress progress, IEngineLog log)
{
    private GroupShare? _told;

    /// <summary>Waits until the group has given this member something to do.</summary>
    public async ValueTask<(WorkShare Work, GroupShare Share)> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            progress.NoteState(FlowState.Opening, clock.GetTimestamp());
            var share = member.Share ?? await member.ChangedAsync(null, cancellationToken);
            if (share is null) continue;
            var work = WorkShare.Of(share);
            Tell(share, work);
            if (work is not WorkShare.Nothing) return (work, share);
            progress.NoteState(FlowState.StandingBy, clock.GetTimestamp());
            await member.ChangedAsync(share, cancellationToken);
        }
    }

    /// <summary>
    /// After another member was found to commit: the group will say so in a moment. If it goes on saying the opposite, this
    /// member tries again, later than the other looks.
    /// </summary>
    public async ValueTask StepBackAsync(CancellationToken cancellationToken)
    {
        using var wait = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pause = Pause.ForAsync(TimeSpan.FromSeconds(1 + 2 * jitter()), clock, wait.Token);
        await Task.WhenAny(pause, member.ChangedAsync(member.Share, wait.Token));
        wait.Cancel();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private void Tell(GroupShare share, WorkShare work)
    {
        if (_told == share) return;
        _told = share;
        var role = work switch
        {
            WorkShare.Committer => "reads them and commits",
            WorkShare.Reader => "reads and stages them",
            _ => "stands by: there are more members than partitions",
        };
        log.Information("member-share", $"Flow {plan.Name}: this member has partitions [{string.Join(", ", share.Partitions)}] of topic '{plan.Topic}' and {role}.",
            ("flow", plan.Name.ToString()), ("partitions", share.Partitions.Length), ("commits", work is WorkShare.Committer));
    }
}
