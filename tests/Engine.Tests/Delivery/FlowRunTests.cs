using System.Text.Json;
using Matih.Delivery;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Delivery;

public sealed class FlowRunTests
{
    [Fact]
    public async Task Every_record_of_the_topic_is_in_the_table_once()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 1000);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        var ledger = await flow.LedgerAsync();
        Assert.False(ledger.IsOpen);
        Assert.Equal(1000, ledger.Totals.ProducedCount);
        Assert.Equal(1000, ledger.Totals.AddedRowCount);
    }

    [Fact]
    public async Task A_second_run_continues_where_the_first_ended()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 100);
        await flow.CatchUpAsync();
        flow.Produce(100, 50);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_run_without_news_commits_nothing()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var before = (await flow.TableAsync()).Metadata.CurrentSnapshotId;

        await flow.CatchUpAsync();

        Assert.Equal(before, (await flow.TableAsync()).Metadata.CurrentSnapshotId);
    }

    [Fact]
    public async Task A_killed_run_loses_and_doubles_nothing()
    {
        using var flow = new FlowHarness();
        for (var round = 0; round < 5; round++)
        {
            flow.Produce(round * 300, 300);
            var goal = (round + 1) * 200;

            await flow.RunUntilKilledAsync(async () => await flow.Catalog.LoadAsync(FlowHarness.Identifier, default) is { Metadata.CurrentSnapshot: not null } && (await flow.RowsAsync()).Count >= goal);
        }

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_bad_record_under_fail_commits_everything_before_it_and_is_met_again()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 20);
        flow.Topic.Append(0, "{not json");
        flow.Produce(21, 5);

        var first = await flow.RefusalAsync();
        var second = await flow.RefusalAsync();

        Assert.Equal(ExitCode.RecordRejected, first.ExitCode);
        Assert.Equal(ExitCode.RecordRejected, second.ExitCode);
        Assert.Contains("offset 20 of partition 0", first.Message, StringComparison.Ordinal);
        await flow.AssertHoldsExactlyAsync(Enumerable.Range(0, 20).Select(offset => (0, (long)offset)));
    }

    [Fact]
    public async Task A_bad_record_under_skip_is_counted()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add("sources.src.on_error=skip");
        flow.Produce(0, 20);
        flow.Topic.Append(0, "{not json");
        flow.Topic.Append(0, null);
        flow.Topic.Append(0, """{"id": -5}""");
        flow.Produce(23, 5);

        await flow.CatchUpAsync();

        var books = (await flow.LedgerAsync()).Totals;
        Assert.Equal((25, 2, 1), (books.ProducedCount, books.FilteredCount, books.SkippedCount));
        Assert.Equal(25, (await flow.RowsAsync()).Count);
    }

    [Fact]
    public async Task A_micro_batch_takes_max_records_and_makes_one_commit()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 1000);

        await flow.RunAsync(new RunMode.Once(300, TimeSpan.FromSeconds(30)));

        Assert.Equal(300, (await flow.RowsAsync()).Count);
        Assert.Equal(2, (await flow.TableAsync()).Metadata.Snapshots.Length);
    }

    [Fact]
    public async Task A_stop_finishes_the_checkpoint_and_closes_the_ledger()
    {
        using var flow = new FlowHarness();
        using var stop = new CancellationTokenSource();
        flow.Produce(0, 100);
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        var run = flow.RunAsync(new RunMode.Continuous(), stop: stop.Token);
        await FlowHarness.WaitUntilAsync(() => run.IsCompleted || flow.Progress is [{ ProducedCount: > 0 }]);

        await stop.CancelAsync();
        await run;

        var ledger = await flow.LedgerAsync();
        Assert.False(ledger.IsOpen);
        Assert.InRange(ledger.Totals.ProducedCount, 1, 100);
        Assert.Equal(ledger.Totals.ProducedCount, (await flow.RowsAsync()).Count);
    }

    [Theory]
    [InlineData(3_000, 20_000, "32MiB")]
    [InlineData(60, 1_500_000, "128MiB")]
    public async Task Buffers_stay_under_the_ceiling_however_large_the_records_are(int recordCount, int noteLength, string memorySetting)
    {
        using var flow = new FlowHarness();
        flow.Overrides.Add($"orchestration.memory={memorySetting}");
        var random = new Random(7);
        var note = new byte[noteLength / 2];
        for (var id = 0; id < recordCount; id++)
        {
            random.NextBytes(note);
            flow.Topic.Append(id % 2, $$"""{"id": {{id}}, "note": "{{Convert.ToHexString(note)}}"}""");
        }

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        var memory = Assert.Single(flow.Entries, entry => entry.Event == "memory").Fields.ToDictionary(field => field.Name, field => (long)field.Value!);
        Assert.True(memory["peak_bytes"] <= memory["ceiling_bytes"], $"{memory["peak_bytes"]:N0} of {memory["ceiling_bytes"]:N0} bytes");
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(64, 200)]
    public async Task Rows_that_wait_for_a_sort_stay_under_the_ceiling_while_they_are_written(int laneCount, int partitionCount)
    {
        using var flow = new FlowHarness(partitionCount: laneCount);
        flow.Overrides.Add($"orchestration.parallelism={laneCount}");
        flow.Overrides.Add($"sinks.lake.partition_by=['bucket({partitionCount}, id)']");
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        flow.Overrides.Add("orchestration.memory=64MiB");
        await flow.CatchUpAsync();
        using var order = JsonDocument.Parse("""{"order-id":1,"fields":[{"transform":"identity","source-id":2,"direction":"asc","null-order":"nulls-first"}]}""");
        await flow.ChangeTableAsync(new TableUpdate.AddSortOrder(SchemaJson.ReadSortOrder(order.RootElement)), new TableUpdate.SetDefaultSortOrder(1));
        var (random, note) = (new Random(7), new byte[500]);
        for (var id = 0; id < 80_000; id++)
        {
            random.NextBytes(note);
            flow.Topic.Append(id % laneCount, $$"""{"id": {{id}}, "note": "{{Convert.ToHexString(note)}}"}""");
        }

        await flow.CatchUpAsync();

        Assert.Equal(partitionCount, (await flow.LedgerAsync()).Totals.AddedFileCount);
        var memory = flow.Entries.Last(entry => entry.Event == "memory").Fields.ToDictionary(field => field.Name, field => (long)field.Value!);
        Assert.True(memory["peak_bytes"] <= memory["ceiling_bytes"], $"{memory["peak_bytes"]:N0} of {memory["ceiling_bytes"]:N0} bytes");
    }

    [Fact]
    public async Task Thousands_of_table_partitions_in_one_checkpoint_stay_under_the_ceiling()
    {
        const int count = 3000;
        using var flow = new FlowHarness();
        flow.Overrides.Add("sinks.lake.partition_by=[id]");
        flow.Overrides.Add("orchestration.memory=64MiB");
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        flow.Produce(0, count);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Equal(count, (await flow.LedgerAsync()).Totals.AddedFileCount);
        var memory = Assert.Single(flow.Entries, entry => entry.Event == "memory").Fields.ToDictionary(field => field.Name, field => (long)field.Value!);
        Assert.True(memory["peak_bytes"] <= memory["ceiling_bytes"], $"{memory["peak_bytes"]:N0} of {memory["ceiling_bytes"]:N0} bytes");
    }

    [Fact]
    public async Task Checkpoints_continue_at_once_when_the_clock_is_set_back_by_hours()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);

        await flow.RunDuringAsync(async () =>
        {
            await flow.WaitForRowsAsync(10);
            flow.Clock.Jump = TimeSpan.FromHours(-3);
            flow.Produce(10, 10);
            await flow.WaitForRowsAsync(20);
        });

        await flow.AssertHoldsWholeTopicAsync();
    }
}
