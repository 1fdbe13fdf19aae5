using Matih.Kafka;
using Matih.Planning;

namespace Matih.Delivery.Staging;

/// <summary>
/// Notices partitions of other members that do not move although there is something to read: a gap in what was staged, or
/// a reader that is gone, hangs, or runs another definition. What is missing is then read by the committer itself.
/// </summary>
internal sealed class StallWatch(FlowPlan plan, ITopic topic, TimeProvider clock)
{
    /// <summary>Longer than a group takes to notice a dead member and to give its partitions to another.</summary>
    private static readonly TimeSpan StallMin = TimeSpan.FromSeconds(30);

    private const int CheckpointsBeforeStall = 4;

    private readonly Dictionary<int, Standing> _standing = [];

    /// <summary>Up to where the partition should be read now; null while there is nothing to do but wait.</summary>
    /// <param name="partition">As far as it could be chained.</param>
    /// <param name="missingEnd">Where the next staged range lies, if there is one behind a gap.</param>
    public async ValueTask<long?> EndToReadAsync(ChainedPartition partition, long? missingEnd, CancellationToken cancellationToken)
    {
        var now = clock.GetTimestamp();
        if (!_standing.TryGetValue(partition.Partition, out var before) || before.Position != partition.Position)
        {
            _standing[partition.Partition] = new Standing(partition.Position, now, missingEnd is not null);
            return null;
        }
        // A gap that was there at the last look as well is not a range on its way.
        if (missingEnd is { } end)
        {
            if (before.WasMissing) return end;
            _standing[partition.Partition] = before with { WasMissing = true };
            return null;
        }
        var patience = TimeSpan.FromTicks(Math.Max(StallMin.Ticks, plan.CheckpointInterval.Ticks * CheckpointsBeforeStall));
        if (clock.GetElapsedTime(before.SinceTimestamp, now) < patience) return null;
        var range = (await topic.RangesAsync([partition.Partition], cancellationToken))[0];
        _standing[partition.Partition] = before with { SinceTimestamp = now };
        return range.End > partition.Position ? range.End : null;
    }

    private readonly record struct Standing(long Position, long SinceTimestamp, bool WasMissing);
}
