using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Engine.Simulation.World;
using Matih.Planning;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>What a ledger accounts for: where each partition began, and what was given up on the way.</summary>
/// <param name="Incarnation">The incarnation of the topic that its offsets mean.</param>
internal sealed record LedgerAccount(FlowName Flow, int Incarnation, ImmutableSortedDictionary<int, long> Starts, ImmutableArray<LostRange> Lost, Ledger Ledger)
{
    private RowStretch? _current;

    /// <summary>What the table held of the flow before the last reset, and of flows that it adopted.</summary>
    public ImmutableArray<RowStretch> Past { get; init; } = [];

    /// <summary>What was read since then, up to the ledger's positions.</summary>
    public RowStretch Current => _current ??= new RowStretch(
        Flow, Incarnation, Starts, Ledger.Sources[0].Partitions.ToImmutableSortedDictionary(entry => entry.Partition, entry => entry.NextOffset), Lost);

    public ImmutableArray<RowStretch> Stretches => Past.Add(Current);
}

/// <summary>What a commit of a flow was put upon.</summary>
/// <param name="Parent">The flow's account in the snapshot below; null where that held nothing of the flow.</param>
/// <param name="Adopted">The account of the flow that the commit took over.</param>
/// <param name="Order">What the process that wrote it was started to do.</param>
/// <param name="IsUnproven">Whether the table below does not tell where the flow stood: history is cut, or a commit was applied again.</param>
/// <param name="IsForgotten">Whether an adoption took the flow's tag away, and its taker began again since: nothing tells what was given out.</param>
/// <param name="HasStart">Whether the commit, with which a flow began, is in the history of the table below.</param>
internal sealed record CommitGround(LedgerAccount? Parent, LedgerAccount? Adopted, ProcessOrder? Order, Func<bool> IsUnproven, bool IsForgotten, Func<CommitId, bool> HasStart);

/// <summary>Follows a flow's ledgers from commit to commit, and checks each step against what the topic really held.</summary>
internal sealed class LedgerChain(FlowName flow, SimulatedTopic topic, SimulatedWorld world, bool readsOn)
{
    private readonly Dictionary<CommitId, LedgerAccount> _accounts = [];
    private readonly HashSet<CommitId> _judged = [];
    private long _generationMax;

    /// <summary>
    /// The topic was created again in a way that nobody could have noticed (its id is not told, and none of the records that
    /// the ledger remembers has another in its place), or under a client that reads on in the new one. What the table holds
    /// of the flow from then on is outside the promise.
    /// </summary>
    public bool IsBeyondPromise { get; private set; }

    /// <summary>Whether the flow's start was ever in the table; it may have been rolled back since.</summary>
    public bool HasStarted => _accounts.Count != 0;

    /// <summary>The flow's last commit, whether the table still holds it or was rolled back past it.</summary>
    public LedgerAccount? Newest { get; private set; }

    /// <summary>The flow was adopted at some time, which took its tag away.</summary>
    public bool WasAdopted { get; set; }

    /// <summary>Under <c>on_error: fail</c> no ledger may pass a bad record.</summary>
    public bool MayPassBadRecords { get; set; } = true;

    public LedgerAccount? Find(CommitId commit) => _accounts.GetValueOrDefault(commit);

    /// <summary>Whether a ledger of the flow ever stood at that offset, or before it with no record between.</summary>
    public bool HasStoodUpTo(int partition, long offset, SimulatedTopic topic) => _accounts.Values.Any(account =>
        account.Ledger.Sources[0].Find(partition) is { } entry && entry.NextOffset <= offset
        && (topic.PartitionsOf(account.Incarnation)[partition].Read(entry.NextOffset).FirstOrDefault()?.Offset ?? long.MaxValue) >= offset);

    /// <summary>Takes a ledger that has appeared in the table.</summary>
    /// <exception cref="AuditException">It does not follow from the one that it stands on.</exception>
    public LedgerAccount Follow(Ledger ledger, CommitGround ground)
    {
        if (_accounts.TryGetValue(ledger.Commit, out var known)) return known;
        LedgerAccount? before = null;
        // Commits of others carry a ledger on: it is as old as it was.
        if (_judged.Add(ledger.Commit)) new TopicNotice(flow, topic, world).RequireSameTopic(ledger);
        if (IsBeyondPromise) return new LedgerAccount(flow, topic.Incarnation, ImmutableSortedDictionary<int, long>.Empty, [], ledger);
        if (ledger.Base is { } id && !_accounts.TryGetValue(id, out before) && ground.Adopted?.Ledger.Commit == id) before = ground.Adopted;
        if (ledger.Base is not null && before is null) throw new AuditException($"The ledger of {flow}, commit {ledger.Commit}, stands on {ledger.Base}, which was never in the table.");
        if (before is not null && before.Incarnation != topic.Incarnation && (topic.TopicId is null && IsUnnoticeable(before.Ledger) || readsOn && BeganBeforeTopic(ledger))) IsBeyondPromise = true;
        if (IsBeyondPromise) return before! with { Ledger = ledger };
        if (before is not null) new TopicNotice(flow, topic, world).RequireSameRecords(before.Ledger, ledger);
        var account = before is null ? First(ledger, ground) : Next(before, ledger);
        RequireGeneration(before, ledger, ground);
        RequireBalance(before, account, ground);
        _accounts.Add(ledger.Commit, account);
        _generationMax = Math.Max(_generationMax, ledger.Generation);
        Newest = account;
        return account;
    }

    /// <summary>A run that begins on a closed ledger commits nothing before its first batch: only its process tells when it began.</summary>
    private bool BeganBeforeTopic(Ledger ledger) => ledger.Writer is { } writer && world.Processes.GetValueOrDefault(writer.ProcessId) is { } process && process.StartedAt < topic.CreatedAt;

    private bool IsUnnoticeable(Ledger ledger)
    {
        foreach (var entry in ledger.Sources[0].Partitions)
        {
            if (entry.Partition >= topic.Partitions.Count || entry.NextOffset > topic.Partitions[entry.Partition].LastStable) return false;
            if (entry.Last is { } last && topic.Partitions[entry.Partition].Read(last.Offset).FirstOrDefault()?.Offset == last.Offset) return false;
        }
        return true;
    }

    private LedgerAccount First(Ledger ledger, CommitGround ground)
    {
        if (HasStarted)
        {
            if (ground.Order is not { Answers.Reset: true } order) throw new AuditException($"{flow} starts over in commit {ledger.Commit}, and nobody has said --reset.");
            // A reset whose answer was lost, and which a rollback took away, is one that nobody did.
            foreach (var earlier in order.ResetsOf(flow))
                if (ground.HasStart(earlier) || world.Processes[ledger.Writer!.ProcessId].WasTold(earlier)) throw new AuditException($"{flow} is reset a second time, in commit {ledger.Commit}, although it was asked for once{(ground.HasStart(earlier) ? $": commit {earlier} is in the table" : $": its process knew of commit {earlier}")}.");
            order.NoteReset(flow, ledger.Commit);
        }
        var starts = ImmutableSortedDictionary.CreateBuilder<int, long>();
        foreach (var entry in ledger.Sources[0].Partitions)
        {
            if (entry.FromOffset != entry.NextOffset) throw new AuditException($"The first ledger of {flow} has read partition {entry.Partition} from {entry.FromOffset} to {entry.NextOffset} already: the start was not committed first.");
            starts[entry.Partition] = entry.NextOffset;
        }
        if (ground.Order is { } started) StartCheck.Require(flow, topic, starts.ToImmutable(), started);
        // The topic may be created again between the look at it and the commit.
        return new LedgerAccount(flow, topic.IncarnationOf(ledger.Sources[0].TopicId) ?? topic.Incarnation, starts.ToImmutable(), [], ledger) { Past = ground.Parent?.Stretches ?? [] };
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
                if (!isMovedStart) throw new AuditException($"{flow} continues in partition {entry.Partition} from {entry.FromOffset}, but stood at {old.NextOffset}.");
                starts[entry.Partition] = entry.FromOffset;
            }
            if (entry.NextOffset < entry.FromOffset) throw new AuditException($"{flow} goes back in partition {entry.Partition} from {entry.FromOffset} to {entry.NextOffset}.");
            if (entry.NextOffset > log.LastStable && !log.LostTails.Any(tail => tail.Readers.Contains(flow.ToString()) && entry.NextOffset <= tail.EndOffset)) throw new AuditException($"{flow} stands at {entry.NextOffset} in partition {entry.Partition}, which ends at {log.LastStable}.");
            if (ledger.Replay is not null && entry.NextOffset != entry.FromOffset) throw new AuditException($"The replay of {flow}, commit {ledger.Commit}, moves partition {entry.Partition} from {entry.FromOffset} to {entry.NextOffset}.");
        }
        foreach (var old in before.Ledger.Sources[0].Partitions)
            if (ledger.Sources[0].Find(old.Partition) is null) throw new AuditException($"{flow} has forgotten partition {old.Partition}.");
        var earlier = before.Ledger;
        if (earlier.IsOpen && earlier.Run != ledger.Run && ledger.Epoch.CompareTo(earlier.Epoch) <= 0)
            throw new AuditException($"Run {ledger.Run} continues from the ledger of {flow} that run {earlier.Run} had left open, and takes no higher epoch than {earlier.Epoch}.");
        foreach (var lost in ledger.Lost)
        {
            var log = topic.PartitionsOf(before.Incarnation)[lost.Partition];
            if (lost.ToOffset > log.LogStart) throw new AuditException($"{flow} gives up offsets {lost.FromOffset} to {lost.ToOffset} of partition {lost.Partition}, whose log starts at {log.LogStart}.");
        }
        if (before.Flow == flow) return new LedgerAccount(flow, before.Incarnation, starts.ToImmutable(), before.Lost.AddRange(ledger.Lost), ledger) { Past = before.Past };

        // From here on the rows carry the new name.
        var begun = ledger.Sources[0].Partitions.ToImmutableSortedDictionary(entry => entry.Partition, entry => entry.FromOffset);
        return new LedgerAccount(flow, before.Incarnation, begun, ledger.Lost, ledger) { Past = before.Stretches };
    }

    /// <summary>Ranges that were staged before a reset, a replay or a rollback are void, because the generation is another.</summary>
    private void RequireGeneration(LedgerAccount? before, Ledger ledger, CommitGround ground)
    {
        var generation = ledger.Generation;
        if (before is not null && generation < before.Ledger.Generation)
            throw new AuditException($"Commit {ledger.Commit} of {flow} is of generation {generation}, and stands on one of generation {before.Ledger.Generation}.");
        var why = before is null ? "starts over" : ledger.Replay is not null ? "is a replay"
            : before.Ledger.Run != ledger.Run && ledger.Writer is { } writer && world.Processes.GetValueOrDefault(writer.ProcessId)?.HasAcceptedTag(LedgerKeys.Tag(flow)) == true && ground.IsUnproven() ? "accepts a tag, although the table may have been rolled back past others,"
            : !ground.IsForgotten && Newest is { } newest && newest.Ledger.Commit != before.Ledger.Commit ? $"stands on {before.Ledger.Commit}, after the table was rolled back past {newest.Ledger.Commit}," : null;
        if (why is not null && HasStarted && generation <= _generationMax)
            throw new AuditException($"Commit {ledger.Commit} of {flow} {why} and is of generation {generation}; {_generationMax} was given out before.");
    }

    /// <summary>The books against the records themselves.</summary>
    private void RequireBalance(LedgerAccount? before, LedgerAccount account, CommitGround ground)
    {
        var ledger = account.Ledger;
        var books = ledger.Books;
        if (before is not null) Require(ledger.Totals == before.Ledger.Totals + books - (ledger.Replay?.Replaced ?? default), "its totals are not the earlier ones and its own books");
        else Require(ledger.Totals == default || ledger.Totals == ground.Parent?.Ledger.Totals || (ground.Parent is null || ground.IsUnproven()) && ledger.Totals == Newest?.Ledger.Totals, "its totals are not those of before the reset");
        Require(books.AddedRowCount == books.ProducedCount, $"{books.ProducedCount} rows were produced and {books.AddedRowCount} added");
        Require(books.LostCount == ledger.Lost.Sum(range => range.ToOffset - range.FromOffset), "the lost count is not that of the lost ranges");
        if (ledger.Replay is { } replayed)
            Require(replayed.Replaced == replayed.Commits.Aggregate(default(Books), (sum, commit) => sum + (_accounts.GetValueOrDefault(commit)?.Ledger.Books ?? default)), "what it replaced is not what those commits did");
        var ranges = ledger.Replay is { } replay
            ? replay.Ranges.Select(range => (range.Partition, range.FromOffset, range.ToOffset))
            : ledger.Sources[0].Partitions.Where(entry => !ledger.Lost.Any(range => range.Partition == entry.Partition)).Select(entry => (entry.Partition, entry.FromOffset, ToOffset: entry.NextOffset));
        var (rows, filtered, skipped, uncertain) = (0L, 0L, 0L, 0L);
        foreach (var (partition, from, to) in ranges)
        {
            var held = CountHeld(account, partition, from, to);
            (rows, filtered, skipped, uncertain) = (rows + held.Rows, filtered + held.Filtered, skipped + held.Bad, uncertain + held.Uncertain);
        }
        var listed = ledger.Skipped?.Records.Ranges ?? [];
        Require(listed.Sum(range => range.RecordCount) == books.SkippedCount, $"it skipped {books.SkippedCount} records and lists {listed.Sum(range => range.RecordCount)}");
        foreach (var range in listed)
        {
            var (_, _, bad, doubtful) = CountHeld(account, range.Partition, range.FromOffset, range.ToOffset);
            Require(range.RecordCount >= bad && range.RecordCount <= bad + doubtful, $"it lists {range} as skipped, where the topic has {bad} to {bad + doubtful} bad ones");
        }
        RequireWithin("produced", books.ProducedCount, rows);
        RequireWithin("filtered", books.FilteredCount, filtered);
        RequireWithin("skipped", books.SkippedCount, skipped);
        Require(books.AbsorbedCount == 0 && books.RejectedCount == 0, "it absorbed or rejected records of a pipeline that does neither");
        Require(MayPassBadRecords || books.SkippedCount == 0, $"it passed {books.SkippedCount} bad records under on_error: fail");
        Require(MayPassBadRecords || skipped == 0, $"its range holds {skipped} bad records, under on_error: fail");

        void RequireWithin(string what, long told, long certain) =>
            Require(told >= certain && told <= certain + uncertain, $"it counts {told} {what} records where the topic has {certain}{(uncertain == 0 ? "" : $" to {certain + uncertain}")}");

        void Require(bool condition, string fault)
        {
            if (!condition) throw new AuditException($"The books of {flow} do not balance in commit {ledger.Commit}: {fault}.");
        }
    }

    /// <summary>The records of a range by what becomes of them, and how many there may be besides.</summary>
    private (long Rows, long Filtered, long Bad, long Uncertain) CountHeld(LedgerAccount account, int partition, long from, long to)
    {
        var log = topic.PartitionsOf(account.Incarnation)[partition];
        // From there on it is not known which of two records the flow has met.
        var end = Math.Max(from, Math.Min(to, log.TornFrom(flow.ToString())));
        var (rows, filtered, bad, uncertain) = (0L, 0L, 0L, to - end);
        foreach (var record in log.Records.Skip((int)from).Take((int)(end - from)))
        {
            if (!record.WasReadable) continue;
            if (record.IsCompacted) uncertain++;
            else if (record.Kind == RecordKind.Row) rows++;
            else if (record.Kind == RecordKind.Filtered) filtered++;
            else bad++;
        }
        return (rows, filtered, bad, uncertain);
    }
}
