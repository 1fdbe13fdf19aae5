using Matih.Batches;

namespace Matih.Delivery.Skipping;

/// <summary>
/// What one lane has skipped since the last checkpoint. Bounded, however many records are bad; costs nothing for good ones.
/// Not thread-safe.
/// </summary>
internal sealed class SkipTally
{
    /// <summary>Kinds that are counted; a query has fewer faults to give, unless their texts tell of single records.</summary>
    private const int CountedKindsMax = 32;

    private readonly Dictionary<int, List<SkippedRange>> _ranges = [];
    private readonly Dictionary<string, SkippedKind> _kinds = new(StringComparer.Ordinal);

    /// <summary>Notes a bad record. Those of one partition come in the order of their offsets.</summary>
    public void Note(int partition, long offset, in RowError error)
    {
        if (!_ranges.TryGetValue(partition, out var ranges)) _ranges.Add(partition, ranges = []);
        if (ranges.Count > 0 && ranges[^1] is var last && last.ToOffset == offset)
        {
            ranges[^1] = last with { ToOffset = offset + 1, RecordCount = last.RecordCount + 1 };
        }
        else
        {
            // In steps, so that the joining is not done for every record.
            if (ranges.Count == 2 * SkippedRecords.RangesMax) SkippedRecords.Coarsen(ranges, SkippedRecords.RangesMax);
            ranges.Add(new SkippedRange(partition, offset, offset + 1, 1));
        }
        var kind = error.Kind;
        if (_kinds.TryGetValue(kind, out var known)) _kinds[kind] = known with { RecordCount = known.RecordCount + 1 };
        else if (_kinds.Count < CountedKindsMax) _kinds.Add(kind, new SkippedKind(SkippedRecords.Cut(kind), 1, partition, offset, SkippedRecords.Cut(error.Reason)));
    }

    /// <summary>What was noted; the tally is empty then.</summary>
    public SkippedRecords Take()
    {
        if (_ranges.Count == 0) return SkippedRecords.None;
        var taken = SkippedRecords.Merge([new SkippedRecords([.. _ranges.Values.SelectMany(ranges => ranges)], [.. _kinds.Values])]);
        _ranges.Clear();
        _kinds.Clear();
        return taken;
    }
}
