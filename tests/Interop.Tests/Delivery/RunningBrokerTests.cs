using Matih.Fixtures;
using Matih.Interop.Tests.Kafka;

namespace Matih.Interop.Tests.Delivery;

/// <summary>What a broker, or its operator, does under a run that goes on.</summary>
public sealed class RunningBrokerTests(SharedKafka kafka)
{
    [Fact, LongTest]
    public async Task A_broker_that_dies_restarts_and_hangs_under_a_run_costs_time_and_no_records()
    {
        // A broker of its own, because it is killed.
        await using var broker = await KafkaBroker.StartAsync();
        var client = await broker.ClientAsync();
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), broker.Bootstrap, "orders");
        await client.CreateTopicAsync(pipeline.Topic, 4);
        await using var run = pipeline.Start();
        await OrderPipeline.WaitForOpeningAsync(run);
        await client.ProduceFileAsync(pipeline.Topic, pipeline.OrderFile(0, 20_000), 4);

        await broker.KillAsync();
        await broker.RestartAsync();
        await client.ProduceFileAsync(pipeline.Topic, pipeline.OrderFile(20_000, 20_000), 4);
        await OrderPipeline.WaitForRowsAsync(run, 40_000);
        var produced = client.ProduceFileAsync(pipeline.Topic, pipeline.OrderFile(40_000, 20_000), 4);
        await broker.PauseAsync();
        // Longer than the checkpoint interval: commits come due while nothing answers.
        await Task.Delay(3000, TestContext.Current.CancellationToken);
        await broker.ResumeAsync();
        await produced;
        await OrderPipeline.WaitForRowsAsync(run, 60_000);
        run.Send(ProcessSignal.Terminate);

        (await run.WaitForExitAsync()).Expect(0);
        Assert.Equal((60_000, 60_000, 60_000), await pipeline.CountAsync());
        await IcebergReference.CheckAsync(pipeline.TableFolder);
    }

    [Fact]
    public async Task Group_offsets_that_are_deleted_or_wrong_move_nothing()
    {
        var (client, pipeline) = await NewAsync("offsets", partitions: 2);
        await client.ProduceFileAsync(pipeline.Topic, pipeline.OrderFile(0, 200), 2);
        await pipeline.CatchUpAsync();
        await client.CommitGroupOffsetAsync(pipeline.Topic, pipeline.Topic, 0, 3);
        await client.CommitGroupOffsetAsync(pipeline.Topic, pipeline.Topic, 1, 100_000);
        await client.ProduceFileAsync(pipeline.Topic, pipeline.OrderFile(200, 200), 2);
        await pipeline.CatchUpAsync();
        Assert.Equal((400, 400, 400), await pipeline.CountAsync());

        await client.DeleteGroupAsync(pipeline.Topic);
        await client.ProduceFileAsync(pipeline.Topic, pipeline.OrderFile(400, 200), 2);
        await pipeline.CatchUpAsync();

        Assert.Equal((600, 600, 600), await pipeline.CountAsync());
        Assert.Equal([300, 300], (await client.GroupOffsetsAsync(pipeline.Topic, pipeline.Topic)).Values.Select(found => found.Offset));
    }

    [Fact, LongTest]
    public async Task Partitions_added_under_a_run_that_began_at_latest_are_read_from_their_log_start()
    {
        var (client, pipeline) = await NewAsync("latest", partitions: 1);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(1_000_000, 10));
        await using var run = pipeline.Start("--set", "sources.src.start_offset=latest");
        await OrderPipeline.WaitForOpeningAsync(run);

        await client.AddPartitionsAsync(pipeline.Topic, 3);
        await using var freshClient = await KafkaClient.ConnectAsync((await kafka.BrokerAsync()).Bootstrap);
        await freshClient.ProduceFileAsync(pipeline.Topic, pipeline.OrderFile(0, 300), 3);
        // They are looked for every half minute.
        await OrderPipeline.WaitForRowsAsync(run, 300);
        run.Send(ProcessSignal.Terminate);

        (await run.WaitForExitAsync()).Expect(0);
        Assert.Equal((300, 300, 300), await pipeline.CountAsync());
    }

    [Fact]
    public async Task Records_deleted_under_a_run_before_it_read_them_stop_it_and_are_named()
    {
        var (client, pipeline) = await NewAsync("retention", partitions: 1);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await using var run = pipeline.Start();
        await OrderPipeline.WaitForRowsAsync(run, 100);

        run.Send(ProcessSignal.Stop);
        // The fetch that the stopped process has sent must not be answered with any of these: it sees none while the transaction is open.
        var transaction = await client.BeginTransactionAsync();
        await transaction.ProduceAsync(pipeline.Topic, OrderPipeline.Orders(100, 100).Select(value => KafkaRecord.Text(value)));
        await client.DeleteRecordsAsync(pipeline.Topic, 0, 150);
        await transaction.CommitAsync();
        run.Send(ProcessSignal.Continue);
        var ended = await run.WaitForExitAsync();

        Assert.True(ended.ExitCode == 5, $"exit code {ended.ExitCode}\n{ended.StandardError}");
        Assert.Equal((100, 100, 100), await pipeline.CountAsync());
        Assert.Contains("no longer holds offsets 100 to 149", ended.StandardError, StringComparison.Ordinal);
        await IcebergReference.CheckAsync(pipeline.TableFolder);
    }

    [Fact, LongTest]
    public async Task A_topic_created_again_and_refilled_under_a_run_stops_it_within_half_a_minute()
    {
        var (client, pipeline) = await NewAsync("again", partitions: 1);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await using var run = pipeline.Start();
        await OrderPipeline.WaitForRowsAsync(run, 100);

        await client.DeleteTopicAsync(pipeline.Topic);
        await client.CreateTopicAsync(pipeline.Topic);
        // Beyond the old position: nothing is out of range.
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(1000, 200));
        var ended = await run.WaitForExitAsync();

        Assert.True(ended.ExitCode == 5, $"exit code {ended.ExitCode}\n{ended.StandardError}");
        // No client can tell such a fetch from one of the old topic; the run finds out within half a minute, and says since when.
        Assert.Contains("is no longer the one that orders/lake began to read", ended.StandardError, StringComparison.Ordinal);
        Assert.Contains("roll the table back", ended.StandardError, StringComparison.Ordinal);
        Assert.Contains((await pipeline.CountAsync()).Rows, new long[] { 100, 200 });
    }

    private async Task<(KafkaClient Client, OrderPipeline Pipeline)> NewAsync(string stem, int partitions)
    {
        var client = await kafka.ClientAsync();
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), (await kafka.BrokerAsync()).Bootstrap, KafkaBroker.NewName(stem));
        await client.CreateTopicAsync(pipeline.Topic, partitions);
        return (client, pipeline);
    }
}
