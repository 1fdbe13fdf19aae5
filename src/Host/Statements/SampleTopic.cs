using System.Text;
using Matih.Batches;
using Matih.Definition;

namespace Matih.Host.Statements;

/// <summary>Gives sample records the places and times that a topic would: offsets count up in each partition.</summary>
/// <param name="now">The timestamp of records that have none.</param>
internal sealed class SampleTopic(DateTimeOffset now)
{
    private readonly Dictionary<int, long> _nextOffsets = [];

    /// <summary>Puts records into a batch in place of those that it holds.</summary>
    public void Fill(ManagedRawBatch batch, IReadOnlyList<TestRecord> records)
    {
        batch.Release();
        foreach (var record in records)
        {
            var partition = record.Partition ?? 0;
            var offset = record.Offset ?? _nextOffsets.GetValueOrDefault(partition);
            _nextOffsets[partition] = offset + 1;
            var headers = record.Headers.Select(header => KeyValuePair.Create<string, byte[]?>(header.Key, Encoding.UTF8.GetBytes(header.Value)));
            batch.Add(record.Value?.ToArray(), record.Key is { } key ? Encoding.UTF8.GetBytes(key) : null, offset, partition,
                (record.Timestamp ?? now).ToUnixTimeMilliseconds(), TimestampKind.CreateTime, record.Headers.IsEmpty ? null : [.. headers]);
        }
    }
}
