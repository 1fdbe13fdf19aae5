using Matih.Delivery;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Delivery;

/// <summary>What a probe would learn of a flow in the situations that a run goes through.</summary>
public sealed class FlowHealthTests
{
    [Fact]
    public async Task A_run_that_reads_is_ready_with_its_last_commit_and_an_ended_one_stays_live()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);

        await flow.RunDuringAsync(async () =>
        {
            await flow.WaitForRowsAsync(10);
            await UntilAsync(flow, progress => progress.State == FlowState.Reading);

            Assert.True(Read(flow) is { IsReady: true, IsLive: true, IsStandingBy: false });
            Assert.Equal((await flow.HeadAsync()).Value, flow.Progress[0].LastSnapshotId);
        });

        Assert.Equal(FlowState.Ended, flow.Progress[0].State);
        Assert.True(Read(flow).IsLive);
    }

    [Fact]
    public async Task A_resumed_run_tells_the_commit_that_it_goes_on_from()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var written = (await flow.LedgerAsync()).WrittenAtMillis;

        await flow.RunDuringAsync(async () =>
        {
            await UntilAsync(flow, progress => progress.HasOpened);

            Assert.Equal(0, flow.Progress[0].CommitCount);
            Assert.Equal(written, flow.Progress[0].LastCommit!.Value.ToUnixTimeMilliseconds());
        });
    }

    [Fact]
    public async Task A_member_without_partitions_stands_by()
    {
        using var flow = new FlowHarness { Seat = new ScriptedSeat() };

        await flow.RunDuringAsync(async () =>
        {
            await UntilAsync(flow, progress => progress.State == FlowState.StandingBy);

            Assert.True(Read(flow) is { IsReady: true, IsLive: true, IsStandingBy: true });
        });
    }

    [Fact]
    public async Task A_member_that_reads_for_another_stands_by_until_that_one_has_opened_the_table_and_owes_nothing_once_it_has_staged()
    {
        using var reader = new FlowHarness { Seat = new ScriptedSeat(1) };
        using var committer = reader.Another();
        committer.Seat = new ScriptedSeat(0);

        await reader.RunDuringAsync(async () =>
        {
            await reader.WaitForLogAsync("awaiting-committer");
            Assert.True(Read(reader) is { IsReady: true, IsStandingBy: true });

            await committer.RunDuringAsync(async () =>
            {
                reader.Produce(0, 20);
                await committer.WaitForRowsAsync(20);
                await UntilAsync(reader, progress => progress is { State: FlowState.Reading, UncommittedSince: null, LastSnapshotId: not null });
                Assert.True(Read(reader) is { IsReady: true, IsLive: true, IsStandingBy: false });
                Assert.NotEqual(0, reader.Progress[0].StagedRecordCount);
            });
        });

        await committer.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_replica_that_waits_for_another_stands_by()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        for (var kill = 0; kill < 2; kill++)
        {
            var before = flow.CountOf("started") + flow.CountOf("taken-over");
            await flow.RunUntilKilledAsync(() => Task.FromResult(flow.CountOf("started") + flow.CountOf("taken-over") > before));
        }
        using var standby = flow.Another();
        standby.IsGone = _ => false;
        using var stop = new CancellationTokenSource();

        var waiting = standby.RunAsync(new RunMode.Continuous(), stop: stop.Token);
        await UntilAsync(standby, progress => progress.State == FlowState.StandingBy);

        Assert.True(Read(standby) is { IsReady: true, IsLive: true, IsStandingBy: true });
        await stop.CancelAsync();
        await waiting;
    }

    private static HealthReading Read(FlowHarness flow) => new PipelineHealth(flow.Progress, flow.Clock, new HealthLimits(TimeSpan.FromHours(1))).Read();

    /// <summary>A state has no signal that a test could wait for; it is looked at until it holds.</summary>
    private static async Task UntilAsync(FlowHarness flow, Func<FlowProgress, bool> holds)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (flow.Progress.Count == 0 || !holds(flow.Progress[0]))
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
