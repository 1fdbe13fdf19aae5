using System.Collections.Immutable;
using Matih.Delivery.Skipping;

namespace Matih.Delivery.Ledgers;

/// <summary>What every new ledger says of the commit that brings it.</summary>
/// <param name="WrittenAtMillis">Milliseconds since the epoch, by the writer's clock.</param>
internal sealed record LedgerAuthor(CommitId Commit, WriterIdentity Writer, string DefinitionHash, long WrittenAtMillis)
{
    public static LedgerAuthor Of(FlowContext flow, WriterIdentity writer) => new(
        new CommitId(flow.Environment.Ids.NewUuid()), writer, flow.Plan.DefinitionHash, flow.Clock.GetUtcNow().ToUnixTimeMilliseconds());

    /// <summary>A ledger that stands on another: everything that is about the commit itself is new.</summary>
    public Ledger Upon(Ledger before) => before with
    {
        Commit = Commit,
        Base = before.Commit,
        Run = Writer.Run,
        Writer = Writer.Hint,
        DefinitionHash = DefinitionHash,
        WrittenAtMillis = WrittenAtMillis,
        Books = default,
        Lost = [],
        Skipped = null,
        Replay = null,
        Flink = null,
    };
}

/// <summary>How one ledger becomes the next: the only ways, as functions of what is known.</summary>
internal static class LedgerTransitions
{
    /// <summary>The watermark lies behind the event time by this much.</summary>
    private const long WatermarkDelayMillis = 10_000;

    /// <summary>The first ledger of a flow in a table, or of a new generation after a reset.</summary>
    /// <param name="source">Where reading begins.</param>
    /// <param name="old">The ledger that a reset leaves behind: its totals stay, because its rows stay in the table.</param>
    /// <param name="givenOut">What the new generation and epoch must lie above, where there is no such ledger any more.</param>
    public static Ledger Start(LedgerAuthor author, string tableUuid, SourceLedger source, Ledger? old, Ledger? givenOut)
    {
        var above = old ?? givenOut;
        return new Ledger
        {
            TableUuid = tableUuid,
            Commit = author.Commit,
            Base = null,
            Run = author.Writer.Run,
            Epoch = above?.Epoch.Next() ?? new WriterEpoch(1),
            Generation = (above?.Generation ?? 0) + 1,
            IsOpen = true,
            TakeoverCount = 0,
            Writer = author.Writer.Hint,
            DefinitionHash = author.DefinitionHash,
            WrittenAtMillis = author.WrittenAtMillis,
            Sources = [source],
            Books = default,
            Totals = old?.Totals ?? default,
        };
    }

    /// <summary>The ledger of a run that opens a flow where another has left it, or where an earlier session of its own has.</summary>
    /// <param name="source">The positions to continue from, moved past lost ranges.</param>
    /// <param name="lost">The ranges that are given up with this commit.</param>
    /// <param name="isRolledBack">The table was rolled back past commits of the flow, so that a new generation begins.</param>
    public static Ledger Continue(LedgerAuthor author, Ledger found, SourceLedger source, ImmutableArray<LostRange> lost, bool isRolledBack)
    {
        var books = new Books(0, 0, 0, 0, 0, lost.Sum(range => range.ToOffset - range.FromOffset), 0, 0);
        var moved = source with
        {
            Partitions = [.. source.Partitions.Select(entry => lost.Any(range => range.Partition == entry.Partition) ? entry : entry.Unmoved())],
        };
        return author.Upon(found).WithSource(moved) with
        {
            Epoch = EpochOf(author.Writer, found),
            Generation = isRolledBack ? found.Generation + 1 : found.Generation,
            IsOpen = true,
            TakeoverCount = TakesOver(author.Writer, found) ? found.TakeoverCount + 1 : found.TakeoverCount,
            Books = books,
            Totals = found.Totals + books,
            Lost = lost,
        };
    }

    /// <summary>The ledger after a checkpoint: positions move, and what became of the records is counted.</summary>
    /// <param name="moved">The partitions that moved.</param>
    /// <param name="epoch">The epoch that the run took when it opened the flow.</param>
    /// <param name="takeoverCount">How many take-overs in a row still count.</param>
    public static Ledger Advance(
        LedgerAuthor author, Ledger before, SourceLedger source, ImmutableArray<PartitionLedger> moved, Books books, SkippedRecords skipped, WriterEpoch epoch, int takeoverCount, bool staysOpen)
    {
        var after = source with { Partitions = [.. source.Partitions.Select(entry => moved.FirstOrDefault(other => other.Partition == entry.Partition) ?? entry.Unmoved())] };
        return author.Upon(before).WithSource(after) with
        {
            Epoch = epoch,
            IsOpen = staysOpen,
            TakeoverCount = staysOpen ? takeoverCount : 0,
            Books = books,
            Totals = before.Totals + books,
            Skipped = skipped.IsEmpty ? null : new SkippedLedger(source.Name, skipped),
            WatermarkMillis = after.Partitions.Any(entry => entry.MaxTimestampMillis < 0) ? null : after.Partitions.Min(entry => entry.MaxTimestampMillis) - WatermarkDelayMillis,
        };
    }

    /// <summary>
    /// The ledger that gives a flow's records to a Flink job. The generation rises, so that ranges staged before are void, and
    /// so does the epoch, so that a running writer is superseded; nobody writes it until the records are taken back.
    /// </summary>
    /// <param name="before">The ledger as it is to be given: of a start, or with the positions to continue from.</param>
    public static Ledger GiveToFlink(Ledger before, FlinkLedger.Given job) => before with
    {
        Generation = before.Base is null ? before.Generation : before.Generation + 1,
        IsOpen = false,
        TakeoverCount = 0,
        Flink = job,
    };

    /// <summary>The ledger of a run that takes a flow's records back from a Flink job, at the positions of the savepoint with which that ended.</summary>
    /// <param name="found">The ledger that gave them.</param>
    /// <param name="source">Those positions, moved past lost ranges.</param>
    public static Ledger TakeBack(LedgerAuthor author, Ledger found, SourceLedger source, ImmutableArray<LostRange> lost, FlinkLedger.TakenBack job) =>
        Continue(author, found, source, lost, isRolledBack: true) with { Flink = job, WatermarkMillis = null };

    /// <summary>
    /// The ledger after a replay. The positions stay. The generation rises, so that ranges staged before are void, and so does
    /// the epoch, so that a running writer is superseded; a replay ends with its commit, so that the ledger is closed.
    /// </summary>
    public static Ledger Replay(LedgerAuthor author, Ledger before, string sourceName, ReplayLedger replay, Books books, SkippedRecords skipped) => author.Upon(before) with
    {
        Epoch = before.Epoch.Next(),
        Generation = before.Generation + 1,
        IsOpen = false,
        TakeoverCount = 0,
        Sources = [.. before.Sources.Select(source => source with { Partitions = [.. source.Partitions.Select(entry => entry.Unmoved())] })],
        Books = books,
        Totals = before.Totals - replay.Replaced + books,
        Skipped = skipped.IsEmpty ? null : new SkippedLedger(sourceName, skipped),
        Replay = replay,
    };

    /// <summary>Whether the ledger was left open by another run.</summary>
    public static bool TakesOver(WriterIdentity writer, Ledger found) => found.IsOpen && found.Run != writer.Run;

    /// <summary>The epoch that a run commits with after it has opened the flow at this ledger: a run keeps its own, another takes the next.</summary>
    public static WriterEpoch EpochOf(WriterIdentity writer, Ledger found) => found.Run == writer.Run ? found.Epoch : found.Epoch.Next();
}
