using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;

namespace Matih.Engine.Tests.Delivery.Ledgers;

/// <summary>How one ledger becomes the next.</summary>
public sealed class LedgerTransitionsTests
{
    private static readonly Guid Ours = Guid.Parse("11111111-1111-1111-1111-111111111111");
    private static readonly Guid Theirs = Guid.Parse("22222222-2222-2222-2222-222222222222");

    private static LedgerAuthor Author(Guid run, long at = 1_000) => new(new CommitId(Guid.NewGuid()), new WriterIdentity(run, new WriterHint("host", 7)), "definition", at);

    private static SourceLedger Source(params long[] positions) => new("src", "orders", "cluster", "topic", "read_committed",
        [.. positions.Select((offset, partition) => PartitionLedger.StartingAt(partition, offset, isEarliest: true))]);

    private static Ledger Started(Guid run, params long[] positions) => LedgerTransitions.Start(Author(run), "table", Source(positions), null, null);

    [Fact]
    public void A_start_begins_with_epoch_and_generation_1_and_nothing_before_it()
    {
        var ledger = Started(Ours, 5, 7);

        Assert.Equal((1, 1, null, true, 0), (ledger.Epoch.Value, ledger.Generation, ledger.Base, ledger.IsOpen, ledger.TakeoverCount));
        Assert.Equal([5, 7], ledger.Sources[0].Partitions.Select(entry => entry.NextOffset));
    }

    [Fact]
    public void A_reset_rises_above_everything_given_out_and_keeps_the_totals_of_rows_that_stay()
    {
        var old = Started(Theirs, 0) with { Epoch = new WriterEpoch(4), Generation = 3, Totals = new Books(10, 0, 0, 0, 0, 0, 10, 1) };

        var reset = LedgerTransitions.Start(Author(Ours), "table", Source(0), old, givenOut: null);
        var withoutLedger = LedgerTransitions.Start(Author(Ours), "table", Source(0), null, givenOut: old);

        Assert.Equal((5, 4, 10), (reset.Epoch.Value, reset.Generation, reset.Totals.AddedRowCount));
        Assert.Equal((5, 4, 0), (withoutLedger.Epoch.Value, withoutLedger.Generation, withoutLedger.Totals.AddedRowCount));
    }

    [Fact]
    public void Another_run_takes_the_next_epoch_and_an_own_session_keeps_it()
    {
        var found = Started(Theirs, 5);

        var taken = LedgerTransitions.Continue(Author(Ours), found, Source(5), [], isRolledBack: false);
        var again = LedgerTransitions.Continue(Author(Ours), taken, Source(5), [], isRolledBack: false);
        var afterCleanStop = LedgerTransitions.Continue(Author(Ours), found with { IsOpen = false }, Source(5), [], isRolledBack: false);

        Assert.Equal((2, 1, found.Commit), (taken.Epoch.Value, taken.TakeoverCount, taken.Base!.Value));
        Assert.Equal((2, 1), (again.Epoch.Value, again.TakeoverCount));
        Assert.Equal((2, 0), (afterCleanStop.Epoch.Value, afterCleanStop.TakeoverCount));
    }

    [Fact]
    public void A_rollback_begins_a_generation_and_lost_ranges_are_counted_and_moved_past()
    {
        var found = Started(Theirs, 5, 9);
        var source = Source(5, 9);
        source = source with { Partitions = source.Partitions.SetItem(1, source.Partitions[1] with { NextOffset = 20 }) };

        var ledger = LedgerTransitions.Continue(Author(Ours), found, source, [new LostRange("src", 1, 9, 20)], isRolledBack: true);

        Assert.Equal((2, 11, 11), (ledger.Generation, ledger.Books.LostCount, ledger.Totals.LostCount));
        Assert.Equal([(5, 5), (9, 20)], ledger.Sources[0].Partitions.Select(entry => (entry.FromOffset, entry.NextOffset)));
    }

    [Fact]
    public void A_checkpoint_moves_its_partitions_and_forgets_what_the_commit_before_did()
    {
        var before = Started(Ours, 0, 0) with { Lost = [new LostRange("src", 0, 0, 3)], Replay = new ReplayLedger([], [], default) };
        var moved = new PartitionLedger(1, 0, 4, 4, new Fingerprint(3, 60_000, 1), 60_000);

        var ledger = LedgerTransitions.Advance(
            Author(Ours), before, before.Sources[0], [moved], new Books(4, 0, 0, 0, 0, 0, 4, 1), SkippedRecords.None, new WriterEpoch(2), takeoverCount: 3, staysOpen: true);
        var closed = LedgerTransitions.Advance(Author(Ours), ledger, ledger.Sources[0], [], default, SkippedRecords.None, new WriterEpoch(2), takeoverCount: 3, staysOpen: false);

        Assert.Equal([(0, 0, 0), (0, 4, 4)], ledger.Sources[0].Partitions.Select(entry => (entry.FromOffset, entry.NextOffset, entry.RecordCount)));
        Assert.Equal((2, 3, true), (ledger.Epoch.Value, ledger.TakeoverCount, ledger.IsOpen));
        Assert.True(ledger is { Lost.IsEmpty: true, Replay: null, WatermarkMillis: null }); // Partition 0 was never read.
        Assert.Equal([(0, 0, 0), (4, 4, 0)], closed.Sources[0].Partitions.Select(entry => (entry.FromOffset, entry.NextOffset, entry.RecordCount)));
        Assert.Equal((0, false, 4, 0), (closed.TakeoverCount, closed.IsOpen, closed.Totals.AddedRowCount, closed.Books.AddedRowCount));
    }

    [Fact]
    public void The_watermark_lies_ten_seconds_behind_the_slowest_partition()
    {
        var before = Started(Ours, 0, 0);
        PartitionLedger Read(int partition, long at) => new(partition, 0, 1, 1, new Fingerprint(0, at, 1), at);

        var ledger = LedgerTransitions.Advance(
            Author(Ours), before, before.Sources[0], [Read(0, 90_000), Read(1, 60_000)], new Books(2, 0, 0, 0, 0, 0, 2, 1), SkippedRecords.None, before.Epoch, 0, staysOpen: true);

        Assert.Equal(50_000, ledger.WatermarkMillis);
    }

    [Fact]
    public void A_replay_keeps_the_positions_and_supersedes_whoever_writes()
    {
        var before = Started(Theirs, 0) with
        {
            Sources = [Source(0) with { Partitions = [new PartitionLedger(0, 5, 9, 4, new Fingerprint(8, 1, 1), 1)] }],
            Totals = new Books(9, 0, 0, 0, 0, 0, 9, 2),
        };
        var replay = new ReplayLedger([before.Commit], [new ReplayedRange("src", 0, 5, 9, 4, new Fingerprint(8, 1, 1))], new Books(4, 0, 0, 0, 0, 0, 4, 1));

        var ledger = LedgerTransitions.Replay(Author(Ours), before, "src", replay, new Books(3, 1, 0, 0, 0, 0, 3, 1), SkippedRecords.None);

        Assert.Equal((2, 2, false, 0), (ledger.Epoch.Value, ledger.Generation, ledger.IsOpen, ledger.TakeoverCount));
        Assert.Equal((9, 9, 0), (ledger.Sources[0].Partitions[0].FromOffset, ledger.Sources[0].Partitions[0].NextOffset, ledger.Sources[0].Partitions[0].RecordCount));
        Assert.Equal((8, 8), (ledger.Totals.ProducedCount, ledger.Totals.AddedRowCount));
        Assert.Same(replay, ledger.Replay);
    }
}
