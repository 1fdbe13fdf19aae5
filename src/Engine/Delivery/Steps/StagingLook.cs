using Matih.Delivery.Opening;

namespace Matih.Delivery.Steps;

/// <summary>
/// One look at where a flow stands, for the batches of one call: the table and the staged ranges are read once for all
/// partitions. It is good for one batch of each partition, and for no later call. Not thread-safe.
/// </summary>
/// <remarks>
/// Others may stage and commit after it, as they may between the look and the end of the staging of a single batch: a range that is
/// staged twice counts once, and one that a commit has covered does not count.
/// </remarks>
public sealed class StagingLook
{
    private readonly HashSet<int> _used = [];
    private OpenedFlow? _seen;

    /// <summary>What was seen, where it counts for this partition; null where a new look is needed.</summary>
    internal OpenedFlow? TakeFor(int partition) => _seen?.Source.Find(partition) is not null && _used.Add(partition) ? _seen : null;

    internal void Note(OpenedFlow seen, int partition)
    {
        _seen = seen;
        _used.Clear();
        _used.Add(partition);
    }

    /// <summary>After a failure it may not be true any more.</summary>
    internal void Forget() => _seen = null;
}
