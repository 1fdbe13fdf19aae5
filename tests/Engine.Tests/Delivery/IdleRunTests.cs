using System.Collections.Immutable;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Delivery;

/// <summary>A run whose topic is silent still looks after its table, once a minute.</summary>
public sealed class IdleRunTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_table_rolled_back_under_an_idle_run_gets_its_rows_back(bool hasForeignHead)
    {
        using var flow = new FlowHarness();
        await flow.RunDuringAsync(async () =>
        {
            flow.Produce(0, 10);
            await flow.WaitForRowsAsync(10);
            var before = await flow.HeadAsync();
            flow.Produce(10, 10);
            await flow.WaitForRowsAsync(20);
            await flow.RollBackAsync(before);
            if (hasForeignHead) await flow.ForeignAppendAsync();

            flow.Clock.Elapsed += TimeSpan.FromMinutes(2);

            await flow.WaitForRowsAsync(30);
        });
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task An_idle_pipeline_beside_a_busy_engine_and_expiry_resumes_by_itself()
    {
        using var flow = new FlowHarness();
        flow.Overrides.Add("sinks.lake.properties.write.metadata.previous-versions-max=20");
        await flow.RunDuringAsync(async () =>
        {
            flow.Produce(0, 10);
            await flow.WaitForRowsAsync(10);
            for (var hour = 0; hour < 60; hour++)
            {
                await flow.ForeignAppendAsync();
                await flow.ForeignAppendAsync();
                var before = flow.CountOf("committed");
                flow.Clock.Elapsed += TimeSpan.FromMinutes(61);
                await FlowHarness.WaitUntilAsync(() => flow.CountOf("committed") > before);
                if (hour == 45) await ExpireAsync(flow);
            }
            flow.Produce(10, 10);
            await flow.WaitForRowsAsync(20);
        });
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_ledger_that_another_flow_carries_forward_is_not_committed_again()
    {
        using var flow = new FlowHarness();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        await flow.RunDuringAsync(async () =>
        {
            flow.Produce(0, 10);
            await flow.WaitForRowsAsync(10);
            other.Produce(0, 10);
            await other.CatchUpAsync();
            flow.Clock.Elapsed += TimeSpan.FromHours(2);
            flow.Produce(10, 10);
            await flow.WaitForRowsAsync(20);
        });

        Assert.All(flow.Entries.Where(entry => entry.Event == "committed").SkipLast(1), entry => Assert.NotEqual(0L, entry.Fields.First(field => field.Name == "rows").Value));
    }

    /// <summary>Keeps the newest snapshot and what refs pin, as expire_snapshots with retain_last 1 does.</summary>
    private static async Task ExpireAsync(FlowHarness flow)
    {
        var metadata = (await flow.TableAsync()).Metadata;
        var kept = metadata.Refs.Values.Select(item => item.SnapshotId).ToHashSet();
        ImmutableArray<SnapshotId> gone = [.. metadata.Snapshots.Select(item => item.Id).Where(id => !kept.Contains(id))];
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots(gone));
    }
}
