using Matih.Delivery.Ledgers;

namespace Matih.Verification;

/// <summary>One commit's range of one partition, and how many records it found there.</summary>
internal readonly record struct TalliedRange(CommitId Commit, long FromOffset, long NextOffset, long RecordCount);

/// <summary>A range that a commit gave up, because the topic no longer held it; the end is excluded.</summary>
internal readonly record struct LostStretch(string Topic, string Commit, int Partition, long FromOffset, long ToOffset);

/// <summary>The first offset of a partition that appeared after the flow's start: it must have been the log start.</summary>
internal readonly record struct FirstAppearance(string Topic, string Commit, int Partition, long FromOffset);

/// <summary>
/// The ranges that commits took, newest first by topic and partition, back to the last reset: from there on the positions
/// start again, perhaps in another topic of the same name.
/// </summary>
/// <param name="keepsAll">Every range; else the newest of each partition, because a long history has many.</param>
internal sealed class RangeTally(bool keepsAll)
{
    private readonly Dictionary<(string Topic, int Partition), List<TalliedRange>> _ranges = [];
    private readonly List<LostStretch> _lost = [];
    private readonly List<FirstAppearance> _first = [];
    private bool _isClosed;

    /// <summary>Offsets of the ranges that held no record: compacted away, or marks of transactions.</summary>
    public long EmptyOffsetCount { get; private set; }

    /// <summary>Every range that commits gave up.</summary>
    public IReadOnlyList<LostStretch> Lost => _lost;

    /// <summary>Every partition that was not there yet at the commit before.</summary>
    public IReadOnlyList<FirstAppearance> First => _first;

    public void Add(string topic, CommitId commit, PartitionLedger entry)
    {
        if (_isClosed || entry.NextOffset <= entry.FromOffset) return;
        EmptyOffsetCount += entry.NextOffset - entry.FromOffset - entry.RecordCount;
        if (!_ranges.TryGetValue((topic, entry.Partition), out var ranges)) _ranges.Add((topic, entry.Partition), ranges = []);
        if (ranges.Count > 0 && !keepsAll) return;
        ranges.Add(new TalliedRange(commit, entry.FromOffset, entry.NextOffset, entry.RecordCount));
    }

    /// <param name="commit">How messages name the commit.</param>
    public void AddLost(string topic, string commit, LostRange range)
    {
        if (!_isClosed) _lost.Add(new LostStretch(topic, commit, range.Partition, range.FromOffset, range.ToOffset));
    }

    /// <param name="commit">How messages name the commit.</param>
    public void AddFirst(string topic, string commit, PartitionLedger entry)
    {
        if (!_isClosed) _first.Add(new FirstAppearance(topic, commit, entry.Partition, entry.FromOffset));
    }

    /// <summary>Nothing older is taken in.</summary>
    public void Close() => _isClosed = true;

    public IReadOnlyList<TalliedRange> Of(string topic, int partition) => _ranges.TryGetValue((topic, partition), out var ranges) ? ranges : [];
}
