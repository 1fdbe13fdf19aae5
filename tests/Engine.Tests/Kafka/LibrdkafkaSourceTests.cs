using System.Text;
using Matih.Batches;
using Matih.Kafka;

namespace Matih.Engine.Tests.Kafka;

public sealed class LibrdkafkaSourceTests
{
    [Fact]
    public async Task Reading_starts_at_the_offset_assigned_and_reaches_the_end()
    {
        using var topic = new MockTopic();
        topic.Produce(0, Enumerable.Range(0, 20).Select(i => $"v{i}"));
        await using var source = topic.Open();

        var lanes = await source.AssignAsync([new PartitionPosition(0, 5)], 4, 7, CancellationToken.None);
        var (records, events) = await Assert.Single(lanes).ReadToEndAsync();

        Assert.Equal(Enumerable.Range(5, 15).Select(i => ((long)i, (string?)$"v{i}", 7L)), records.Select(record => (record.Offset, record.Value, record.Assignment)));
        Assert.Equal([new SourceEvent.ReachedEnd(0, 20, 7)], events);
    }

    [Fact]
    public async Task Keys_values_times_and_headers_are_as_produced()
    {
        using var topic = new MockTopic();
        topic.Producer.Produce(topic.Name, "key"u8, "value"u8, 0, 1700000000123, new RecordHeader("h", "first"u8.ToArray()), new RecordHeader("h", "last"u8.ToArray()), new RecordHeader("n", null), new RecordHeader("e", []));
        topic.Producer.Produce(topic.Name, "key"u8, default, 0);
        topic.Producer.Produce(topic.Name, default, "value"u8, 0);
        topic.Producer.Produce(topic.Name, ""u8, ""u8, 0);
        topic.Deliver();
        await using var source = topic.Open();
        var lane = (await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];

        var (records, _) = await lane.ReadToEndAsync();
        await source.AssignAsync([new PartitionPosition(0, 0)], 1, 2, CancellationToken.None);

        Assert.Equal([("key", "value"), ("key", null), (null, "value"), ("", "")], records.Select(record => (record.Key, record.Value)));
        Assert.Equal((1700000000123, TimestampKind.CreateTime), (records[0].TimestampMillis, records[0].TimestampKind));
    }

    [Fact]
    public async Task The_last_header_of_a_name_counts()
    {
        using var topic = new MockTopic();
        topic.Producer.Produce(topic.Name, default, "v"u8, 0, null, new RecordHeader("h", "first"u8.ToArray()), new RecordHeader("h", "last"u8.ToArray()), new RecordHeader("null", null), new RecordHeader("empty", []));
        topic.Producer.Produce(topic.Name, default, "v"u8, 0);
        topic.Deliver();
        await using var source = topic.Open();
        var lane = (await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];
        using var batch = lane.CreateBatch();

        while (batch.Count < 2) await lane.PollAsync(batch, 2, MockTopic.WaitMax, [], CancellationToken.None);

        Assert.Equal("last", Header(batch, 0, "h"));
        Assert.Equal("(null)", Header(batch, 0, "null"));
        Assert.Equal("", Header(batch, 0, "empty"));
        Assert.Equal("(none)", Header(batch, 0, "H"));
        Assert.Equal("(none)", Header(batch, 0, new string('x', 1000)));
        Assert.Equal("(none)", Header(batch, 1, "h"));
    }

    [Fact]
    public async Task Partitions_are_dealt_to_lanes_and_each_lane_gets_only_its_own()
    {
        using var topic = new MockTopic(partitionCount: 5);
        for (var partition = 0; partition < 5; partition++) topic.Produce(partition, Enumerable.Range(0, 50).Select(i => $"{partition}-{i}"));
        await using var source = topic.Open();

        var lanes = await source.AssignAsync([.. Enumerable.Range(0, 5).Select(partition => new PartitionPosition(partition, partition))], 2, 1, CancellationToken.None);
        var read = await Task.WhenAll(lanes.Select(lane => Task.Run(lane.ReadToEndAsync)));

        Assert.Equal([[0, 2, 4], [1, 3]], lanes.Select(lane => lane.Partitions));
        for (var i = 0; i < 2; i++)
            foreach (var partition in lanes[i].Partitions)
                Assert.Equal(
                    Enumerable.Range(partition, 50 - partition).Select(offset => $"{partition}-{offset}"),
                    read[i].Records.Where(record => record.Partition == partition).Select(record => record.Value));
        Assert.Equal(250 - 10, read.Sum(lane => lane.Records.Count));
    }

    [Fact]
    public async Task Assigning_again_ends_the_old_lanes_and_starts_where_told()
    {
        using var topic = new MockTopic(partitionCount: 2);
        topic.Produce(0, Enumerable.Range(0, 300).Select(i => $"{i}"));
        topic.Produce(1, Enumerable.Range(0, 300).Select(i => $"{i}"));
        await using var source = topic.Open();
        using var random = new SeededRandom();

        for (var assignment = 1L; assignment <= 60; assignment++)
        {
            var (first, second) = (random.Next(300), random.Next(300));
            var lanes = await source.AssignAsync([new PartitionPosition(0, first), new PartitionPosition(1, second)], random.Next(1, 3), assignment, CancellationToken.None);
            // Some assignments end unread, some half-way, some at the end.
            if (random.Next(3) == 0) continue;
            var isPartly = random.Next(2) == 0;
            foreach (var lane in lanes)
            {
                var (records, events) = isPartly ? await lane.ReadUntilAsync((read, _) => read.Count > 0, 10) : await lane.ReadToEndAsync();
                Assert.All(records, record => Assert.Equal(assignment, record.Assignment));
                foreach (var partition in lane.Partitions)
                {
                    var offsets = records.Where(record => record.Partition == partition).Select(record => record.Offset).ToArray();
                    var from = partition == 0 ? first : second;
                    Assert.Equal(Enumerable.Range(from, isPartly ? offsets.Length : 300 - from).Select(offset => (long)offset), offsets);
                }
                Assert.DoesNotContain(events, item => item is not SourceEvent.ReachedEnd);
            }
        }
        random.Pass();
    }

    [Fact]
    public async Task Lanes_of_an_earlier_assignment_give_nothing_but_their_batches_stay_readable()
    {
        using var topic = new MockTopic();
        topic.Produce(0, "a", "b", "c");
        await using var source = topic.Open();
        var old = (await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];
        using var batch = old.CreateBatch();
        using var other = old.CreateBatch();
        while (batch.Count == 0) await old.PollAsync(batch, 1, MockTopic.WaitMax, [], CancellationToken.None);

        await source.AssignAsync([new PartitionPosition(0, 0)], 1, 2, CancellationToken.None);
        await old.PollAsync(other, 10, MockTopic.WaitMax, [], CancellationToken.None);

        Assert.Equal(0, other.Count);
        Assert.Equal("a", Encoding.UTF8.GetString(batch.Value(0)));
        Assert.Equal(1, batch.Assignment);
    }

    [Fact]
    public async Task A_source_that_is_disposed_releases_batches_that_are_still_held()
    {
        using var topic = new MockTopic();
        topic.Produce(0, "a");
        var source = topic.Open();
        var lane = (await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];
        using var batch = lane.CreateBatch();
        while (batch.Count == 0) await lane.PollAsync(batch, 1, MockTopic.WaitMax, [], CancellationToken.None);

        await source.DisposeAsync();

        Assert.Equal(0, batch.Count);
        await lane.PollAsync(batch, 1, TimeSpan.Zero, [], CancellationToken.None);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await source.AssignAsync([], 1, 2, CancellationToken.None));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await source.IdentifyAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Records_that_come_later_wake_a_waiting_poll()
    {
        using var topic = new MockTopic();
        await using var source = topic.Open();
        var lane = (await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];
        await lane.ReadToEndAsync();
        using var batch = lane.CreateBatch();

        var polling = Task.Run(async () => await lane.PollAsync(batch, 100, MockTopic.WaitMax, [], CancellationToken.None));
        topic.Produce(0, "late");
        await polling.WaitAsync(MockTopic.WaitMax);

        Assert.Equal("late", Encoding.UTF8.GetString(batch.Value(0)));
    }

    [Fact]
    public async Task A_waiting_poll_notices_cancellation()
    {
        using var topic = new MockTopic();
        await using var source = topic.Open();
        var lane = (await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];
        await lane.ReadToEndAsync();
        using var batch = lane.CreateBatch();
        using var cancellation = new CancellationTokenSource();

        var polling = Task.Run(async () => await lane.PollAsync(batch, 100, TimeSpan.FromHours(1), [], cancellation.Token));
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => polling.WaitAsync(MockTopic.WaitMax));
    }

    [Fact]
    public async Task An_offset_beyond_the_end_is_out_of_range_and_nothing_follows()
    {
        using var topic = new MockTopic(partitionCount: 2);
        topic.Produce(0, "a", "b");
        topic.Produce(1, "c");
        await using var source = topic.Open();
        var lane = (await source.AssignAsync([new PartitionPosition(0, 99), new PartitionPosition(1, 0)], 1, 1, CancellationToken.None))[0];

        var (records, events) = await lane.ReadUntilAsync((_, seen) => seen.OfType<SourceEvent.OffsetOutOfRange>().Any() && seen.OfType<SourceEvent.ReachedEnd>().Any());

        var lost = Assert.Single(events.OfType<SourceEvent.OffsetOutOfRange>());
        Assert.Equal(0, lost.Partition);
        Assert.StartsWith("Topic events, partition 0: the broker does not hold offset 99 any more or not yet (", lost.Detail, StringComparison.Ordinal);
        Assert.Equal([(1, "c")], records.Select(record => (record.Partition, record.Value)));
    }

    [Fact]
    public async Task A_refused_topic_is_a_failure_of_its_partition()
    {
        const int fetch = 1, topicAuthorizationFailed = 29;
        using var topic = new MockTopic();
        topic.Produce(0, "a");
        topic.Cluster.FailNext(fetch, topicAuthorizationFailed);
        await using var source = topic.Open();
        var lane = (await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];

        var (_, events) = await lane.ReadUntilAsync((_, seen) => seen.Count != 0);

        var failed = Assert.IsType<SourceEvent.Failed>(events[0]);
        Assert.Equal(0, failed.Partition);
        Assert.Contains("uthorization failed", failed.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_partition_without_leader_for_a_while_is_no_failure()
    {
        const int fetch = 1, notLeader = 6, notAvailable = 5;
        using var topic = new MockTopic();
        topic.Produce(0, "a");
        topic.Cluster.FailNext(fetch, notLeader, notAvailable, notLeader);
        await using var source = topic.Open();
        var lane = (await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];

        var (records, events) = await lane.ReadToEndAsync();

        Assert.Equal(["a"], records.Select(record => record.Value));
        Assert.Equal([new SourceEvent.ReachedEnd(0, 1, 1)], events);
    }

    [Fact]
    public async Task A_broker_that_is_away_for_a_while_is_only_logged()
    {
        using var topic = new MockTopic();
        topic.Produce(0, "a");
        await using var source = topic.Open();
        var lane = (await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];
        await lane.ReadToEndAsync();

        topic.Cluster.SetReachable(1, false);
        var (_, whileAway) = await lane.ReadUntilAsync((_, _) => { lock (topic.Log) return topic.Log.Exists(line => line.Facility == "ERROR"); });
        topic.Cluster.SetReachable(1, true);
        topic.Produce(0, "b");
        var (records, _) = await lane.ReadUntilAsync((read, _) => read.Count != 0);

        Assert.Empty(whileAway);
        Assert.Equal(("b", 1), (records[0].Value, records[0].Offset));
    }

    [Fact]
    public async Task A_queue_that_was_full_is_filled_again_without_delay()
    {
        // 60 times full: looked at again after 1 s, the queue would take a minute, twice as long as the wait for the end.
        const int count = 60_000, queued = 1000;
        using var topic = new MockTopic();
        using var producer = RecordProducer.Open(
            MockTopic.Library, new Dictionary<string, string> { ["bootstrap.servers"] = topic.Cluster.BootstrapServers, ["batch.num.messages"] = "500" }, TimeProvider.System);
        for (var i = 0; i < count; i++) producer.Produce(topic.Name, default, "v"u8, 0);
        Assert.True(producer.Flush(MockTopic.WaitMax));
        await using var source = topic.Open(topic.Settings with { Properties = new Dictionary<string, string> { ["queued.min.messages"] = $"{queued}" } });
        var lane = (await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];

        var (records, _) = await lane.ReadUntilAsync((read, _) => read.Count == count, recordsMax: 250);

        Assert.Equal(Enumerable.Range(0, count).Select(i => (long)i), records.Select(record => record.Offset));
    }

    [Fact]
    public async Task Statistics_come_when_asked_for()
    {
        using var topic = new MockTopic();
        topic.Produce(0, "a", "b", "c");
        await using var source = topic.Open(topic.Settings with { Properties = new Dictionary<string, string> { ["statistics.interval.ms"] = "50" } });
        var lane = (await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];

        await lane.ReadUntilAsync((_, _) => source.LatestStatistics is { Partitions: [{ LagRecords: 0, ReceivedRecords: 3 }] });

        Assert.True(source.LatestStatistics!.ReceivedBytes > 0);
    }

    [Fact]
    public async Task Bad_assignments_are_refused()
    {
        using var topic = new MockTopic();
        await using var source = topic.Open();

        await Assert.ThrowsAsync<ArgumentException>(async () => await source.AssignAsync([new PartitionPosition(0, -1)], 1, 1, CancellationToken.None));
        await Assert.ThrowsAsync<ArgumentException>(async () => await source.AssignAsync([new PartitionPosition(0, 1), new PartitionPosition(0, 2)], 1, 1, CancellationToken.None));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await source.AssignAsync([], 0, 1, CancellationToken.None));
        Assert.Empty(await source.AssignAsync([], 1, 1, CancellationToken.None));
    }

    private static string Header(RawBatch batch, int row, string name) =>
        !batch.TryGetHeader(row, Encoding.UTF8.GetBytes(name), out var value, out var isNull) ? "(none)" : isNull ? "(null)" : Encoding.UTF8.GetString(value);

    /// <summary>Randomness that prints its seed unless the test passed.</summary>
    private sealed class SeededRandom : IDisposable
    {
        private readonly int _seed = Environment.TickCount;
        private readonly Random _random;
        private bool _hasPassed;

        public SeededRandom() => _random = new Random(_seed);

        public int Next(int below) => _random.Next(below);

        public int Next(int from, int below) => _random.Next(from, below);

        public void Pass() => _hasPassed = true;

        public void Dispose()
        {
            if (!_hasPassed) TestContext.Current.TestOutputHelper?.WriteLine($"Seed {_seed}");
        }
    }
}
