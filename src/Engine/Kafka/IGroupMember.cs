using System.Collections.Immutable;

namespace Matih.Kafka;

/// <summary>What a consumer group gives one of its members to do.</summary>
/// <param name="Version">Rises with every change.</param>
/// <param name="Partitions">The partitions that are this member's, ascending; empty where there are more members than partitions.</param>
public sealed record GroupShare(long Version, ImmutableArray<int> Partitions);

/// <summary>
/// A seat in a Kafka consumer group that shares a topic's partitions out among processes. The group assigns work and never
/// positions, and nothing that is correct may rest on it: two members can believe in the same partition at once, for as long
/// as one of them is paused. Disposing it leaves the group. Thread-safe.
/// </summary>
public interface IGroupMember : IAsyncDisposable
{
    /// <summary>
    /// The newest share; null before the first, and after the group has dropped this member (it then joins again by itself).
    /// While the group deals its partitions again, the old share stands until the new one is known.
    /// </summary>
    GroupShare? Share { get; }

    /// <summary>Completes once the share is another one than <paramref name="known"/>; returns it.</summary>
    /// <exception cref="SourceException">The group refuses this member, and asking again would not help (authorization, configuration).</exception>
    Task<GroupShare?> ChangedAsync(GroupShare? known, CancellationToken cancellationToken);
}
