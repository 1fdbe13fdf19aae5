using Matih.Delivery;

namespace Matih.Engine.Tests.Delivery;

/// <summary>docs/delivery.md, "Reading".</summary>
public sealed class ReadingTests
{
    [Fact]
    public async Task A_partition_that_never_has_a_record_holds_up_no_commit_and_no_watermark_is_claimed_for_it()
    {
        using var flow = new FlowHarness(partitionCount: 3);
        flow.Topic.Append(0, """{"id": 1, "note": "a"}""");
        flow.Topic.Append(1, """{"id": 2, "note": "b"}""");

        await flow.CatchUpAsync();
        var silent = await flow.LedgerAsync();
        flow.Topic.Append(2, """{"id": 3, "note": "c"}""");
        await flow.CatchUpAsync();
        var heard = await flow.LedgerAsync();

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Null(silent.WatermarkMillis);
        Assert.NotNull(heard.WatermarkMillis);
    }

    [Fact]
    public async Task Records_below_the_position_are_left_out()
    {
        using var flow = new FlowHarness();
        flow.OnSource = source => source.RewindsBy = 7;
        for (var round = 0; round < 3; round++)
        {
            flow.Produce(round * 20, 20);
            await flow.CatchUpAsync();
        }

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Equal(60, (await flow.LedgerAsync()).Totals.RecordCount);
    }

    [Fact]
    public async Task Holes_that_a_second_count_shows_real_are_accepted()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        for (var round = 0; round < 4; round++)
        {
            flow.Topic.AppendGap(0, 3);
            flow.Produce(round * 10, 10);
        }

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Equal(52, Assert.Single((await flow.LedgerAsync()).FindSource("src")!.Partitions).NextOffset);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(0)]
    [InlineData(9)]
    public async Task A_client_that_passes_records_over_is_caught_and_nothing_is_lost(long skipped)
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add("orchestration.max_retries=3");
        flow.Clock.Speed = 50;
        flow.OnSource = source =>
        {
            source.SkippedByClient.Add((0, skipped));
            source.SkippingAssignmentCount = 1;
        };
        flow.Produce(0, 10);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        var retry = Assert.Single(flow.Entries, entry => entry.Event == "retrying");
        Assert.Matches(@"gave \d+ records, but hold \d+ more: the Kafka client passed records over", retry.Message);
    }

    [Fact]
    public async Task A_client_that_passes_the_same_record_over_again_is_caught_each_time()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add("orchestration.max_retries=5");
        flow.Clock.Speed = 50;
        flow.OnSource = source =>
        {
            source.SkippedByClient.Add((0, 5));
            source.SkippingAssignmentCount = 3;
        };
        flow.Produce(0, 10);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Equal(3, flow.CountOf("retrying"));
    }

    [Fact]
    public async Task A_skipped_record_is_not_made_up_for_by_one_that_was_compacted_away_meanwhile()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add("orchestration.max_retries=3");
        flow.Clock.Speed = 50;
        flow.OnSource = source =>
        {
            source.MaySkipRecords = true;
            source.SkippedByClient.Add((0, 5));
            source.SkippingAssignmentCount = 1;
            source.BeforeGapCount = () => flow.Topic.Compact(0, offset => offset == 2);
        };
        flow.Produce(0, 10);

        await flow.CatchUpAsync();

        Assert.Contains((0, 5L), await flow.RowsAsync());
        Assert.Single(flow.Entries, entry => entry.Event == "retrying");
    }

    [Fact]
    public async Task A_hole_whose_records_were_deleted_before_the_second_count_is_not_taken_for_proven_of_a_client_that_skips()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add("orchestration.max_retries=3");
        // One checkpoint of all nine: where another one falls between two polls, a later range is missing.
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        flow.Clock.Speed = 50;
        flow.OnSource = source =>
        {
            source.MaySkipRecords = true;
            source.SkippedByClient.Add((0, 5));
            source.SkippingAssignmentCount = 1;
            source.BeforeGapCount = () => flow.Topic.DeleteBefore(0, 7);
        };
        flow.Produce(0, 1);
        await flow.CatchUpAsync();
        flow.Produce(1, 9);

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("no longer holds offsets 1 to 6", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(flow.Entries, entry => entry.Event == "retrying" && entry.Message.Contains("gave no records at offset 5, and what was there has been deleted since (it begins at 7 now)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_count_in_a_topic_that_was_created_again_since_it_was_read_proves_nothing()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add("orchestration.max_retries=3");
        flow.Clock.Speed = 50;
        SkipAndBeforeTheCount(flow, 5, () => flow.Topic.Recreate(1, "topic-2"));
        flow.Produce(0, 10);

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("its id was topic-1 and is topic-2 now", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(flow.Entries, entry => entry.Event == "retrying" && entry.Message.Contains("counted again, but not in the topic that was read: it was deleted and created again", StringComparison.Ordinal));
        Assert.Empty(await flow.RowsAsync());
    }

    [Theory]
    [InlineData(1, 0, 0, 0, "partition 0 ends at offset 0, and was read up to offset 0")]
    [InlineData(10, 5, 5, 4, "the record at offset 9 of partition 0 is not the one that was read")]
    [InlineData(10, 5, 5, 0, "the record at offset 9 of partition 0, which was just read, is no longer there, so that this cannot be known")]
    public async Task Where_ids_cannot_be_known_records_and_ends_tell_that_gaps_were_counted_in_another_topic(int count, long skipped, int newBefore, int newBehind, string expected)
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Topic.TopicId = null;
        SkipAndBeforeTheCount(flow, skipped, () =>
        {
            flow.Topic.Recreate(1, null);
            flow.Produce(100, newBefore);
            if (newBefore != 0) flow.Topic.AppendGap(0, 5 - newBehind);
            flow.Produce(200, newBehind);
        });
        flow.Produce(0, count);

        var failure = await flow.RefusalAsync();
        flow.OnSource = null;
        await flow.CatchUpAsync();

        // Nothing of the old topic was committed, so that nobody can tell the new one from it: it is read from its start.
        Assert.Equal(ExitCode.Environment, failure.ExitCode);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
        await flow.AssertHoldsWholeTopicAsync();
    }

    /// <summary>The client passes an offset over in its first assignment, and something happens before that gap is counted.</summary>
    private static void SkipAndBeforeTheCount(FlowHarness flow, long skipped, Action act)
    {
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        var isDone = false;
        flow.OnSource = source =>
        {
            source.MaySkipRecords = true;
            source.SkippedByClient.Add((0, skipped));
            source.SkippingAssignmentCount = 1;
            source.BeforeGapCount = () =>
            {
                if (isDone) return;
                isDone = true;
                act();
            };
        };
    }

    [Fact]
    public async Task A_client_known_to_skip_has_every_hole_counted_again()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add("orchestration.max_retries=3");
        flow.OnSource = source =>
        {
            source.MaySkipRecords = true;
            source.SkippedByClient.Add((0, 25));
            source.SkippingAssignmentCount = 1;
        };
        flow.Topic.AppendGap(0, 5);
        flow.Produce(0, 10);

        await flow.RunDuringAsync(async () =>
        {
            await flow.WaitForRowsAsync(10);
            flow.Produce(10, 20);
            await flow.WaitForRowsAsync(30);
        });

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Equal(1, flow.CountOf("retrying"));
    }

    [Fact]
    public async Task A_client_that_skips_every_time_commits_nothing_of_the_range()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        // One checkpoint of all ten: where another one falls between two polls, what is before the skipped record is rightly in the table.
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        flow.OnSource = source => source.SkippedByClient.Add((0, 5));
        flow.Produce(0, 10);

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Environment, refusal.ExitCode);
        Assert.Contains("passed records over", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(await flow.RowsAsync());
    }

    [Fact]
    public async Task Progress_in_position_alone_is_committed()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var before = await flow.HeadAsync();
        flow.Topic.AppendGap(0, 5);

        await flow.CatchUpAsync();

        Assert.NotEqual(before, await flow.HeadAsync());
        var entry = Assert.Single((await flow.LedgerAsync()).FindSource("src")!.Partitions);
        Assert.Equal((15, 9L), (entry.NextOffset, entry.Last!.Value.Offset));
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Trailing_control_records_are_passed_and_what_follows_is_read()
    {
        using var flow = new FlowHarness(partitionCount: 2);

        await flow.RunDuringAsync(async () =>
        {
            flow.Produce(0, 10);
            flow.Topic.AppendGap(0, 2);
            flow.Topic.AppendGap(1, 1);
            await flow.WaitForRowsAsync(10);
            flow.Produce(10, 10);
            flow.Topic.AppendGap(1, 1);
            await flow.WaitForRowsAsync(20);
        });
        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Equal([12L, 12L], (await flow.LedgerAsync()).FindSource("src")!.Partitions.Select(entry => entry.NextOffset));
    }

    [Fact]
    public async Task Records_that_the_query_filters_move_the_position()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        for (var i = 0; i < 5; i++) flow.Topic.Append(0, """{"id": -1}""");

        await flow.CatchUpAsync();

        Assert.Empty(await flow.RowsAsync());
        Assert.Equal(5, (await flow.LedgerAsync()).Totals.FilteredCount);
        Assert.Equal(5, Assert.Single((await flow.LedgerAsync()).FindSource("src")!.Partitions).NextOffset);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Under_fail_each_partition_ends_before_its_first_bad_record_and_a_restart_meets_it_again(int parallelism)
    {
        using var flow = new FlowHarness(partitionCount: 3);
        flow.Overrides.Add($"orchestration.parallelism={parallelism}");
        var expected = new List<(int, long)>();
        for (var partition = 0; partition < 3; partition++)
        {
            var firstBad = 4 + partition * 3;
            for (var offset = 0; offset < 20; offset++)
            {
                if (offset < firstBad) expected.Add((partition, offset));
                flow.Topic.Append(partition, offset == firstBad || offset == 17 ? "bad" : """{"id": 1}""");
            }
        }

        // Lanes that had not come to their bad record when the first one did go on at the next start.
        for (var start = 0; start < 5; start++)
        {
            var refusal = await flow.RefusalAsync();

            Assert.Equal(ExitCode.RecordRejected, refusal.ExitCode);
            Assert.Contains("of topic 'shop.orders' was rejected", refusal.Message, StringComparison.Ordinal);
            var rows = await flow.RowsAsync();
            Assert.Equal(rows.Distinct(), rows);
            Assert.Subset(expected.ToHashSet(), rows.ToHashSet());
            Assert.Contains(rows, row => refusal.Message.Contains($"partition {row.Partition} ", StringComparison.Ordinal));
        }

        // A lane ends at its first bad record, so that only lanes of one partition each come to all of them.
        if (parallelism == 3) await flow.AssertHoldsExactlyAsync(expected);
        flow.Overrides.Add("sources.src.on_error=skip");
        await flow.CatchUpAsync();
        Assert.Equal(54, (await flow.RowsAsync()).Count);
        Assert.Equal(6, (await flow.LedgerAsync()).Totals.SkippedCount);
    }

    [Fact]
    public async Task Under_fail_a_client_that_passes_over_what_lies_before_the_first_bad_record_is_caught()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add("orchestration.max_retries=3");
        flow.OnSource = source =>
        {
            source.MaySkipRecords = true;
            for (var offset = 0; offset < 3; offset++) source.SkippedByClient.Add((0, offset));
            source.SkippingAssignmentCount = 1;
        };
        flow.Produce(0, 3);
        flow.Topic.Append(0, "bad");

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.RecordRejected, refusal.ExitCode);
        Assert.Equal(1, flow.CountOf("retrying"));
        await flow.AssertHoldsExactlyAsync([(0, 0), (0, 1), (0, 2)]);
    }
}
