using System.Text.Json;

namespace Matih.Kafka;

/// <summary>A partition's numbers among <see cref="KafkaStatistics"/>.</summary>
/// <param name="Partition">Its id.</param>
/// <param name="LagRecords">Offsets from the last record handed over to the end (the last stable offset under read committed); null before both are known.</param>
/// <param name="QueuedRecords">Records fetched ahead in this partition's own queue; 0 where it is forwarded to another queue.</param>
/// <param name="ReceivedRecords">Records received since the start.</param>
/// <param name="ReceivedBytes">Bytes of them.</param>
internal sealed record KafkaPartitionStatistics(int Partition, long? LagRecords, long QueuedRecords, long ReceivedRecords, long ReceivedBytes);

/// <summary>What librdkafka counts about itself, every <c>statistics.interval.ms</c> (off by default).</summary>
/// <param name="ReceivedBytes">Bytes received from brokers.</param>
/// <param name="ReceivedRecords">Records received.</param>
/// <param name="Partitions">The partitions being read, by id.</param>
/// <remarks>librdkafka, STATISTICS.md.</remarks>
internal sealed record KafkaStatistics(long ReceivedBytes, long ReceivedRecords, IReadOnlyList<KafkaPartitionStatistics> Partitions)
{
    /// <summary>Reads the JSON that librdkafka emits. Members that are missing count as 0.</summary>
    public static KafkaStatistics Parse(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        long bytes = 0, records = 0;
        var partitions = new SortedDictionary<int, KafkaPartitionStatistics>();
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString();
            reader.Read();
            switch (name)
            {
                case "rx_bytes": bytes = reader.GetInt64(); break;
                case "rxmsgs": records = reader.GetInt64(); break;
                case "topics": ReadTopics(ref reader, partitions); break;
                default: reader.Skip(); break;
            }
        }
        return new KafkaStatistics(bytes, records, [.. partitions.Values]);
    }

    private static void ReadTopics(ref Utf8JsonReader reader, SortedDictionary<int, KafkaPartitionStatistics> partitions)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isPartitions = reader.ValueTextEquals("partitions");
                reader.Read();
                if (!isPartitions) reader.Skip();
                else ReadPartitions(ref reader, partitions);
            }
        }
    }

    private static void ReadPartitions(ref Utf8JsonReader reader, SortedDictionary<int, KafkaPartitionStatistics> partitions)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            reader.Read();
            long partition = -1, queued = 0, records = 0, bytes = 0, appOffset = -1, stable = -1, end = -1;
            var isRead = false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString();
                reader.Read();
                switch (name)
                {
                    case "partition": partition = reader.GetInt64(); break;
                    case "fetch_state": isRead = reader.ValueTextEquals("active"); break;
                    case "fetchq_cnt": queued = reader.GetInt64(); break;
                    case "rxmsgs": records = reader.GetInt64(); break;
                    case "rxbytes": bytes = reader.GetInt64(); break;
                    case "app_offset": appOffset = reader.GetInt64(); break;
                    case "ls_offset": stable = reader.GetInt64(); break;
                    case "hi_offset": end = reader.GetInt64(); break;
                    default: reader.Skip(); break;
                }
            }
            // Partition -1 stands for "not assigned yet". Without transactions in sight the stable offset is the end.
            if (partition < 0 || !isRead) continue;
            var last = stable >= 0 ? stable : end;
            long? lag = appOffset < 0 || last < 0 ? null : Math.Max(0, last - appOffset);
            partitions[(int)partition] = new KafkaPartitionStatistics((int)partition, lag, queued, records, bytes);
        }
    }
}
