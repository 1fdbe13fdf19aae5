using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Telemetry;

namespace Matih.Delivery.Topics;

/// <summary>How far a table is behind a topic.</summary>
internal static class CommittedLag
{
    /// <param name="committed">The positions of the table's ledger.</param>
    /// <param name="ends">The ends of at least those partitions.</param>
    /// <param name="unread">Offsets that were not read yet; null where they are the same as those that are not committed.</param>
    /// <param name="at">When the ends were looked up, a timestamp of the clock.</param>
    public static FlowLag Of(SourceLedger committed, IEnumerable<int> partitions, IReadOnlyDictionary<int, long> ends, long? unread, long at)
    {
        ImmutableArray<LaggingPartition> behind =
            [.. partitions.Select(partition => new LaggingPartition(partition, committed.Find(partition) is { } entry ? Math.Max(0, ends[partition] - entry.NextOffset) : 0))];
        var uncommitted = behind.Sum(partition => partition.Uncommitted);
        return new FlowLag(unread ?? uncommitted, uncommitted, at) { Topic = committed.Topic, Partitions = behind };
    }
}
