using Matih.Delivery;
using Matih.Delivery.Ledgers;

namespace Matih.Engine.Tests.Delivery;

/// <summary>docs/delivery.md, "Is it the same topic": is it, and does it hold what comes next?</summary>
public sealed class TopicContinuityTests
{
    [Fact]
    public async Task Another_cluster_is_refused() => await AssertRefusedAsync(
        flow => flow.Topic.ClusterId = "cluster-2", "Kafka cluster cluster-1 so far; the connection now leads to cluster cluster-2");

    [Fact]
    public async Task Another_topic_id_is_refused() => await AssertRefusedAsync(
        flow => flow.Topic.TopicId = "topic-2", "was deleted and created again: its id was topic-1 and is topic-2 now");

    [Fact]
    public async Task Fewer_partitions_are_refused() => await AssertRefusedAsync(
        flow =>
        {
            flow.Clock.Speed = 50;
            flow.Topic.Recreate(1, null);
        },
        "has 1 partition, but the table's ledger of orders/lake holds a position for partition 1");

    /// <summary>Partitions are never removed, and it is the very same topic: the broker does not know of its newest partition yet.</summary>
    [Fact]
    public async Task Fewer_partitions_under_the_same_topic_id_are_a_broker_s_stale_metadata_and_asked_again()
    {
        using var flow = await AfterTenAsync();
        flow.Overrides.Add("orchestration.max_retries=3");
        flow.Clock.Speed = 50;
        flow.Produce(10, 10);
        flow.OnSource = source => source.ToldPartitionCount = count => flow.CountOf("retrying") < 2 ? 1 : count;

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Equal(2, flow.CountOf("retrying"));
        Assert.Contains(flow.Entries, entry => entry.Message.Contains("A broker says that topic 'shop.orders' has 1 partition, but partition 1 of the very same topic (id topic-1) was read before", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Stale_metadata_that_stays_ends_a_start_with_3_and_not_with_5()
    {
        using var flow = await AfterTenAsync();
        flow.OnSource = source => source.ToldPartitionCount = _ => 1;

        var failure = await flow.RefusalAsync();

        Assert.Equal((FailureKind.Kafka, ExitCode.Environment), (failure.Kind, failure.ExitCode));
        Assert.Contains("metadata is stale", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fewer_partitions_of_a_topic_whose_id_is_unknown_are_looked_at_twice()
    {
        using var flow = await AfterTenAsync();
        flow.Topic.TopicId = null;
        flow.Clock.Speed = 50;
        flow.Produce(10, 10);
        flow.OnSource = source => source.ToldPartitionCount = count => flow.CountOf("fewer-partitions") == 0 ? 1 : count;

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Equal((1, 0), (flow.CountOf("fewer-partitions"), flow.CountOf("retrying")));
    }

    [Fact]
    public async Task A_broker_that_lags_behind_a_running_pipeline_does_not_end_it()
    {
        using var flow = new FlowHarness(partitionCount: 2);
        var lags = false;
        flow.OnSource = source => source.ToldPartitionCount = count => Volatile.Read(ref lags) ? 2 : count;

        await flow.RunDuringAsync(async () =>
        {
            flow.Produce(0, 10);
            await flow.WaitForRowsAsync(10);
            flow.Topic.AddPartitions(1);
            flow.Produce(10, 10);
            await flow.WaitForRowsAsync(20);
            Volatile.Write(ref lags, true);
            await flow.WaitForLogAsync(entries => entries.Count(entry => entry.Event == "stale-metadata") >= 5);
            flow.Produce(20, 10);
            await flow.WaitForRowsAsync(30);
        });

        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_topic_of_unknown_id_that_keeps_fewer_partitions_ends_a_run()
    {
        using var flow = new FlowHarness(partitionCount: 2) { Clock = new HurriedClock { Speed = 50 } };
        flow.Topic.TopicId = null;
        var shrunk = false;
        flow.OnSource = source => source.ToldPartitionCount = count => Volatile.Read(ref shrunk) ? 1 : count;

        var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.RunDuringAsync(async () =>
        {
            flow.Produce(0, 10);
            await flow.WaitForRowsAsync(10);
            Volatile.Write(ref shrunk, true);
            await flow.WaitForRowsAsync(1000);
        }));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("has 1 partition, but the table's ledger of orders/lake holds a position for partition 1", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Records of an open transaction were read; then the isolation level changes, and the readable end lies below the position.</summary>
    [Fact]
    public async Task A_position_above_the_last_stable_offset_waits_for_the_open_transaction_and_is_not_refused()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 20);
        flow.Topic.OpenTransaction(0, 10);
        flow.Overrides.Add("sources.src.isolation_level=read_uncommitted");
        await flow.CatchUpAsync();
        flow.Overrides.Clear();

        await flow.CatchUpAsync();
        flow.Produce(20, 5);
        flow.Topic.CommitTransaction(0);
        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Equal(1, flow.CountOf("open-transaction"));
        Assert.Equal(0, flow.CountOf("fingerprint-gone"));
    }

    [Fact]
    public async Task A_micro_batch_whose_position_lies_above_the_last_stable_offset_ends_by_its_idle_timeout()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 20);
        flow.Topic.OpenTransaction(0, 10);
        flow.Overrides.Add("sources.src.isolation_level=read_uncommitted");
        await flow.CatchUpAsync();
        flow.Overrides.Clear();
        var begunAt = flow.Clock.GetTimestamp();

        await flow.RunAsync(new RunMode.Once(100, TimeSpan.FromMilliseconds(50)));

        // Without a known end it would wait a minute for a first record.
        Assert.True(flow.Clock.GetElapsedTime(begunAt) < TimeSpan.FromSeconds(60));
        Assert.Equal(20, (await flow.RowsAsync()).Count);
    }

    [Fact]
    public async Task A_record_above_the_last_stable_offset_that_differs_is_refused()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 20);
        flow.Topic.OpenTransaction(0, 10);
        flow.Overrides.Add("sources.src.isolation_level=read_uncommitted");
        await flow.CatchUpAsync();
        flow.Overrides.Clear();
        flow.Topic.ElectUncleanly(0, 15, 10);

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("The record at offset 19 of partition 0", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_position_beyond_the_log_s_end_is_refused_also_under_an_open_transaction()
    {
        using var flow = await AfterTenAsync();
        flow.Topic.Recreate(2, "topic-1");
        flow.Produce(0, 8);
        flow.Topic.OpenTransaction(0, 2);

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("Partition 0 of topic 'shop.orders' ends at offset 4, but the table's ledger of orders/lake stands at 5", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// The new leader lacks the last records that were read, and has got others, and more, when it is read again: nothing fails.
    /// The looks are held up until the new records are in the table, so that the newest record that was read is an unchanged one.
    /// </summary>
    [Theory]
    [InlineData(10, 10)]
    [InlineData(20, 1)]
    public async Task An_unclean_election_under_a_run_is_noticed_by_a_record_that_it_replaced(int countBefore, int batches)
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Topic.TopicId = null;
        var hasBegun = false;
        using var mayLook = new ManualResetEventSlim();
        flow.OnSource = source =>
        {
            source.BeforePoll = () => Volatile.Write(ref hasBegun, true);
            source.ToldPartitionCount = count =>
            {
                if (Volatile.Read(ref hasBegun)) mayLook.Wait(TestContext.Current.CancellationToken);
                return count;
            };
        };

        var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.RunDuringAsync(async () =>
        {
            try
            {
                for (var batch = 0; batch < batches; batch++)
                {
                    flow.Produce(batch * countBefore, countBefore);
                    await flow.WaitForRowsAsync((batch + 1) * countBefore);
                }
                var end = batches * countBefore;
                flow.Topic.ElectUncleanly(0, end - 5, 10);
                await flow.WaitForRowsAsync(end + 5);
            }
            finally
            {
                mayLook.Set();
            }
            await flow.WaitForRowsAsync(1000);
        }));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains($"the record at offset {batches * countBefore - 1} of partition 0 is not the one that was read", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("roll the table back", refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_position_beyond_the_end_is_refused() => await AssertRefusedAsync(
        flow => flow.Topic.Recreate(2, null), "Partition 0 of topic 'shop.orders' ends at offset 0, but the table's ledger of orders/lake stands at 5");

    [Fact]
    public async Task A_record_before_the_position_that_differs_is_refused() => await AssertRefusedAsync(
        flow =>
        {
            flow.Topic.Recreate(2, null);
            flow.Produce(1000, 40);
        },
        "The record at offset 4 of partition 0 of topic 'shop.orders' is not the one that was read before");

    [Fact]
    public async Task A_record_of_the_same_bytes_at_another_time_is_another_record() => await AssertRefusedAsync(
        flow =>
        {
            flow.Topic.Recreate(2, null);
            for (var id = 0; id < 10; id++) flow.Topic.Append(id % 2, $$"""{"id": {{id}}, "note": "n{{id}}"}""", timestampMillis: 1);
        },
        "expected timestamp 1700000000000");

    [Fact]
    public async Task A_position_below_the_log_start_is_refused_with_partition_from_and_to() => await AssertRefusedAsync(
        flow =>
        {
            flow.Produce(10, 10);
            flow.Topic.DeleteBefore(1, 8);
        },
        "Partition 1 of topic 'shop.orders' no longer holds offsets 5 to 7, which are not in the table");

    [Fact]
    public async Task Ids_that_the_client_cannot_tell_are_not_compared()
    {
        using var flow = await AfterTenAsync();
        (flow.Topic.ClusterId, flow.Topic.TopicId) = (null, null);
        flow.Produce(10, 10);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        var source = (await flow.LedgerAsync()).FindSource("src")!;
        Assert.Equal(("cluster-1", "topic-1"), (source.ClusterId, source.TopicId));
    }

    [Fact]
    public async Task Another_topic_under_the_same_source_is_refused()
    {
        using var flow = await AfterTenAsync();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 2));

        var refusal = await other.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Equal("Source 'src' read topic 'shop.orders' so far, and the definition now names topic 'shop.returns'.", refusal.Message);
    }

    [Fact]
    public async Task A_record_before_the_position_that_is_gone_is_said_and_the_run_goes_on()
    {
        using var flow = await AfterTenAsync();
        flow.Produce(10, 10);
        var expected = flow.TopicRecords().ToList();
        flow.Topic.DeleteBefore(0, 5);

        await flow.CatchUpAsync();

        var said = Assert.Single(flow.Entries, entry => entry.Event == "fingerprint-gone");
        Assert.Contains("partition 0 of topic 'shop.orders' (offset 4) is no longer there, so it could not be checked", said.Message, StringComparison.Ordinal);
        await flow.AssertHoldsExactlyAsync(expected);
    }

    [Fact]
    public async Task Lost_offsets_under_skip_are_written_into_ledger_and_books()
    {
        using var flow = await AfterTenAsync();
        flow.Overrides.Add("sources.src.on_lost_offsets=skip");
        var expected = flow.TopicRecords().ToList();
        flow.Produce(10, 10);
        flow.Topic.DeleteBefore(1, 8);
        expected.AddRange(flow.TopicRecords().Where(record => record.Offset >= 5));

        await flow.CatchUpAsync();

        await flow.AssertHoldsExactlyAsync(expected);
        Assert.Equal(3, (await flow.LedgerAsync()).Totals.LostCount);
        var ledgers = (await flow.TableAsync()).Metadata.Lineage().Select(snapshot => LedgerFormat.Read(snapshot.Summary["matih.ledger.orders/lake"], null)).ToList();
        Assert.Equal(new LostRange("src", 1, 5, 8), Assert.Single(ledgers.SelectMany(ledger => ledger.Lost)));
        await flow.CatchUpAsync();
        Assert.Equal(3, (await flow.LedgerAsync()).Totals.LostCount);
    }

    [Fact]
    public async Task Offsets_that_vanish_under_a_running_pipeline_are_refused()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add("orchestration.max_retries=3");
        flow.Clock.Speed = 100;
        flow.Produce(0, 10);

        var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.RunDuringAsync(async () =>
        {
            await flow.WaitForRowsAsync(10);
            flow.Topic.AppendGap(0, 5);
            flow.Topic.DeleteBefore(0, 20);
            flow.Produce(0, 1);
            await flow.WaitForRowsAsync(11);
        }));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("no longer holds offsets", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_topic_that_is_created_anew_under_a_running_pipeline_is_refused()
    {
        using var flow = new FlowHarness();
        flow.Overrides.Add("orchestration.max_retries=3");
        flow.Clock.Speed = 100;
        flow.Produce(0, 10);

        var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.RunDuringAsync(async () =>
        {
            await flow.WaitForRowsAsync(10);
            flow.Topic.Recreate(2, "topic-2");
            flow.Produce(0, 100);
            await flow.WaitForRowsAsync(110);
        }));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("its id was topic-1 and is topic-2 now", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_topic_that_is_created_again_and_refilled_under_a_running_pipeline_is_refused_where_ids_cannot_be_known()
    {
        using var flow = new FlowHarness();
        flow.Topic.Recreate(2, null);
        flow.Clock.Speed = 100;
        flow.Produce(0, 10);

        var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.RunDuringAsync(async () =>
        {
            await flow.WaitForRowsAsync(10);
            flow.Topic.Recreate(2, null);
            flow.Produce(1000, 100);
            await flow.WaitForRowsAsync(1000);
        }));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("is not the one that was read", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("roll the table back", refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_earliest_start_from_which_nothing_was_read_moves_up_with_the_log_start()
    {
        using var flow = await StartedOnlyAsync("earliest");
        flow.Topic.DeleteBefore(0, 3);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Equal(1, flow.CountOf("start-moved"));
        Assert.Equal(0, (await flow.LedgerAsync()).Totals.LostCount);
    }

    [Fact]
    public async Task A_latest_start_from_which_nothing_was_read_does_not_move_up()
    {
        using var flow = await StartedOnlyAsync("latest");
        flow.Produce(10, 10);
        flow.Topic.DeleteBefore(0, 13);

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("no longer holds offsets 10 to 12", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Killed after the start commit and before the first read.</summary>
    private static async Task<FlowHarness> StartedOnlyAsync(string start)
    {
        var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add($"sources.src.start_offset={start}");
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        flow.Produce(0, 10);
        await flow.RunUntilKilledAsync(() => Task.FromResult(flow.CountOf("started") == 1));
        return flow;
    }

    private static async Task<FlowHarness> AfterTenAsync()
    {
        var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        return flow;
    }

    private static async Task AssertRefusedAsync(Action<FlowHarness> change, string expected)
    {
        using var flow = await AfterTenAsync();
        var before = await flow.HeadAsync();
        change(flow);

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
        Assert.NotEmpty(refusal.Remedy);
        Assert.Equal(before, await flow.HeadAsync());
    }

    /// <summary>The topic was compared, then it was created again and filled, then the partitions were assigned: the client knows no other topic.</summary>
    [Theory]
    [InlineData("topic-1", "topic-2", "its id was topic-1 and is topic-2 now")]
    [InlineData(null, null, "The record at offset 4 of partition 0 of topic")]
    public async Task A_topic_created_again_between_the_look_at_it_and_the_assignment_is_not_read(string? before, string? after, string expected)
    {
        using var flow = new FlowHarness();
        flow.Topic.TopicId = before;
        flow.Overrides.Add("orchestration.max_retries=2");
        flow.Clock.Speed = 50;
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var rows = await flow.RowsAsync();
        var isRecreated = false;
        flow.OnSource = source => source.BeforeAssign = () =>
        {
            if (isRecreated) return;
            isRecreated = true;
            flow.Topic.Recreate(2, after);
            flow.Produce(100, 40);
        };

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(flow.Entries, entry => entry.Message.Contains("became another one while it was being opened", StringComparison.Ordinal));
        Assert.Equal(rows, await flow.RowsAsync());
    }
}
