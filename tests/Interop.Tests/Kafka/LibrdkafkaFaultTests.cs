using System.Text;
using Matih.Delivery.Lanes;
using Matih.Fixtures;
using Matih.Kafka;

namespace Matih.Interop.Tests.Kafka;

/// <summary>What a reader makes of a broker that dies or serves damaged data.</summary>
public sealed class LibrdkafkaFaultTests
{
    [Fact, LongTest]
    public async Task Reading_continues_after_a_crash_and_stops_at_a_corrupt_batch()
    {
        // A broker of its own, and one for both faults, as each takes seconds and 400 MB.
        await using var broker = await KafkaBroker.StartAsync();
        var client = await broker.ClientAsync();
        await client.CreateTopicAsync("crash");
        await client.CreateTopicAsync("corrupt");
        await client.ProduceTextAsync("crash", ["a"]);
        foreach (var value in new[] { "first", "second", "third" }) await client.ProduceTextAsync("corrupt", [value]);
        await using var source = Open(broker, "crash");
        var lane = (await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];
        await lane.ReadUntilAsync((read, _) => read.Count == 1);

        await broker.StopAsync();
        FlipByte(broker, "corrupt-0", "second");
        await broker.RestartAsync();
        await client.ProduceTextAsync("crash", ["b"]);

        var (records, ends) = await lane.ReadUntilAsync((read, _) => read.Count == 1);
        await using var damaged = Open(broker, "corrupt");
        var damagedLane = (await damaged.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];
        var (before, events) = await damagedLane.ReadUntilAsync((_, seen) => seen.Count != 0);
        using var batch = damagedLane.CreateBatch();
        await damagedLane.PollAsync(batch, 10, TimeSpan.FromSeconds(2), events, CancellationToken.None);

        Assert.Equal((1, "b"), (records[0].Offset, records[0].Value));
        Assert.DoesNotContain(ends, item => item is not SourceEvent.ReachedEnd);
        Assert.Equal(["first"], before.Select(record => record.Value));
        var failed = Assert.IsType<SourceEvent.Failed>(Assert.Single(events));
        Assert.Equal(0, failed.Partition);
        Assert.StartsWith("Topic corrupt, partition 0, at offset 1: ", failed.Detail, StringComparison.Ordinal);
        Assert.Contains("CRC", failed.Detail, StringComparison.Ordinal);
        Assert.Equal(0, batch.Count);
    }

    private static void FlipByte(KafkaBroker broker, string partitionFolder, string value)
    {
        var folder = Path.GetDirectoryName(broker.LogPath)!;
        var segment = Directory.EnumerateFiles(folder, "00000000000000000000.log", SearchOption.AllDirectories).Single(path => path.Contains($"/{partitionFolder}/", StringComparison.Ordinal));
        var bytes = File.ReadAllBytes(segment);
        var position = bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(value));
        Assert.True(position > 0);
        bytes[position] ^= 1;
        File.WriteAllBytes(segment, bytes);
    }

    private static LibrdkafkaSource Open(KafkaBroker broker, string topic) =>
        LibrdkafkaSource.Open(ClientLibrary.Loaded, new KafkaSettings { BootstrapServers = broker.Bootstrap }, topic, TimeProvider.System);
}
