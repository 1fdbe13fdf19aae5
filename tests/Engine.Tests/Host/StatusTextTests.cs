using Matih.Engine.Tests.Delivery;
using Matih.Engine.Tests.Status;
using Matih.Host.Status;
using Matih.Status;

namespace Matih.Engine.Tests.Host;

public sealed class StatusTextTests
{
    [Fact]
    public async Task A_flow_is_a_block_of_lines_and_a_table_of_its_partitions()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Produce(10, 4);
        await using var steps = flow.OpenSteps();
        await steps.OpenAsync();
        await flow.StageAsync(steps, 0, 5, 2);

        var text = Write(await flow.PipelineStatusAsync());

        var lines = text.Split('\n');
        Assert.Equal("pipeline    orders 1", lines[0]);
        Assert.Equal("flow        orders/lake", lines[2]);
        Assert.Equal("state       behind: the topic holds records that are neither in the table nor staged.", lines[3]);
        Assert.Contains("in all      10 read: 10 gave rows, 0 filtered, 0 skipped", lines);
        Assert.Contains(lines, line => line.StartsWith("staged      1 range with 2 records, 2 rows, ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("lag         4 offsets uncommitted, 2 of them not staged, as of ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains(", closed: process 1 on test ended cleanly", StringComparison.Ordinal));
        Assert.Contains("  partition  next offset  staged to  log start  end  uncommitted  unstaged", lines);
        Assert.Contains("          0            5          7          0    7            2         0", lines);
        Assert.Contains("          1            5          5          0    7            2         2", lines);
    }

    [Fact]
    public async Task A_refusal_and_what_was_left_out_come_with_what_to_do()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.DropTable();

        var refused = Write(await flow.PipelineStatusAsync());
        var offline = Write(await flow.PipelineStatusAsync(isOffline: true));

        Assert.Contains("state       refused: a start would end with exit code 5.\ntable       shop.orders, which does not exist yet\n", refused, StringComparison.Ordinal);
        Assert.Contains("refused     The consumer group remembers", refused, StringComparison.Ordinal);
        Assert.Contains("\n            next: Point the pipeline at the right warehouse", refused, StringComparison.Ordinal);
        Assert.Contains("state       never-started: the first start will begin it.", offline, StringComparison.Ordinal);
        Assert.Contains("left out    Topic 'shop.orders' was not looked at: Kafka was left out.", offline, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_flow_that_a_flink_job_has_says_which()
    {
        using var flow = new FlowHarness();
        await flow.GiveToFlinkAsync("8219c7379f084525a2e252e0c8289e1d");

        var text = Write(await flow.PipelineStatusAsync());

        Assert.Contains("ledger      epoch 1, generation 1, given to Flink job 8219c7379f084525a2e252e0c8289e1d: what that commits is not counted here\n", text, StringComparison.Ordinal);
        Assert.Contains("--from-savepoint", text, StringComparison.Ordinal);
    }

    private static string Write(PipelineStatus status)
    {
        var text = new StringWriter { NewLine = "\n" };
        StatusText.Write(status, text);
        return text.ToString();
    }
}
