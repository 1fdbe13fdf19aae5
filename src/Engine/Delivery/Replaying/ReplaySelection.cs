using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Planning;

namespace Matih.Delivery.Replaying;

/// <summary>Whole commits that are replayed together: their files leave the table, their ranges are read again.</summary>
/// <param name="Commits">Oldest first; only those that read records.</param>
/// <param name="Ranges">Neighbouring ranges joined, ascending by partition and offset.</param>
/// <param name="Sources">The source as each commit knew it, for the question whether the topic is still the same.</param>
internal sealed record ReplaySelection(
    ImmutableArray<HistoricCommit> Commits, ImmutableArray<ReplayedRange> Ranges, ImmutableArray<SourceLedger> Sources)
{
    public Books Replaced => Commits.Aggregate(default(Books), (sum, commit) => sum + commit.Ledger.Books);

    /// <param name="history">Newest first, back to one beyond <paramref name="from"/>.</param>
    /// <exception cref="PipelineException">These commits cannot be replayed as a whole.</exception>
    public static ReplaySelection Choose(FlowPlan plan, ImmutableArray<HistoricCommit> history, CommitId from, CommitId to)
    {
        var last = history.FirstOrDefault(commit => commit.Id == to) is { } found ? history.IndexOf(found) : -1;
        var first = history.IndexOf(history.First(commit => commit.Id == from));
        if (last < 0 || last > first)
        {
            throw PipelineException.Refused($"--to-commit {to} does not follow --from-commit {from} in the history of {plan.Name}.",
                $"Give the older commit as --from-commit; matih table snapshots {plan.Table.Identifier} lists them, the oldest first.");
        }
        var owners = OwnersOf(history);
        var chosen = history[last..(first + 1)].Reverse().ToArray();
        var commits = ImmutableArray.CreateBuilder<HistoricCommit>();
        var ranges = new List<ReplayedRange>();
        var sources = ImmutableArray.CreateBuilder<SourceLedger>();
        foreach (var commit in chosen)
        {
            if (owners.TryGetValue(commit.Id, out var owner))
            {
                if (chosen.Any(other => other.Id == owner)) continue;
                throw PipelineException.Refused($"Commit {commit.Id} of {plan.Name} was replayed by commit {owner} since, whose files hold its records now.",
                    $"Replay that one, or up to it: --to-commit {owner}.");
            }
            var source = SourceOf(plan, commit, history);
            var read = RangesOf(commit, source).ToArray();
            if (read.Length == 0) continue;
            if (commit.Ledger.Books.AbsorbedCount != 0)
            {
                throw PipelineException.Refused($"Commit {commit.Id} of {plan.Name} took {Quantity.Of(commit.Ledger.Books.AbsorbedCount, "record")} into operator state, which a replay could not do again.",
                    "Commits of statements that keep state cannot be replayed; start over with --reset.");
            }
            commits.Add(commit);
            ranges.AddRange(read);
            sources.Add(source);
        }
        if (commits.Count == 0)
        {
            throw PipelineException.Refused($"Commits {from} to {to} of {plan.Name} read no records, so there is nothing to replay.",
                $"Choose others with: matih table snapshots {plan.Table.Identifier}.");
        }
        return new(commits.ToImmutable(), Join(ranges), sources.ToImmutable());
    }

    /// <summary>For each commit that was replayed the commit that holds its records now.</summary>
    private static Dictionary<CommitId, CommitId> OwnersOf(ImmutableArray<HistoricCommit> history)
    {
        var owners = new Dictionary<CommitId, CommitId>();
        foreach (var commit in history) // Newest first: a replay that was itself replayed has its owner already.
            foreach (var replayed in commit.Ledger.Replay?.Commits ?? [])
                owners.TryAdd(replayed, owners.GetValueOrDefault(commit.Id, commit.Id));
        return owners;
    }

    /// <summary>
    /// The source that the commit read. A ledger keeps the entries of sources that the flow had before, with the ranges that
    /// they moved by in commits long ago: only the base tells whether this commit moved them.
    /// </summary>
    private static SourceLedger SourceOf(FlowPlan plan, HistoricCommit commit, ImmutableArray<HistoricCommit> history)
    {
        var ledger = commit.Ledger;
        var own = ledger.FindSource(plan.SourceName) ?? ledger.Sources.FirstOrDefault(candidate => candidate.Topic == plan.Topic);
        if (own is null || own.Topic != plan.Topic) throw OtherSource(plan, commit, ledger.Sources[^1]);
        if (ledger.Sources.Length == 1 || ledger.Replay is not null || ledger.Base is not { } baseId) return own;
        var before = history.FirstOrDefault(candidate => candidate.Id == baseId)?.Ledger
            ?? throw PipelineException.Refused($"The table's history no longer has commit {baseId}, which commit {commit.Id} of {plan.Name} stands on, so it cannot be known which of its sources it read.",
                "Replay later commits.");
        foreach (var other in ledger.Sources)
            if (other.Topic != plan.Topic && before.FindSource(other.Name) is { } stood && !stood.Equals(other)) throw OtherSource(plan, commit, other);
        return own;
    }

    private static PipelineException OtherSource(FlowPlan plan, HistoricCommit commit, SourceLedger source) => PipelineException.Refused(
        $"Commit {commit.Id} of {plan.Name} read source '{source.Name}' with topic '{source.Topic}', and the definition reads topic '{plan.Topic}'.",
        "Replay commits that read the present topic, or use the definition of that time.");

    private static IEnumerable<ReplayedRange> RangesOf(HistoricCommit commit, SourceLedger source) => commit.Ledger.Replay is { } replay
        ? replay.Ranges
        : from entry in source.Partitions
          where entry.RecordCount > 0 && commit.Ledger.Books.RecordCount > 0
          select new ReplayedRange(source.Name, entry.Partition, entry.FromOffset, entry.NextOffset, entry.RecordCount, entry.Last!.Value);

    private static ImmutableArray<ReplayedRange> Join(List<ReplayedRange> ranges)
    {
        var joined = ImmutableArray.CreateBuilder<ReplayedRange>();
        foreach (var range in ranges.OrderBy(range => range.Partition).ThenBy(range => range.FromOffset))
        {
            if (joined.Count == 0 || joined[^1].Partition != range.Partition || joined[^1].ToOffset < range.FromOffset)
            {
                joined.Add(range);
                continue;
            }
            var before = joined[^1];
            if (before.ToOffset > range.FromOffset)
                throw new InvalidOperationException($"Offset {range.FromOffset} of partition {range.Partition} belongs to two commits.");
            joined[^1] = before with { ToOffset = range.ToOffset, RecordCount = before.RecordCount + range.RecordCount, Last = range.Last };
        }
        return joined.ToImmutable();
    }
}
