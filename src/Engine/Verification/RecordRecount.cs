using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Kafka;
using Matih.Planning;

namespace Matih.Verification;

/// <summary>
/// Counts again, with a second fetch, the records of ranges that commits took: offsets that gave no record must hold none.
/// Of the newest commit that took any, or of all that the topic still holds.
/// </summary>
internal sealed class RecordRecount(FlowPlan plan, IRecordSource source, RangeTally ranges, FindingLog findings)
{
    /// <summary>Counting reads the records, so that without being asked for all no more offsets than this are counted.</summary>
    internal const long OffsetCountMax = 1_000_000;

    private long _countedRecords, _countedOffsets, _agedOffsets, _thinnedOffsets, _fewer;

    /// <param name="countsAll">Every commit's ranges, however many offsets they are.</param>
    public async ValueTask CheckAsync(SourceLedger known, ImmutableArray<PartitionLag> topic, bool countsAll, CancellationToken cancellationToken)
    {
        if (known.IsolationLevel != plan.IsolationLevel)
        {
            findings.NotProvable(FindingCode.RecordCount, "How many records the committed ranges hold.", $"They were read with isolation level {known.IsolationLevel}, and the definition now says {plan.IsolationLevel}.");
            return;
        }
        var isBounded = false;
        foreach (var place in topic)
        {
            var taken = ranges.Of(source.Topic, place.Partition);
            if (!countsAll && taken.Count > 0) taken = [.. taken.Take(1)];
            isBounded |= !await CountAsync(place, taken, countsAll, cancellationToken);
        }
        var which = countsAll ? "all commits" : "the newest commit of each partition";
        if (_countedOffsets > 0)
            findings.Proved(FindingCode.RecordCount, $"A second fetch of the ranges of {which} gave {Quantity.Of(_countedRecords, "record")} in {Quantity.Of(_countedOffsets, "offset")}: no record was passed over.");
        if (_fewer > 0)
        {
            findings.NotProvable(FindingCode.RecordCount, $"That no record was passed over in {Quantity.Of(_thinnedOffsets, "further offset")}: the topic now holds {Quantity.Of(_fewer, "record")} less there than at the time.",
                "Compaction removes records within what is still held, and one that is gone would make up for one that was passed over.");
        }
        if (_agedOffsets > 0)
            findings.NotProvable(FindingCode.RecordCount, $"How many records {Quantity.Of(_agedOffsets, "committed offset")} held.", "The topic no longer holds them (retention).");
        if (isBounded)
            findings.NotProvable(FindingCode.RecordCount, "How many records the rest of the newest ranges hold.", $"More than {Quantity.Of(OffsetCountMax, "offset")} would have to be read; --count-all reads them.");
    }

    /// <summary>False where the bound cut it short.</summary>
    private async ValueTask<bool> CountAsync(PartitionLag place, IReadOnlyList<TalliedRange> taken, bool countsAll, CancellationToken cancellationToken)
    {
        var held = new List<TalliedRange>();
        foreach (var range in taken)
        {
            if (range.NextOffset > place.End) continue; // The position beyond the end was reported.
            if (range.FromOffset < place.LogStart) _agedOffsets += range.NextOffset - range.FromOffset;
            else held.Add(range);
        }
        foreach (var stretch in Stretches(held))
        {
            var (from, next) = (stretch[^1].FromOffset, stretch[0].NextOffset);
            if (!countsAll && _countedOffsets + _thinnedOffsets + next - from > OffsetCountMax) return false;
            var expected = stretch.Sum(range => range.RecordCount);
            var found = await source.CountAsync(place.Partition, from, next, cancellationToken);
            if (found == expected) Take(next - from, found, expected);
            else foreach (var range in stretch) await CompareAsync(place.Partition, range, cancellationToken);
        }
        return true;
    }

    /// <summary>A whole stretch held more records, or fewer: which commit's range is it?</summary>
    private async ValueTask CompareAsync(int partition, TalliedRange range, CancellationToken cancellationToken)
    {
        var found = await source.CountAsync(partition, range.FromOffset, range.NextOffset, cancellationToken);
        if (found <= range.RecordCount)
        {
            Take(range.NextOffset - range.FromOffset, found, range.RecordCount);
            return;
        }
        findings.Violation(FindingCode.RecordCount, $"commit {range.Commit}, partition {partition} of topic '{source.Topic}'", $"{Quantity.Of(range.RecordCount, "record")} in offsets {range.FromOffset} to {range.NextOffset - 1}, as its ledger says", $"{Quantity.Of(found, "record")} in the topic",
            "Records were passed over, or the ledger was edited: roll the table back to before that commit and let the pipeline read the range again, with another librdkafka (MATIH_LIBRDKAFKA) if it happens again.");
    }

    private void Take(long offsets, long found, long expected)
    {
        if (found < expected)
        {
            _thinnedOffsets += offsets;
            _fewer += expected - found;
            return;
        }
        _countedOffsets += offsets;
        _countedRecords += found;
    }

    /// <summary>Ranges (newest first) that follow on each other without a gap, so that one fetch counts them together.</summary>
    private static IEnumerable<List<TalliedRange>> Stretches(List<TalliedRange> ranges)
    {
        var stretch = new List<TalliedRange>();
        foreach (var range in ranges)
        {
            if (stretch.Count > 0 && stretch[^1].FromOffset != range.NextOffset)
            {
                yield return stretch;
                stretch = [];
            }
            stretch.Add(range);
        }
        if (stretch.Count > 0) yield return stretch;
    }
}
