using System.Text;
using Matih.Delivery.Lanes;
using Matih.Fixtures;
using Matih.Kafka;

namespace Matih.Interop.Tests.Kafka;

/// <summary>What a reader makes of a broker that dies or serves damaged data.</summary>
public sealed class LibrdkafkaFaultTests
{
    [Fact, LongTest]
    public async Task Both_versions_read_on_after_a_crash_and_stop_at_a_corrupt_batch()
    {
        // A broker of its own, and one for both versions, as each takes seconds and 400 MB.
        await using var broker = await KafkaBroker.StartAsync();
        var client = await broker.ClientAsync();
        await client.CreateTopicAsync("crash");
        await client.CreateTopicAsync("corrupt");
        await client.ProduceTextAsync("crash", ["a"]);
        foreach (var value in new[] { "first", "second", "third" }) await client.ProduceTextAsync("corrupt", [value]);
        var sources = new List<(LibrdkafkaSource Source, IRecordQueue Lane)>();
        foreach (var version in new[] { LibrdkafkaVersions.System, LibrdkafkaVersions.Newer })
        {
            var source = await OpenAsync(version, broker, "crash");
            var lane = (await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];
            await lane.ReadUntilAsync((read, _) => read.Count == 1);
            sources.Add((source, lane));
        }

        await broker.StopAsync();
        FlipByte(broker, "corrupt-0", "second");
        await broker.RestartAsync();
        await client.ProduceTextAsync("crash", ["b"]);

        foreach (var (source, lane) in sources)
        {
            var (records, events) = await lane.ReadUntilAsync((read, _) => read.Count == 1);
            Assert.Equal((1, "b"), (records[0].Offset, records[0].Value));
            Assert.DoesNotContain(events, item => item is not SourceEvent.ReachedEnd);
            await source.DisposeAsync();
        }
        foreach (var version in new[] { LibrdkafkaVersions.System, LibrdkafkaVersions.Newer })
        {
            await using var source = await OpenAsync(version, broker, "corrupt");
            var lane = (await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None))[0];
            var (before, events) = await lane.ReadUntilAsync((_, seen) => seen.Count != 0);
            using var batch = lane.CreateBatch();
            await lane.PollAsync(batch, 10, TimeSpan.FromSeconds(2), events, CancellationToken.None);

            Assert.Equal(["first"], before.Select(record => record.Value));
            var failed = Assert.IsType<SourceEvent.Failed>(Assert.Single(events));
            Assert.Equal(0, failed.Partition);
            Assert.StartsWith("Topic corrupt, partition 0, at offset 1: ", failed.Detail, StringComparison.Ordinal);
            Assert.Contains("CRC", failed.Detail, StringComparison.Ordinal);
            Assert.Equal(0, batch.Count);
        }
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

    private static async Task<LibrdkafkaSource> OpenAsync(string version, KafkaBroker broker, string topic) =>
        LibrdkafkaSource.Open(await LibrdkafkaVersions.LoadAsync(version), new KafkaSettings { BootstrapServers = broker.Bootstrap }, topic, TimeProvider.System);
}
