using Google.Protobuf;
using Matih.Functions.TestHost.Protocol;

namespace Matih.Functions.TestHost;

/// <summary>Where a record's timestamp is from; the numbers are those of the Kafka extension.</summary>
public enum KafkaTimestampType
{
    NotAvailable = 0,
    CreateTime = 1,
    LogAppendTime = 2,
}

/// <summary>A record as a Kafka trigger would deliver it.</summary>
/// <param name="Key">Null is no key, which differs from an empty one.</param>
/// <param name="Value">Null is a tombstone.</param>
public sealed record KafkaTestRecord(string Topic, int Partition, long Offset, byte[]? Key, byte[]? Value, DateTimeOffset Timestamp)
{
    public KafkaTimestampType TimestampType { get; init; } = KafkaTimestampType.CreateTime;
    public IReadOnlyList<(string Key, byte[]? Value)> Headers { get; init; } = [];

    internal ByteString ToProtobuf()
    {
        var message = new KafkaRecordMessage
        {
            Topic = Topic,
            Partition = Partition,
            Offset = Offset,
            Timestamp = new() { UnixTimestampMs = Timestamp.ToUnixTimeMilliseconds(), Type = (int)TimestampType },
        };
        if (Key is not null) message.Key = ByteString.CopyFrom(Key);
        if (Value is not null) message.Value = ByteString.CopyFrom(Value);
        foreach (var (key, value) in Headers)
        {
            var header = new KafkaHeaderMessage { Key = key };
            if (value is not null) header.Value = ByteString.CopyFrom(value);
            message.Headers.Add(header);
        }
        return message.ToByteString();
    }
}

/// <summary>Batches of records as the Kafka extension sends them to functions that take whole records.</summary>
public static class KafkaBatch
{
    /// <summary>The trigger's data: the records in the given order, which may mix partitions.</summary>
    public static TypedData Of(params IEnumerable<KafkaTestRecord> records)
    {
        var batch = new CollectionModelBindingData();
        foreach (var record in records)
            batch.ModelBindingData.Add(new ModelBindingData { Version = "1.0", Source = "AzureKafkaRecord", ContentType = "application/x-protobuf", Content = record.ToProtobuf() });
        return new() { CollectionModelBindingData = batch };
    }
}
