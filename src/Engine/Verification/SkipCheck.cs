using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;

namespace Matih.Verification;

/// <summary>
/// Holds the skipped ranges that each commit lists against its own books and offsets, and puts those together that count since
/// the last reset: what a replay has read again is in the replay's list.
/// </summary>
internal sealed class SkipCheck(FindingLog findings)
{
    private readonly HashSet<CommitId> _replaced = [];
    private bool _isClosed;

    /// <summary>What the commits list, back to the last reset.</summary>
    public SkippedRecords All { get; private set; } = SkippedRecords.None;

    /// <summary>Commits are met newest first.</summary>
    public void Meet(ChainLink link)
    {
        var ledger = link.Ledger;
        _replaced.UnionWith(link.Replaces);
        if (ledger.Skipped is { } skipped)
        {
            Check(link, skipped);
            if (!_isClosed && !_replaced.Contains(ledger.Commit)) All = SkippedRecords.Merge([All, skipped.Records]);
        }
        if (ledger.Base is null) _isClosed = true;
    }

    private void Check(ChainLink link, SkippedLedger skipped)
    {
        var (records, books) = (skipped.Records, link.Ledger.Books);
        if (records.RecordCount != books.SkippedCount)
            findings.Violation(FindingCode.SkippedRanges, link.Name, $"ranges with {books.SkippedCount} skipped records, as its books say", $"ranges with {records.RecordCount}", LinkComparison.Tampering);
        var taken = RangesOf(link.Ledger, skipped.Source);
        for (var i = 0; i < records.Ranges.Length; i++)
        {
            var range = records.Ranges[i];
            var isPlausible = range.RecordCount > 0 && range.RecordCount <= range.ToOffset - range.FromOffset
                && taken.Any(own => own.Partition == range.Partition && own.From <= range.FromOffset && range.ToOffset <= own.To)
                && (i == 0 || records.Ranges[i - 1] is var before && (before.Partition < range.Partition || before.Partition == range.Partition && before.ToOffset <= range.FromOffset));
            if (!isPlausible)
                findings.Violation(FindingCode.SkippedRanges, link.Name, "skipped records within the offsets that it took, each listed once", range.ToString(), LinkComparison.Tampering);
        }
    }

    private static ImmutableArray<(int Partition, long From, long To)> RangesOf(Ledger ledger, string source) => ledger.Replay is { } replay
        ? [.. replay.Ranges.Select(range => (range.Partition, range.FromOffset, range.ToOffset))]
        : [.. ledger.FindSource(source)?.Partitions.Select(entry => (entry.Partition, entry.FromOffset, entry.NextOffset)) ?? []];
}
