using System.Text;
using Matih.Kafka;

namespace Matih.Interop.Tests.Kafka;

/// <summary>A record copied out of a batch.</summary>
internal sealed record ReadRecord(int Partition, long Offset, string? Key, string? Value, long TimestampMillis);

internal static class QueueReading
{
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(60);

    /// <summary>Polls until the condition holds of all that was read and happened; fails after a minute.</summary>
    public static async Task<(List<ReadRecord> Records, List<SourceEvent> Events)> ReadUntilAsync(
        this IRecordQueue lane, Func<List<ReadRecord>, List<SourceEvent>, bool> isDone)
    {
        var (records, events) = (new List<ReadRecord>(), new List<SourceEvent>());
        using var batch = lane.CreateBatch();
        var start = TimeProvider.System.GetTimestamp();
        while (!isDone(records, events))
        {
            Assert.True(
                TimeProvider.System.GetElapsedTime(start) < WaitMax, $"Still waiting after {records.Count} records and the events [{string.Join(", ", events)}].");
            await lane.PollAsync(batch, 1000, TimeSpan.FromSeconds(1), events, CancellationToken.None);
            for (var row = 0; row < batch.Count; row++)
            {
                var record = batch.Records[row];
                records.Add(new ReadRecord(
                    record.Partition, record.Offset,
                    record.KeyLength < 0 ? null : Encoding.UTF8.GetString(batch.Key(row)),
                    record.ValueLength < 0 ? null : Encoding.UTF8.GetString(batch.Value(row)),
                    record.TimestampMillis));
            }
        }
        return (records, events);
    }

    /// <summary>Polls until the lane's only partition has been read up to a position.</summary>
    public static Task<(List<ReadRecord> Records, List<SourceEvent> Events)> ReadToAsync(this IRecordQueue lane, long nextOffset) =>
        lane.ReadUntilAsync((_, events) => events.OfType<SourceEvent.ReachedEnd>().Any(end => end.NextOffset >= nextOffset));

    /// <summary>Reads one partition from an offset up to a position, in an assignment of its own.</summary>
    public static async Task<(List<ReadRecord> Records, List<SourceEvent> Events)> ReadAsync(this LibrdkafkaSource source, int partition, long from, long to) =>
        await (await source.AssignAsync([new PartitionPosition(partition, from)], 1, 1, CancellationToken.None))[0].ReadToAsync(to);
}
