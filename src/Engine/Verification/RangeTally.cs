using Matih.Delivery;

namespace Matih.Verification;

/// <summary>One commit's range of one partition, and how many records it found there.</summary>
internal readonly record struct TalliedRange(CommitId Commit, long FromOffset, long NextOffset, long RecordCount);

/// <summary>
/// The ranges that commits took, newest first by topic and partition, back to the last reset: from there on the positions
/// count anew, perhaps in another topic of the same name.
/// </summary>
/// <param name="keepsAll">Every range; else the newest of each partition, because a long history has many.</param>
internal sealed class RangeTally(bool keepsAll)
{
    private readonly Dictionary<(string Topic, int Partition), List<TalliedRange>> _ranges = [];
    private bool _isClosed;

    public void Add(string topic, CommitId commit, PartitionLedger entry)
    {
        if (_isClosed || entry.NextOffset <= entry.FromOffset) return;
        if (!_ranges.TryGetValue((topic, entry.Partition), out var ranges)) _ranges.Add((topic, entry.Partition), ranges = []);
        if (ranges.Count > 0 && !keepsAll) return;
        ranges.Add(new TalliedRange(commit, entry.FromOffset, entry.NextOffset, entry.RecordCount));
    }

    /// <summary>Nothing older is taken in.</summary>
    public void Close() => _isClosed = true;

    public IReadOnlyList<TalliedRange> Of(string topic, int partition) => _ranges.TryGetValue((topic, partition), out var ranges) ? ranges : [];
}
