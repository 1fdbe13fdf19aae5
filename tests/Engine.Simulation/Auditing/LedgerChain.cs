using System.Collections.Immutable;
using Matih.Delivery;
using Matih.Engine.Simulation.World;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>What a ledger accounts for: where each partition began, and what was given up on the way.</summary>
/// <param name="Incarnation">The incarnation of the topic that its offsets mean.</param>
internal sealed record LedgerAccount(int Incarnation, ImmutableSortedDictionary<int, long> Starts, ImmutableArray<LostRange> Lost, Ledger Ledger);

/// <summary>Follows a flow's ledgers from commit to commit, and checks each step against what the topic really held.</summary>
internal sealed class LedgerChain(FlowName flow, SimulatedTopic topic)
{
    private readonly Dictionary<CommitId, LedgerAccount> _accounts = [];

    /// <summary>
    /// The topic was created anew in a way that nobody could have noticed: its id is not told, and none of the records that
    /// the ledger remembers has another in its place. What follows is outside the promise.
    /// </summary>
    public bool IsBeyondPromise { get; private set; }

    /// <summary>Whether the flow's start was ever in the table; it may have been rolled back since.</summary>
    public bool HasStarted => _accounts.Count != 0;

    public LedgerAccount? Find(CommitId commit) => _accounts.GetValueOrDefault(commit);

    /// <summary>Takes a ledger that has appeared in the table.</summary>
    /// <exception cref="AuditException">It does not follow from the one that it stands on.</exception>
    public LedgerAccount Follow(Ledger ledger)
    {
        if (_accounts.TryGetValue(ledger.Commit, out var known)) return known;
        LedgerAccount? before = null;
        if (IsBeyondPromise) return new LedgerAccount(topic.Incarnation, ImmutableSortedDictionary<int, long>.Empty, [], ledger);
        if (ledger.Base is { } id && !_accounts.TryGetValue(id, out before)) throw new AuditException($"The ledger of {flow}, commit {ledger.Commit}, stands on {id}, which was never in the table.");
        if (before is not null && before.Incarnation != topic.Incarnation && topic.TopicId is null && IsUnnoticeable(before.Ledger)) IsBeyondPromise = true;
        if (IsBeyondPromise) return before!;
        var account = before is null ? First(ledger) : Next(before, ledger);
        RequireBalance(before, account);
        _accounts.Add(ledger.Commit, account);
        return account;
    }

    private bool IsUnnoticeable(Ledger ledger)
    {
        foreach (var entry in ledger.Sources[0].Partitions)
        {
            if (entry.Partition >= topic.Partitions.Count || entry.NextOffset > topic.Partitions[entry.Partition].LastStable) return false;
            if (entry.Last is { } last && topic.Partitions[entry.Partition].Read(last.Offset).FirstOrDefault()?.Offset == last.Offset) return false;
        }
        return true;
    }

    private LedgerAccount First(Ledger ledger)
    {
        var starts = ImmutableSortedDictionary.CreateBuilder<int, long>();
        foreach (var entry in ledger.Sources[0].Partitions)
        {
            if (entry.FromOffset != entry.NextOffset) throw new AuditException($"The first ledger of {flow} has read partition {entry.Partition} from {entry.FromOffset} to {entry.NextOffset} already: the start was not committed first.");
            starts[entry.Partition] = entry.NextOffset;
        }
        return new LedgerAccount(topic.Incarnation, starts.ToImmutable(), [], ledger);
    }

    private LedgerAccount Next(LedgerAccount before, Ledger ledger)
    {
        var starts = before.Starts.ToBuilder();
        foreach (var entry in ledger.Sources[0].Partitions)
        {
            var log = topic.PartitionsOf(before.Incarnation)[entry.Partition];
            if (before.Ledger.Sources[0].Find(entry.Partition) is not { } old)
            {
                if (entry.FromOffset > log.LogStart) throw new AuditException($"{flow} begins the new partition {entry.Partition} at {entry.FromOffset}, after its log start {log.LogStart}.");
                starts[entry.Partition] = entry.FromOffset;
            }
            else if (entry.FromOffset != old.NextOffset)
            {
                var isMovedStart = old.IsUnreadEarliest && old.NextOffset == starts[entry.Partition] && entry.FromOffset > old.NextOffset && entry.FromOffset <= log.LogStart;
                if (!isMovedStart) throw new AuditException($"{flow} goes on in partition {entry.Partition} from {entry.FromOffset}, but stood at {old.NextOffset}.");
                starts[entry.Partition] = entry.FromOffset;
            }
            if (entry.NextOffset < entry.FromOffset) throw new AuditException($"{flow} goes back in partition {entry.Partition} from {entry.FromOffset} to {entry.NextOffset}.");
            if (entry.NextOffset > log.LastStable) throw new AuditException($"{flow} stands at {entry.NextOffset} in partition {entry.Partition}, which ends at {log.LastStable}.");
        }
        foreach (var old in before.Ledger.Sources[0].Partitions)
            if (ledger.Sources[0].Find(old.Partition) is null) throw new AuditException($"{flow} has forgotten partition {old.Partition}.");
        var earlier = before.Ledger;
        if (earlier.IsOpen && earlier.Run != ledger.Run && ledger.Epoch.CompareTo(earlier.Epoch) <= 0)
            throw new AuditException($"Run {ledger.Run} goes on in the ledger of {flow} that run {earlier.Run} had left open, and takes no higher epoch than {earlier.Epoch}.");
        foreach (var lost in ledger.Lost)
        {
            var log = topic.PartitionsOf(before.Incarnation)[lost.Partition];
            if (lost.ToOffset > log.LogStart) throw new AuditException($"{flow} gives up offsets {lost.FromOffset} to {lost.ToOffset} of partition {lost.Partition}, whose log starts at {log.LogStart}.");
        }
        return new LedgerAccount(before.Incarnation, starts.ToImmutable(), before.Lost.AddRange(ledger.Lost), ledger);
    }

    /// <summary>The books against the records themselves.</summary>
    private void RequireBalance(LedgerAccount? before, LedgerAccount account)
    {
        var ledger = account.Ledger;
        var books = ledger.Books;
        Require(ledger.Totals == (before?.Ledger.Totals ?? default) + books, "its totals are not the earlier ones and its own books");
        Require(books.AddedRowCount == books.ProducedCount, $"{books.ProducedCount} rows were produced and {books.AddedRowCount} added");
        Require(books.LostCount == ledger.Lost.Sum(range => range.ToOffset - range.FromOffset), "the lost count is not that of the lost ranges");
        var (rows, filtered, skipped, uncertain) = (0L, 0L, 0L, 0L);
        foreach (var entry in ledger.Sources[0].Partitions)
        {
            if (ledger.Lost.Any(range => range.Partition == entry.Partition)) continue;
            foreach (var record in topic.PartitionsOf(account.Incarnation)[entry.Partition].Records.Skip((int)entry.FromOffset).Take((int)(entry.NextOffset - entry.FromOffset)))
            {
                if (!record.WasReadable) continue;
                if (record.IsCompacted) uncertain++;
                else if (record.Kind == RecordKind.Row) rows++;
                else if (record.Kind == RecordKind.Filtered) filtered++;
                else skipped++;
            }
        }
        RequireWithin("produced", books.ProducedCount, rows);
        RequireWithin("filtered", books.FilteredCount, filtered);
        RequireWithin("skipped", books.SkippedCount, skipped);
        Require(books.AbsorbedCount == 0 && books.RejectedCount == 0, "it absorbed or rejected records of a pipeline that does neither");

        void RequireWithin(string what, long told, long certain) =>
            Require(told >= certain && told <= certain + uncertain, $"it tells of {told} {what} records where the topic has {certain}{(uncertain == 0 ? "" : $" to {certain + uncertain}")}");

        void Require(bool condition, string fault)
        {
            if (!condition) throw new AuditException($"The books of {flow} do not balance in commit {ledger.Commit}: {fault}.");
        }
    }
}
