using System.Collections.Immutable;
using Matih.Kafka;

namespace Matih.Delivery.Members;

/// <summary>What part of a flow's work is this process's, for the length of a session.</summary>
internal abstract record WorkShare
{
    private WorkShare() { }

    /// <summary>There are no other members: reads every partition and commits.</summary>
    public sealed record Everything : WorkShare;

    /// <summary>Holds the topic's lowest partition: reads its own, and commits its own and what others staged.</summary>
    public sealed record Committer(ImmutableArray<int> Partitions) : WorkShare;

    /// <summary>Reads and stages its partitions.</summary>
    public sealed record Reader(ImmutableArray<int> Partitions) : WorkShare;

    /// <summary>There are more members than partitions.</summary>
    public sealed record Nothing : WorkShare;

    /// <summary>What the group's share means. That it names one committer only is for speed: the compare-and-set decides.</summary>
    public static WorkShare Of(GroupShare share) =>
        share.Partitions.IsEmpty ? new Nothing()
        : share.Partitions.Contains(0) ? new Committer(share.Partitions)
        : new Reader(share.Partitions);
}
