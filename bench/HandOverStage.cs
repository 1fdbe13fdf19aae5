using Matih.Fixtures;
using Matih.Kafka;
using Matih.Kafka.Native;

namespace Matih.Bench;

/// <summary>Reading a topic alone: batches of the record source against librdkafka's own batch poll. The broker's CPU is not counted.</summary>
public sealed class HandOverStage(string input, WorkloadFacts facts, int partitions)
{
    private const string Topic = "w1";
    private int _run;

    public async Task RunAsync(int rounds)
    {
        await using var broker = await KafkaBroker.StartAsync();
        var client = await broker.ClientAsync();
        await client.CreateTopicAsync(Topic, partitions);
        await client.ProduceFileAsync(Topic, input, partitions);
        var library = Librdkafka.Load(Environment.GetEnvironmentVariable("MATIH_LIBRDKAFKA"));
        Console.WriteLine($"librdkafka {library.Version}");
        await new Comparison(
            $"Kafka hand-over, {partitions} partitions, against librdkafka batch poll",
            new Contender("matih", () => MeasureAsync(() => ReadAsync(library, broker.Bootstrap))),
            new Contender("librdkafka", () => MeasureAsync(() => Task.FromResult(
                RawLibrdkafka.ReadAll(library.Path, broker.Bootstrap, Topic, partitions, $"bench-{++_run}")))),
            facts.Records).RunAsync(rounds);
    }

    private async Task<double> MeasureAsync(Func<Task<(long Records, long Bytes)>> read)
    {
        var found = (Records: 0L, Bytes: 0L);
        var seconds = await CpuTime.OfWorkAsync(async () => found = await read());
        // The file's bytes count a line feed more for every record.
        if (found != (facts.Records, facts.Bytes - facts.Records))
            throw new InvalidOperationException($"{found.Records} records of {found.Bytes} bytes; expected {facts}.");
        return seconds;
    }

    private async Task<(long Records, long Bytes)> ReadAsync(Librdkafka library, string bootstrap)
    {
        var settings = new KafkaSettings { BootstrapServers = bootstrap };
        await using var source = LibrdkafkaSource.Open(library, settings, Topic, TimeProvider.System);
        var positions = Enumerable.Range(0, partitions).Select(partition => new PartitionPosition(partition, 0)).ToArray();
        var lane = (await source.AssignAsync(positions, 1, 1, CancellationToken.None))[0];
        using var batch = lane.CreateBatch();
        var events = new List<SourceEvent>();
        var ended = new HashSet<int>();
        long records = 0, bytes = 0;
        while (ended.Count < partitions)
        {
            events.Clear();
            await lane.PollAsync(batch, ClickColumns.BatchRecords, TimeSpan.FromMilliseconds(100), events, CancellationToken.None);
            records += batch.Count;
            bytes += batch.PayloadBytes;
            foreach (var happened in events)
            {
                if (happened is not SourceEvent.ReachedEnd end) throw new InvalidOperationException($"The source says {happened}.");
                ended.Add(end.Partition);
            }
        }
        return (records, bytes);
    }
}
