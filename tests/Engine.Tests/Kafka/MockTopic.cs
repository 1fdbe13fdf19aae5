using System.Text;
using Matih.Batches;
using Matih.Kafka;
using Matih.Kafka.Native;

namespace Matih.Engine.Tests.Kafka;

/// <summary>A mock cluster with one topic and a producer, for one test.</summary>
internal sealed class MockTopic : IDisposable
{
    public static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(30);
    private static readonly Lazy<Librdkafka> Loaded = new(() => Librdkafka.Load());

    public MockTopic(int partitionCount = 1, int brokerCount = 1)
    {
        Cluster = MockCluster.Start(Library, brokerCount);
        Cluster.CreateTopic(Name, partitionCount);
        Producer = RecordProducer.Open(Library, new Dictionary<string, string> { ["bootstrap.servers"] = Cluster.BootstrapServers }, TimeProvider.System);
    }

    public static Librdkafka Library => Loaded.Value;

    public string Name => "events";
    public MockCluster Cluster { get; }
    public RecordProducer Producer { get; }
    public List<KafkaLogLine> Log { get; } = [];

    public KafkaSettings Settings => new()
    {
        BootstrapServers = Cluster.BootstrapServers,
        GroupId = "dashboards",
        IsMockCluster = true,
    };

    public LibrdkafkaSource Open(KafkaSettings? settings = null) =>
        LibrdkafkaSource.Open(Library, settings ?? Settings, Name, TimeProvider.System, line => { lock (Log) Log.Add(line); });

    /// <summary>Produces texts to a partition, value i being the i-th, and waits for their delivery.</summary>
    public void Produce(int partition, params IEnumerable<string> values)
    {
        foreach (var value in values) Producer.Produce(Name, default, Encoding.UTF8.GetBytes(value), partition);
        Deliver();
    }

    public void Deliver()
    {
        Assert.True(Producer.Flush(WaitMax));
        Assert.Equal((0, null), (Producer.FailedCount, Producer.LastFailure));
    }

    public void Dispose()
    {
        Producer.Dispose();
        Cluster.Dispose();
    }
}

/// <summary>A record copied out of a batch.</summary>
internal sealed record ReadRecord(int Partition, long Offset, string? Key, string? Value, long TimestampMillis, TimestampKind TimestampKind, long Assignment);

internal static class QueueReading
{
    /// <summary>Polls until the condition holds of all that was read and happened; fails after half a minute.</summary>
    public static async Task<(List<ReadRecord> Records, List<SourceEvent> Events)> ReadUntilAsync(
        this IRecordQueue lane, Func<List<ReadRecord>, List<SourceEvent>, bool> isDone, int recordsMax = 1000)
    {
        var (records, events) = (new List<ReadRecord>(), new List<SourceEvent>());
        using var batch = lane.CreateBatch();
        var start = TimeProvider.System.GetTimestamp();
        while (!isDone(records, events))
        {
            Assert.True(
                TimeProvider.System.GetElapsedTime(start) < MockTopic.WaitMax,
                $"Still waiting after {records.Count} records and the events [{string.Join(", ", events)}].");
            await lane.PollAsync(batch, recordsMax, TimeSpan.FromSeconds(1), events, CancellationToken.None);
            Copy(batch, records);
        }
        return (records, events);
    }

    /// <summary>Polls until every partition of the lane has reached its end.</summary>
    public static Task<(List<ReadRecord> Records, List<SourceEvent> Events)> ReadToEndAsync(this IRecordQueue lane) =>
        lane.ReadUntilAsync((_, events) => lane.Partitions.All(partition => events.OfType<SourceEvent.ReachedEnd>().Any(end => end.Partition == partition)));

    private static void Copy(RawBatch batch, List<ReadRecord> records)
    {
        for (var row = 0; row < batch.Count; row++)
        {
            var record = batch.Records[row];
            records.Add(new ReadRecord(
                record.Partition, record.Offset,
                record.KeyLength < 0 ? null : Encoding.UTF8.GetString(batch.Key(row)),
                record.ValueLength < 0 ? null : Encoding.UTF8.GetString(batch.Value(row)),
                record.TimestampMillis, record.TimestampKind, batch.Assignment));
        }
    }
}
