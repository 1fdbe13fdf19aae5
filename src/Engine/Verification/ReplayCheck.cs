using Matih.Delivery.Ledgers;

namespace Matih.Verification;

/// <summary>
/// Holds each replay against the commits that it says it replaced: they are older ones of the same chain, replaced once, and
/// their books and ranges are those that the replay names.
/// </summary>
internal sealed class ReplayCheck(FindingLog findings)
{
    private readonly List<OpenReplay> _open = [];
    private readonly HashSet<CommitId> _claimed = [];

    /// <summary>Commits are met newest first.</summary>
    public void Meet(ChainLink link)
    {
        foreach (var replay in _open)
        {
            if (!replay.NotMet.Remove(link.Ledger.Commit)) continue;
            replay.Books += link.Ledger.Books;
            replay.LacksPositions |= !link.HasPositions;
            foreach (var range in link.Ledger.Replay?.Ranges ?? []) replay.Ranges.Add(new Stretch(range.Partition, range.FromOffset, range.ToOffset, range.RecordCount));
        }
        if (link.Ledger.Replay is not { } own) return;
        foreach (var commit in own.Commits)
        {
            if (_claimed.Add(commit)) continue;
            findings.Violation(FindingCode.Replay, link.Name, "each commit is replaced by one replay", $"commit {commit} was replaced by a later replay as well", LinkComparison.Tampering);
        }
        _open.Add(new OpenReplay(link, own));
    }

    /// <summary>A range that a commit read.</summary>
    public void Note(CommitId commit, PartitionLedger entry)
    {
        if (entry.RecordCount == 0) return;
        foreach (var replay in _open)
            if (replay.Ledger.Commits.Contains(commit)) replay.Ranges.Add(new Stretch(entry.Partition, entry.FromOffset, entry.NextOffset, entry.RecordCount));
    }

    /// <param name="isWhole">Whether the history was seen back to the flow's first commit.</param>
    public void Finish(bool isWhole)
    {
        foreach (var replay in _open) Finish(replay, isWhole);
    }

    private void Finish(OpenReplay replay, bool isWhole)
    {
        if (replay.NotMet.Count > 0)
        {
            var missing = $"{replay.NotMet.Count} of {Quantity.Of(replay.Ledger.Commits.Length, "commit")} that {replay.Link.Name} replaced";
            if (isWhole) findings.Violation(FindingCode.Replay, replay.Link.Name, "older commits of the lineage", $"it names {missing}, the first of them {replay.NotMet.First()}, which the lineage does not hold", LinkComparison.Tampering);
            else findings.NotProvable(FindingCode.Replay, $"That the books of {missing} were those that it names.", "They are beyond the end of the history.");
            return;
        }
        if (replay.Books != replay.Ledger.Replaced)
            findings.Violation(FindingCode.Replay, replay.Link.Name, $"replaced books of {LinkComparison.Show(replay.Books)}, as the replaced commits have them", LinkComparison.Show(replay.Ledger.Replaced), LinkComparison.Tampering);
        if (replay.LacksPositions) return;
        var (taken, readAgain) = (Join(replay.Ranges), Join(replay.Ledger.Ranges.Select(range => new Stretch(range.Partition, range.FromOffset, range.ToOffset, range.RecordCount))));
        if (taken.SequenceEqual(readAgain))
        {
            findings.Proved(FindingCode.Replay, $"{replay.Link.Name} replaced {Quantity.Of(replay.Ledger.Commits.Length, "commit")} and read just their offsets again.");
            return;
        }
        var differing = taken.Except(readAgain).Concat(readAgain.Except(taken)).First();
        findings.Violation(FindingCode.Replay, replay.Link.Name, $"the ranges of the commits that it replaced, {Show(taken, differing.Partition)}", $"{Show(readAgain, differing.Partition)}", LinkComparison.Tampering);
    }

    private static string Show(IEnumerable<Stretch> ranges, int partition) =>
        $"in partition {partition} {string.Join(", ", ranges.Where(range => range.Partition == partition).Select(range => $"{range.From} to {range.Next - 1} with {Quantity.Of(range.Count, "record")}").DefaultIfEmpty("nothing"))}";

    private static List<Stretch> Join(IEnumerable<Stretch> ranges)
    {
        var joined = new List<Stretch>();
        foreach (var range in ranges.OrderBy(range => range.Partition).ThenBy(range => range.From))
        {
            if (joined.Count > 0 && joined[^1].Partition == range.Partition && joined[^1].Next == range.From)
                joined[^1] = joined[^1] with { Next = range.Next, Count = joined[^1].Count + range.Count };
            else joined.Add(range);
        }
        return joined;
    }

    private readonly record struct Stretch(int Partition, long From, long Next, long Count);

    private sealed class OpenReplay(ChainLink link, ReplayLedger ledger)
    {
        public ChainLink Link { get; } = link;

        public ReplayLedger Ledger { get; } = ledger;

        public HashSet<CommitId> NotMet { get; } = [.. ledger.Commits];

        public List<Stretch> Ranges { get; } = [];

        public Books Books { get; set; }

        public bool LacksPositions { get; set; }
    }
}
