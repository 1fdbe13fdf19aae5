using Matih.Delivery.Ledgers;
using Matih.Delivery.Topics;

namespace Matih.Verification;

/// <summary>
/// Holds the positions of a commit against those of the one before: every partition continues where it stood, without a gap
/// and without an overlap, and no range holds more records than offsets.
/// </summary>
internal sealed class PositionComparison(FindingLog findings, RangeTally ranges, ReplayCheck replays)
{
    private const string Uneven =
        "Compare the table's rows with the topic's over these offsets. Where they differ, roll the table back to before this commit and let the pipeline read the range again.";

    public void Compare(ChainLink newer, ChainLink older)
    {
        if (!newer.HasPositions) return;
        var recordCount = 0L;
        var lostCount = 0L;
        foreach (var source in newer.Ledger.Sources)
        {
            var before = older.HasPositions ? Earlier(source, newer.Ledger, older.Ledger) : null;
            // A source that the flow no longer reads is carried from ledger to ledger just as it stood.
            if (before is not null && source.Equals(before with { Name = source.Name }) && !IsUnmoved(source)) continue;
            if (before is not null) CompareIdentity(newer, source, before);
            foreach (var entry in source.Partitions)
            {
                recordCount += entry.RecordCount;
                var lost = LostOf(newer.Ledger, source.Name, entry);
                lostCount += lost;
                if (before?.Find(entry.Partition) is { } earlier) CompareEntry(newer, source, entry, earlier);
                else if (before is not null) ranges.AddFirst(source.Topic, newer.Name, entry);
                CheckEntry(newer, source, entry, lost);
                if (lost == 0) Take(source, newer.Ledger.Commit, entry);
            }
        }
        NoteLost(newer);
        if (older.HasPositions) RequireNothingForgotten(newer, older);
        CheckSums(newer, recordCount, lostCount);
    }

    /// <summary>A commit whose predecessor is unknown: what it says by itself.</summary>
    public void CompareAlone(ChainLink link)
    {
        if (!link.HasPositions) return;
        foreach (var source in link.Ledger.Sources)
        {
            foreach (var entry in source.Partitions)
            {
                var lost = LostOf(link.Ledger, source.Name, entry);
                CheckEntry(link, source, entry, lost);
                if (lost == 0) Take(source, link.Ledger.Commit, entry);
            }
        }
        NoteLost(link);
    }

    private void NoteLost(ChainLink link)
    {
        foreach (var range in link.Ledger.Lost)
            if (link.Ledger.FindSource(range.Source) is { } source) ranges.AddLost(source.Topic, link.Name, range);
    }

    private void Take(SourceLedger source, CommitId commit, PartitionLedger entry)
    {
        ranges.Add(source.Topic, commit, entry);
        replays.Note(commit, entry);
    }

    private static bool IsUnmoved(SourceLedger source)
    {
        foreach (var entry in source.Partitions)
            if (entry.FromOffset != entry.NextOffset || entry.RecordCount != 0) return false;
        return true;
    }

    /// <summary>The source as the older ledger has it: by name, else the one of the same topic that the newer no longer names.</summary>
    private static SourceLedger? Earlier(SourceLedger source, Ledger newer, Ledger older) =>
        older.FindSource(source.Name) ?? older.Sources.LastOrDefault(candidate => candidate.Topic == source.Topic && newer.FindSource(candidate.Name) is null);

    private void CompareIdentity(ChainLink newer, SourceLedger source, SourceLedger before)
    {
        var isSame = source.IsSameTopicAs(before);
        if (!isSame)
            findings.Violation(FindingCode.TopicChanged, $"{newer.Name}, source '{source.Name}'", IdentityOf(before), IdentityOf(source), LinkComparison.Tampering);
    }

    private static string IdentityOf(SourceLedger source) => $"topic '{source.Topic}' (id {source.TopicId ?? "unknown"}) of cluster {source.ClusterId ?? "unknown"}";

    private void RequireNothingForgotten(ChainLink newer, ChainLink older)
    {
        foreach (var before in older.Ledger.Sources)
        {
            var source = newer.Ledger.Sources.FirstOrDefault(candidate => Earlier(candidate, newer.Ledger, older.Ledger) == before);
            foreach (var entry in before.Partitions)
            {
                if (source?.Find(entry.Partition) is not null) continue;
                findings.Violation(FindingCode.PositionLost, $"{newer.Name}, partition {entry.Partition} of topic '{before.Topic}'",
                    $"a position of at least {entry.NextOffset}", "no position", LinkComparison.Tampering);
            }
        }
    }

    private void CompareEntry(ChainLink newer, SourceLedger source, PartitionLedger entry, PartitionLedger before)
    {
        var on = On(newer, source, entry);
        if (entry.FromOffset < before.NextOffset)
        {
            findings.Violation(FindingCode.Overlap, on, $"a range from offset {before.NextOffset}, where the commit before ended",
                $"a range from offset {entry.FromOffset}: offsets {entry.FromOffset} to {before.NextOffset - 1} belong to two commits", Uneven);
        }
        else if (entry.FromOffset > before.NextOffset && !IsMovedStart(entry, before))
        {
            findings.Violation(FindingCode.Gap, on, $"a range from offset {before.NextOffset}, where the commit before ended",
                $"a range from offset {entry.FromOffset}: offsets {before.NextOffset} to {entry.FromOffset - 1} belong to no commit", Uneven);
        }
        if (entry.RecordCount == 0 && entry.Last != before.Last)
            findings.Violation(FindingCode.LastRecord, on, $"no record was read, so the last one is still that at offset {Show(before.Last)}", $"the last record is that at offset {Show(entry.Last)}", LinkComparison.Tampering);
    }

    /// <summary>Nothing was read yet from an earliest start: retention may move it up without loss.</summary>
    private static bool IsMovedStart(PartitionLedger entry, PartitionLedger before) =>
        before.IsUnreadEarliest && entry.RecordCount == 0 && entry.FromOffset == entry.NextOffset;

    private void CheckEntry(ChainLink newer, SourceLedger source, PartitionLedger entry, long lost)
    {
        var on = On(newer, source, entry);
        var length = entry.NextOffset - entry.FromOffset;
        if (length < 0)
        {
            findings.Violation(FindingCode.PositionFell, on, $"a position of at least {entry.FromOffset}", $"position {entry.NextOffset}", LinkComparison.Tampering);
            return;
        }
        if (entry.RecordCount < 0 || entry.RecordCount > length - lost)
        {
            findings.Violation(FindingCode.RecordsExceedRange, on, $"at most {Quantity.Of(length - lost, "record")} in offsets {entry.FromOffset} to {entry.NextOffset - 1}{(lost == 0 ? "" : $", {Quantity.Count(lost)} of them lost")}",
                Quantity.Of(entry.RecordCount, "record"), Uneven);
        }
        if (entry.Last is { } last && last.Offset >= entry.NextOffset)
            findings.Violation(FindingCode.LastRecord, on, $"the last record lies before position {entry.NextOffset}", $"the last record is that at offset {last.Offset}", LinkComparison.Tampering);
        else if (entry.RecordCount > 0 && (entry.Last is not { } read || read.Offset < entry.FromOffset))
            findings.Violation(FindingCode.LastRecord, on, $"the last record lies in offsets {entry.FromOffset} to {entry.NextOffset - 1}", $"the last record is that at offset {Show(entry.Last)}", LinkComparison.Tampering);
    }

    /// <summary>Offsets of the entry's range that were given up; ranges that lie elsewhere do not count and so spoil the sum.</summary>
    private static long LostOf(Ledger ledger, string source, PartitionLedger entry)
    {
        var lost = 0L;
        foreach (var range in ledger.Lost)
        {
            if (range.Source == source && range.Partition == entry.Partition && range.FromOffset >= entry.FromOffset && range.ToOffset <= entry.NextOffset)
                lost += range.ToOffset - range.FromOffset;
        }
        return lost;
    }

    private void CheckSums(ChainLink newer, long recordCount, long lostCount)
    {
        var books = newer.Ledger.Books;
        if (newer.Ledger.Replay is { } replay)
        {
            if (recordCount != 0)
                findings.Violation(FindingCode.Replay, newer.Name, "a replay, which leaves the positions where they were", $"ranges with {Quantity.Of(recordCount, "record")}", LinkComparison.Tampering);
            recordCount = replay.Ranges.Sum(range => range.RecordCount);
        }
        if (books.RecordCount != recordCount)
            findings.Violation(FindingCode.BooksRecords, newer.Name, $"the fates of {Quantity.Of(recordCount, "record")}, as its ranges hold", $"the fates of {Quantity.Count(books.RecordCount)}", LinkComparison.Tampering);
        if (books.LostCount != lostCount)
            findings.Violation(FindingCode.LostRanges, newer.Name, $"{Quantity.Of(books.LostCount, "lost offset")}, as its books say", $"lost ranges of {Quantity.Of(lostCount, "offset")} within what it took", LinkComparison.Tampering);
    }

    private static string On(ChainLink newer, SourceLedger source, PartitionLedger entry) => $"{newer.Name}, partition {entry.Partition} of topic '{source.Topic}'";

    private static string Show(Fingerprint? last) => last is { } known ? known.Offset.ToString(System.Globalization.CultureInfo.InvariantCulture) : "none";
}
