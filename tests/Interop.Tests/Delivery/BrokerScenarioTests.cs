using Matih.Fixtures;

namespace Matih.Interop.Tests.Delivery;

/// <summary>What real brokers do to topics, seen by the whole command and counted by independent readers.</summary>
public sealed class BrokerScenarioTests(SharedKafka kafka)
{
    [Fact]
    public async Task Aborted_transactions_leave_no_rows_and_no_false_gap()
    {
        var (client, pipeline) = await NewAsync("transactions", partitions: 1);
        var transaction = await client.BeginTransactionAsync();
        await transaction.ProduceAsync(pipeline.Topic, Records(0, 50));
        await transaction.AbortAsync();
        await transaction.BeginAgainAsync();
        await transaction.ProduceAsync(pipeline.Topic, Records(50, 50));
        await transaction.CommitAsync();
        await transaction.BeginAgainAsync();
        await transaction.ProduceAsync(pipeline.Topic, Records(100, 50));
        await transaction.AbortAsync();

        await pipeline.CatchUpAsync();

        Assert.Equal((50, 50, 50), await pipeline.CountAsync());
        var end = (await client.OffsetsAsync(pipeline.Topic))[0].End;
        Assert.Equal(end, (await client.GroupOffsetsAsync(pipeline.Topic, pipeline.Topic))[0].Offset);
        await IcebergReference.CheckAsync(pipeline.TableFolder);
        (await pipeline.VerifyAsync("--count-all")).Expect(0);
    }

    [Fact]
    public async Task A_compacted_topic_is_read_with_its_gaps()
    {
        var (client, pipeline) = await NewAsync("compacted", partitions: 1, ("cleanup.policy", "compact"), ("segment.ms", "100"), ("min.cleanable.dirty.ratio", "0.01"));
        for (var round = 0; round < 4; round++)
        {
            await client.ProduceAsync(pipeline.Topic, OrderPipeline.Orders(round * 100, 100)
                .Select((value, index) => new KafkaRecord(BitConverter.GetBytes(index), System.Text.Encoding.UTF8.GetBytes(value), 0, null, [])));
            await Task.Delay(200, TestContext.Current.CancellationToken); // Compaction rolls segments by the broker's clock.
        }
        while ((await client.ConsumeAsync(pipeline.Topic)).Count >= 400) await Task.Delay(200, TestContext.Current.CancellationToken);

        await pipeline.CatchUpAsync();

        var (rows, positions, _) = await pipeline.CountAsync();
        Assert.InRange(rows, 100, 399);
        Assert.Equal(rows, positions);
        var present = (await client.ConsumeAsync(pipeline.Topic)).Count;
        Assert.True(rows >= present, $"{rows} rows, {present} records are still there");
        (await pipeline.VerifyAsync("--count-all")).Expect(0);
    }

    [Fact]
    public async Task Deleted_records_stop_the_run_and_are_named_unless_the_loss_is_accepted()
    {
        var (client, pipeline) = await NewAsync("deleted", partitions: 1);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await pipeline.CatchUpAsync();
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(100, 100));
        await client.DeleteRecordsAsync(pipeline.Topic, 0, 150);

        var refusal = await pipeline.RunAsync("--until-caught-up");
        await pipeline.CatchUpAsync("--set", "sources.src.on_lost_offsets=skip");

        Assert.Equal(5, refusal.ExitCode);
        Assert.Contains("no longer holds offsets 100 to 149", refusal.StandardError, StringComparison.Ordinal);
        Assert.Equal((150, 150, 150), await pipeline.CountAsync());
        await IcebergReference.CheckAsync(pipeline.TableFolder);
        (await pipeline.VerifyAsync("--count-all")).Expect(0);
    }

    [Fact]
    public async Task Partitions_added_between_runs_are_read_from_their_log_start()
    {
        var (client, pipeline) = await NewAsync("grown", partitions: 1);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await pipeline.CatchUpAsync("--set", "sources.src.start_offset=latest");
        await client.AddPartitionsAsync(pipeline.Topic, 3);
        await using var freshClient = await KafkaClient.ConnectAsync((await kafka.BrokerAsync()).Bootstrap);
        await freshClient.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(100, 60), partition: 2);

        await pipeline.CatchUpAsync("--set", "sources.src.start_offset=latest");

        Assert.Equal((60, 60, 60), await pipeline.CountAsync());
        (await pipeline.VerifyAsync("--count-all")).Expect(0);
    }

    [Fact]
    public async Task A_recreated_topic_is_refused_until_a_reset()
    {
        var (client, pipeline) = await NewAsync("recreated", partitions: 1);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await pipeline.CatchUpAsync();
        await client.DeleteTopicAsync(pipeline.Topic);
        await client.CreateTopicAsync(pipeline.Topic);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(1000, 200));

        var refusal = await pipeline.RunAsync("--until-caught-up");
        await pipeline.CatchUpAsync("--reset", "--yes");

        Assert.Equal(5, refusal.ExitCode);
        Assert.Contains("created", refusal.StandardError, StringComparison.Ordinal);
        Assert.Equal((300, 300), ((await pipeline.CountAsync()).Rows, (await pipeline.CountAsync()).Ids));
        (await pipeline.VerifyAsync("--count-all")).Expect(0);
    }

    [Fact]
    public async Task A_micro_batch_with_the_default_limits_takes_all_partitions_and_ends()
    {
        var (client, pipeline) = await NewAsync("micro-batch", partitions: 4);
        await client.ProduceFileAsync(pipeline.Topic, pipeline.OrderFile(0, 4000), 4);

        (await pipeline.RunAsync("--once", "--set", "orchestration.idle_timeout=3s")).Expect();

        Assert.Equal((4000, 4000, 4000), await pipeline.CountAsync());
        (await pipeline.VerifyAsync("--count-all")).Expect(0);
    }

    [Fact]
    public async Task Reading_committed_continues_behind_an_open_transaction_that_was_read_uncommitted_before()
    {
        var (client, pipeline) = await NewAsync("isolation", partitions: 1);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 50));
        var transaction = await client.BeginTransactionAsync();
        await transaction.ProduceAsync(pipeline.Topic, Records(50, 50));
        await pipeline.CatchUpAsync("--set", "sources.src.isolation_level=read_uncommitted");

        await pipeline.CatchUpAsync();
        await transaction.CommitAsync();
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(100, 50));
        await pipeline.CatchUpAsync();

        Assert.Equal((150, 150, 150), await pipeline.CountAsync());
    }

    [Fact]
    public async Task A_column_that_another_engine_drops_and_adds_again_under_an_idle_run_gets_the_next_values()
    {
        var (client, pipeline) = await NewAsync("column", partitions: 1);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 1));
        await using var run = pipeline.Start();
        await OrderPipeline.WaitForRowsAsync(run, 1);
        await IcebergReference.WriteAsync("set-schema", pipeline.TableFolder, "drop", "note");
        await IcebergReference.WriteAsync("set-schema", pipeline.TableFolder, "add", "note", "string");

        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(1, 1));
        await OrderPipeline.WaitForRowsAsync(run, 2);
        run.Send(ProcessSignal.Terminate);
        (await run.WaitForExitAsync()).Expect();

        var notes = (await IcebergReference.ScanAsync(pipeline.TableFolder)).ToDictionary(row => row.GetProperty("id").GetInt64(), row => row.GetProperty("note").GetString());
        Assert.Equal("order 1", notes[1]);
        await IcebergReference.CheckAsync(pipeline.TableFolder);
    }

    [Fact]
    public async Task Another_engine_may_append_and_compact_between_two_runs()
    {
        var (client, pipeline) = await NewAsync("foreign", partitions: 2);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await pipeline.CatchUpAsync();
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(100, 100), partition: 1);
        await pipeline.CatchUpAsync();
        await IcebergReference.WriteAsync("rewrite-data-files", pipeline.TableFolder);
        await IcebergReference.WriteAsync("expire-snapshots", pipeline.TableFolder, "--retain-last", "1");
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(200, 100));

        await pipeline.CatchUpAsync();

        Assert.Equal((300, 300, 300), await pipeline.CountAsync());
        await IcebergReference.CheckAsync(pipeline.TableFolder, "--allow-missing-parents");
        (await pipeline.VerifyAsync("--count-all")).Expect(0);
    }

    [Fact]
    public async Task Commits_over_transactions_and_many_partitions_are_replayed_with_the_mended_statement()
    {
        var (client, pipeline) = await NewAsync("replayed", partitions: 5);
        pipeline.ReplaceInDefinition("SELECT id, note,", "SELECT id, CAST(NULL AS STRING) AS note,");
        var transaction = await client.BeginTransactionAsync();
        await transaction.ProduceAsync(pipeline.Topic, Records(90_000, 50));
        await transaction.AbortAsync();
        await client.ProduceFileAsync(pipeline.Topic, pipeline.OrderFile(0, 20_000), 5);
        await pipeline.CatchUpAsync();
        await transaction.BeginAgainAsync();
        await transaction.ProduceAsync(pipeline.Topic, Records(20_000, 50));
        await transaction.CommitAsync();
        await pipeline.CatchUpAsync();
        pipeline.ReplaceInDefinition("SELECT id, CAST(NULL AS STRING) AS note,", "SELECT id, note,");
        var snapshots = System.Text.Json.JsonDocument.Parse(
            (await MatihProcess.RunAsync(["table", "snapshots", pipeline.TableFolder, "--json"], pipeline.Folder)).Expect().StandardOutput).RootElement;
        var first = snapshots.EnumerateArray().First(snapshot => snapshot.GetProperty("added_records").GetInt64() > 0).GetProperty("commit").GetString()!;

        (await pipeline.CommandAsync("replay", "--from-commit", first, "--yes", "--set", "orchestration.parallelism=2")).Expect();

        Assert.Equal((20_050, 20_050, 20_050), await pipeline.CountAsync());
        var notes = (await DuckDb.QueryAsync($"select count(note)::int as n from iceberg_scan('{pipeline.TableFolder}') where note = 'order ' || id"))[0];
        Assert.Equal(20_050, notes.GetProperty("n").GetInt32());
        await IcebergReference.CheckAsync(pipeline.TableFolder, "--require-totals");
        var verified = await pipeline.CommandAsync("verify", "--count-all");
        Assert.True(verified.ExitCode == 0, verified.StandardOutput);
        await pipeline.CatchUpAsync();
        (await pipeline.VerifyAsync("--count-all")).Expect(0);
    }

    private static IEnumerable<KafkaRecord> Records(int firstId, int count) => OrderPipeline.Orders(firstId, count).Select(value => KafkaRecord.Text(value));

    private async Task<(KafkaClient Client, OrderPipeline Pipeline)> NewAsync(string stem, int partitions, params (string Name, string Value)[] configs)
    {
        var client = await kafka.ClientAsync();
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), (await kafka.BrokerAsync()).Bootstrap, KafkaBroker.NewName(stem));
        await client.CreateTopicAsync(pipeline.Topic, partitions, configs);
        return (client, pipeline);
    }
}
