using Matih.Kafka;

namespace Matih.Interop.Tests.Kafka;

/// <summary>Waits for what a group deals. A rebalance takes milliseconds; the limit is for groups that miss somebody first.</summary>
internal static class MemberWaiting
{
    public static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(60);

    /// <summary>The first share that satisfies the condition.</summary>
    public static async Task<GroupShare?> UntilAsync(this IGroupMember member, Func<GroupShare?, bool> condition)
    {
        using var timeout = new CancellationTokenSource(WaitMax);
        var share = member.Share;
        try
        {
            while (!condition(share)) share = await member.ChangedAsync(share, timeout.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"Still {Shown(share)} after {WaitMax}.");
        }
        return share;
    }

    /// <summary>Waits until the members' shares are disjoint and together all partitions.</summary>
    public static async Task UntilDealtAsync(int partitionCount, params IGroupMember[] members)
    {
        using var timeout = new CancellationTokenSource(WaitMax);
        while (true)
        {
            var shares = members.Select(member => member.Share).ToArray();
            if (shares.All(share => share is not null) &&
                shares.SelectMany(share => share!.Partitions).Order().SequenceEqual(Enumerable.Range(0, partitionCount))) return;
            try
            {
                await await Task.WhenAny(members.Zip(shares, (member, share) => member.ChangedAsync(share, timeout.Token)));
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"Still {string.Join("; ", shares.Select(Shown))} after {WaitMax}.");
            }
        }
    }

    private static string Shown(GroupShare? share) => share is null ? "no share" : $"[{string.Join(", ", share.Partitions)}]";
}
