using Matih.Delivery.Ledgers;

namespace Matih.Engine.Tests.Delivery;

/// <summary>docs/delivery.md, "Epochs" and "Patience between replicas".</summary>
public sealed class EpochTests
{
    [Fact]
    public async Task A_clean_stop_closes_the_ledger_and_the_next_run_takes_nothing_over()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Produce(10, 10);

        await flow.CatchUpAsync();

        var ledger = await flow.LedgerAsync();
        Assert.False(ledger.IsOpen);
        Assert.Equal(0, ledger.TakeoverCount);
        Assert.Equal(0, flow.CountOf("taken-over"));
    }

    [Fact]
    public async Task A_run_that_finds_the_ledger_open_takes_a_higher_epoch_by_an_empty_commit()
    {
        using var flow = new FlowHarness();
        await KillAfterTenRowsAsync(flow);
        var open = await flow.LedgerAsync();

        await flow.CatchUpAsync();

        var takeover = (await flow.TableAsync()).Metadata.Lineage()
            .Select(snapshot => (snapshot.Summary, Ledger: LedgerFormat.Read(snapshot.Summary["matih.ledger.orders/lake"], null)))
            .First(commit => commit.Ledger.Base == open.Commit);
        Assert.True(open.IsOpen);
        Assert.Equal("0", takeover.Summary["added-records"]);
        Assert.Equal(open.Epoch.Next(), takeover.Ledger.Epoch);
        Assert.Equal(1, takeover.Ledger.TakeoverCount);
        Assert.False((await flow.LedgerAsync()).IsOpen);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_ledger_taken_over_before_is_taken_at_once_from_a_process_that_is_gone()
    {
        using var flow = new FlowHarness();
        await KillAfterTenRowsAsync(flow);
        await KillAtOpeningAsync(flow);
        WriterHint? asked = null;
        flow.IsGone = hint =>
        {
            asked = hint;
            return true;
        };

        await flow.CatchUpAsync();

        Assert.Equal(new WriterHint("test", 1), asked);
        Assert.Equal(0, flow.CountOf("standing-by"));
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_ledger_taken_over_before_is_watched_and_taken_once_nobody_commits()
    {
        using var flow = new FlowHarness();
        await KillAfterTenRowsAsync(flow);
        await KillAtOpeningAsync(flow);
        flow.IsGone = _ => false;
        flow.Clock.Speed = 20;

        await flow.CatchUpAsync();

        var said = Assert.Single(flow.Entries, entry => entry.Event == "standing-by");
        Assert.Contains("was taken over 1 time in a row", said.Message, StringComparison.Ordinal);
        Assert.Equal(2, flow.CountOf("taken-over"));
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_replica_stands_by_as_long_as_the_other_commits()
    {
        using var flow = new FlowHarness();
        await KillAfterTenRowsAsync(flow);
        using var standby = flow.Another();
        standby.IsGone = _ => false;
        var waiting = Task.CompletedTask;

        await flow.RunDuringAsync(async () =>
        {
            await flow.WaitForLogAsync("taken-over");
            waiting = standby.CatchUpAsync();
            for (var id = 10; standby.CountOf("standing-by") < 2; id++)
            {
                flow.Produce(id, 1);
                await flow.WaitForRowsAsync(id + 1);
            }
        });
        await waiting;

        Assert.Equal(0, standby.CountOf("taken-over"));
        await flow.AssertHoldsWholeTopicAsync();
    }

    private static async Task KillAfterTenRowsAsync(FlowHarness flow)
    {
        flow.Produce(0, 10);
        await flow.RunUntilKilledAsync(() => Task.FromResult(flow.CommittedRowCount >= 10));
    }

    private static async Task KillAtOpeningAsync(FlowHarness flow) => await flow.RunUntilKilledAsync(() => Task.FromResult(flow.CountOf("taken-over") == 1));
}
