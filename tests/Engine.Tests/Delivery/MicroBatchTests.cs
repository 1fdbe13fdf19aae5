using Matih.Delivery;

namespace Matih.Engine.Tests.Delivery;

/// <summary><c>matih run --once</c>: up to max_records, or until nothing came for idle_timeout, in one commit.</summary>
public sealed class MicroBatchTests
{
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// Limits, lanes, partitions and skew at random. Lanes that wait at the end of their partitions must keep nothing from
    /// those that still have records: every run takes as many records as there are, up to the limit.
    /// </summary>
    [Fact]
    public async Task Every_micro_batch_takes_as_many_records_as_there_are_up_to_its_limit()
    {
        for (var round = 0; round < 25; round++)
        {
            var seed = Random.Shared.Next();
            var setup = Setup.Random(new Random(seed));
            try
            {
                await setup.RequireAllAsync();
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}, {setup}", e);
            }
        }
    }

    /// <summary>The case of the defaults: two lanes have little and wait, while two others have more than the limit leaves a poll of each.</summary>
    [Fact]
    public async Task Lanes_that_wait_keep_nothing_from_lanes_that_have_records() =>
        await new Setup(LimitOfRecords: 10_000, LaneCount: 4, Counts: [5, 5, 6_000, 6_000]).RequireAllAsync();

    [Fact]
    public async Task A_micro_batch_whose_session_failed_still_commits_as_many_records_as_its_limit()
    {
        using var flow = new FlowHarness(partitionCount: 1) { Clock = new HurriedClock { Speed = 20 } };
        flow.Overrides.Add("orchestration.max_retries=5");
        flow.Produce(0, 30);
        await flow.CatchUpAsync();
        flow.Produce(30, 30);
        var failures = 0;
        flow.Store.IsDown = location => location.Contains("/metadata/snap-", StringComparison.Ordinal) && failures++ < 1;

        await flow.RunAsync(new RunMode.Once(20, TimeSpan.FromSeconds(2)));

        Assert.Equal(50, (await flow.RowsAsync()).Count);
        Assert.Equal(1, flow.CountOf("retrying"));
    }

    [Fact]
    public async Task A_micro_batch_whose_commit_stood_although_its_answer_was_lost_takes_no_more_than_its_limit()
    {
        using var flow = new FlowHarness(partitionCount: 1) { Clock = new HurriedClock { Speed = 20 } };
        flow.Overrides.Add("orchestration.max_retries=5");
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Produce(10, 50);
        // The commit lands, and the store is gone until the session has failed.
        var isGone = false;
        flow.Store.After(".metadata.json", () =>
        {
            isGone = true;
            throw new IOException("connection reset");
        });
        flow.Store.IsDown = _ => isGone && flow.CountOf("retrying") == 0;

        await flow.RunAsync(new RunMode.Once(20, TimeSpan.FromSeconds(2)));

        Assert.Equal(30, (await flow.RowsAsync()).Count);
        Assert.Equal(1, flow.CountOf("retrying"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(20)]
    public async Task Records_that_a_client_gives_again_do_not_count_against_the_limit(int limit)
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.OnSource = source => source.RewindsBy = 7;
        flow.Produce(0, 100);

        for (var run = 0; run < 3; run++) await flow.RunAsync(new RunMode.Once(limit, IdleTimeout));

        await flow.AssertHoldsExactlyAsync(Enumerable.Range(0, 3 * limit).Select(offset => (0, (long)offset)));
    }

    [Fact]
    public async Task The_idle_timeout_ends_a_micro_batch_although_one_partition_never_answers()
    {
        using var flow = new FlowHarness(partitionCount: 3);
        flow.OnSource = source => source.IsMute = partition => partition == 1;
        flow.Produce(0, 90);
        var run = flow.RunAsync(new RunMode.Once(10_000, IdleTimeout));
        await FlowHarness.WaitUntilAsync(() => flow.Progress is [{ ProducedCount: 60 }]);

        // The mute partition is waited for, for as long as the slowest of brokers needs for a first record; then it ends.
        flow.Clock.Elapsed += TimeSpan.FromSeconds(61) + IdleTimeout;
        await run;

        await flow.AssertHoldsExactlyAsync(flow.TopicRecords().Where(record => record.Partition != 1));
        var warning = Assert.Single(flow.Entries, entry => entry.Event == "partitions-unread");
        Assert.StartsWith("Flow orders/lake: this micro-batch ends although 1 partition of topic 'shop.orders' was not read to the end and gave nothing for over a minute: 1.", warning.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_micro_batch_that_has_read_everything_warns_of_no_partition()
    {
        using var flow = new FlowHarness(partitionCount: 3);
        flow.Produce(0, 90);

        await flow.RunAsync(new RunMode.Once(10_000, IdleTimeout));
        await flow.RunAsync(new RunMode.Once(10, IdleTimeout));

        Assert.DoesNotContain(flow.Entries, entry => entry.Event == "partitions-unread");
    }

    [Fact]
    public async Task A_micro_batch_over_a_bad_record_commits_what_is_before_it()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 7);
        flow.Topic.Append(0, "{not json");
        flow.Produce(8, 10);

        var failure = await Assert.ThrowsAsync<PipelineException>(() => flow.RunAsync(new RunMode.Once(10, IdleTimeout)));

        Assert.Equal(ExitCode.RecordRejected, failure.ExitCode);
        Assert.Equal(7, (await flow.RowsAsync()).Count);
    }

    private sealed record Setup(long LimitOfRecords, int LaneCount, int[] Counts)
    {
        public static Setup Random(Random random)
        {
            var counts = new int[random.Next(1, 9)];
            // Some partitions have much, some a little, some nothing.
            for (var i = 0; i < counts.Length; i++)
                counts[i] = random.Next(3) switch { 0 => 0, 1 => random.Next(1, 20), _ => random.Next(20, 1_500) };
            var limit = random.Next(4) switch { 0 => random.Next(1, 10), 1 => Math.Max(1, counts.Sum()), _ => random.Next(1, 2 * counts.Sum() + 2) };
            return new Setup(limit, random.Next(1, 9), counts);
        }

        /// <summary>Runs micro-batches until nothing is left, and holds each to what it had to take.</summary>
        public async Task RequireAllAsync()
        {
            using var flow = new FlowHarness(Counts.Length);
            flow.Overrides.Add($"orchestration.parallelism={LaneCount}");
            flow.OnSource = source => source.WaitsForRecords = true;
            for (var partition = 0; partition < Counts.Length; partition++)
                for (var i = 0; i < Counts[partition]; i++) flow.Topic.Append(partition, """{"id": 1, "note": "n"}""");

            var (all, expected) = ((long)Counts.Sum(), 0L);
            for (var run = 1; run <= 3; run++)
            {
                await flow.RunAsync(new RunMode.Once(LimitOfRecords, IdleTimeout));

                expected = Math.Min(all, expected + LimitOfRecords);
                var rows = await flow.RowsAsync();
                var stands = (await flow.LedgerAsync()).FindSource("src")!.Partitions.SelectMany(entry => Enumerable.Range(0, (int)entry.NextOffset).Select(offset => (entry.Partition, (long)offset)));
                Assert.Equal(expected, rows.Count);
                Assert.Equal(stands.Order(), rows);
            }
            await flow.AssertVerifiesAsync();
        }

        public override string ToString() => $"limit {LimitOfRecords}, {LaneCount} lanes, partitions of {string.Join(", ", Counts)} records";
    }
}
