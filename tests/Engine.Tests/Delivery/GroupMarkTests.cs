using Matih.Delivery;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Delivery;

/// <summary>docs/delivery.md, "Group offsets and marks": consumer-group offsets are written for dashboards, and trip over a table created again.</summary>
public sealed class GroupMarkTests
{
    [Fact]
    public async Task The_group_s_offsets_follow_the_ledger()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);

        await flow.CatchUpAsync();

        Assert.Equal([(0, 5L), (1, 5L)], flow.Topic.GroupOffsets.Select(pair => (pair.Key, pair.Value)).Order());
        Assert.Equal($"matih:2:orders:lake:{(await flow.TableAsync()).Metadata.TableUuid}", flow.Topic.GroupMark?.TrimEnd('\0'));
    }

    [Fact]
    public async Task The_group_s_offsets_are_never_a_position()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Topic.GroupOffsets[0] = 1;
        flow.Topic.GroupOffsets[1] = 1000;
        flow.Produce(10, 10);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_group_that_does_not_answer_holds_up_no_end_of_a_run()
    {
        using var flow = new FlowHarness { Clock = new HurriedClock { Speed = 100 } };
        flow.Produce(0, 10);
        var storeCount = 0;
        flow.OnSource = source => source.BeforeGroupStore = async cancellationToken =>
        {
            // The first one is the start's own.
            if (++storeCount > 1) await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        };

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        var warning = Assert.Single(flow.Entries, entry => entry.Event == "group-offsets-unavailable");
        Assert.Contains("no answer within 10 s (the brokers are silent)", warning.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_table_that_was_dropped_is_refused_until_reset_whether_created_again_or_not(bool isCreatedAnew)
    {
        using var flow = new FlowHarness();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var uuid = (await flow.TableAsync()).Metadata.TableUuid;
        flow.DropTable();
        if (isCreatedAnew) await other.CatchUpAsync();

        var refusal = await flow.RefusalAsync();
        await flow.CatchUpAsync(new OpenAnswers(Reset: true));
        await flow.CatchUpAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains($"The consumer group remembers that orders/lake wrote to table {uuid}", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(isCreatedAnew ? "holds no ledger of it" : "does not exist", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("--reset", refusal.Remedy, StringComparison.Ordinal);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Another_pipeline_s_mark_in_the_group_is_nothing_to_us()
    {
        using var flow = new FlowHarness();
        flow.Topic.GroupMark = "matih:1:returns:lake:0f0e0d0c-0000-4000-8000-000000000001";
        flow.Produce(0, 10);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Refused_group_offsets_are_warned_of_once_a_run_and_change_nothing_else()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Topic.RefusesGroupOffsets = true;

        await flow.RunDuringAsync(async () =>
        {
            for (var round = 0; round < 3; round++)
            {
                flow.Topic.AddPartitions(1);
                flow.Produce(round * 10, 10);
                await flow.WaitForRowsAsync((round + 1) * 10);
            }
        });

        Assert.Single(flow.Entries, entry => entry.Severity == LogSeverity.Warning);
        Assert.Equal(1, flow.CountOf("group-offsets-unavailable"));
        await flow.AssertHoldsWholeTopicAsync();
    }
}
