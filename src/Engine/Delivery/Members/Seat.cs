using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Delivery.Members;

/// <summary>A flow's seat among the members of its pipeline: waits for work, and says what it is.</summary>
internal sealed class Seat(FlowContext flow, IGroupMember member)
{
    private GroupShare? _told;

    /// <summary>Waits until the group has given this member something to do.</summary>
    public async ValueTask<(WorkShare Work, GroupShare Share)> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            flow.Enter(FlowState.Opening);
            var share = member.Share ?? await member.ChangedAsync(null, cancellationToken);
            if (share is null) continue;
            var work = WorkShare.Of(share);
            Tell(share, work);
            if (work is not WorkShare.Nothing) return (work, share);
            flow.Enter(FlowState.StandingBy);
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
        var pause = Pause.ForAsync(TimeSpan.FromSeconds(1 + 2 * flow.NextJitter()), flow.Clock, wait.Token);
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
        flow.Log.Information("member-share", $"Flow {flow.Name}: this member has partitions [{string.Join(", ", share.Partitions)}] of topic '{flow.Plan.Topic}' and {role}.",
            ("flow", flow.Name.ToString()), ("partitions", share.Partitions.Length), ("commits", work is WorkShare.Committer));
    }
}
