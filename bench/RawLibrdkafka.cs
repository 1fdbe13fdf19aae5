using System.Runtime.InteropServices;
using System.Text;

namespace Matih.Bench;

/// <summary>
/// librdkafka by itself, as a C program would use its batch poll: assign all partitions from their start, take batches,
/// look at each message's length, destroy it. The floor of what reading a topic costs.
/// </summary>
public static unsafe class RawLibrdkafka
{
    private const int Consumer = 1;
    private const int EndOfPartition = -191;

    /// <param name="path">The library, as the engine loaded it.</param>
    /// <returns>Records and their bytes.</returns>
    public static (long Records, long Bytes) ReadAll(string path, string bootstrap, string topic, int partitions, string group)
    {
        var library = NativeLibrary.Load(path);
        nint Symbol(string name) => NativeLibrary.GetExport(library, name);
        var set = (delegate* unmanaged<nint, byte*, byte*, byte*, nuint, int>)Symbol("rd_kafka_conf_set");
        var configuration = ((delegate* unmanaged<nint>)Symbol("rd_kafka_conf_new"))();
        Span<(string Name, string Value)> properties =
        [
            // Checksums as in the engine; everything else is librdkafka's default.
            ("bootstrap.servers", bootstrap), ("group.id", group), ("check.crcs", "true"), ("enable.auto.commit", "false"),
            ("auto.offset.reset", "earliest"), ("enable.partition.eof", "true"),
        ];
        foreach (var (name, value) in properties)
            fixed (byte* nameBytes = Text(name), valueBytes = Text(value))
                if (set(configuration, nameBytes, valueBytes, null, 0) != 0) throw new InvalidOperationException($"librdkafka refuses {name}.");
        var client = ((delegate* unmanaged<int, nint, byte*, nuint, nint>)Symbol("rd_kafka_new"))(Consumer, configuration, null, 0);
        if (client == 0) throw new InvalidOperationException("rd_kafka_new failed.");
        ((delegate* unmanaged<nint, int>)Symbol("rd_kafka_poll_set_consumer"))(client);

        var list = ((delegate* unmanaged<int, nint>)Symbol("rd_kafka_topic_partition_list_new"))(partitions);
        fixed (byte* name = Text(topic))
            for (var i = 0; i < partitions; i++) ((delegate* unmanaged<nint, byte*, int, nint>)Symbol("rd_kafka_topic_partition_list_add"))(list, name, i);
        ((delegate* unmanaged<nint, nint, int>)Symbol("rd_kafka_assign"))(client, list);
        ((delegate* unmanaged<nint, void>)Symbol("rd_kafka_topic_partition_list_destroy"))(list);

        var queue = ((delegate* unmanaged<nint, nint>)Symbol("rd_kafka_queue_get_consumer"))(client);
        var found = Drain(
            (delegate* unmanaged<nint, int, Message**, nuint, nint>)Symbol("rd_kafka_consume_batch_queue"),
            (delegate* unmanaged<Message*, void>)Symbol("rd_kafka_message_destroy"), queue, partitions);

        ((delegate* unmanaged<nint, void>)Symbol("rd_kafka_queue_destroy"))(queue);
        ((delegate* unmanaged<nint, int>)Symbol("rd_kafka_consumer_close"))(client);
        ((delegate* unmanaged<nint, void>)Symbol("rd_kafka_destroy"))(client);
        return found;
    }

    private static (long Records, long Bytes) Drain(
        delegate* unmanaged<nint, int, Message**, nuint, nint> consume, delegate* unmanaged<Message*, void> destroy, nint queue, int partitions)
    {
        var messages = stackalloc Message*[ClickColumns.BatchRecords];
        long records = 0, bytes = 0;
        for (var open = partitions; open > 0;)
        {
            var count = consume(queue, 100, messages, ClickColumns.BatchRecords);
            for (var i = 0; i < count; i++)
            {
                var message = messages[i];
                if (message->Error == EndOfPartition) open--;
                else if (message->Error != 0) throw new InvalidOperationException($"librdkafka error {message->Error}.");
                else
                {
                    records++;
                    bytes += (long)message->Length;
                }
                destroy(message);
            }
        }
        return (records, bytes);
    }

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text + '\0');

    /// <summary>rd_kafka_message_t of librdkafka 2.x (rdkafka.h).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Message
    {
        public int Error;
        public nint Topic;
        public int Partition;
        public byte* Payload;
        public nuint Length;
        public byte* Key;
        public nuint KeyLength;
        public long Offset;
        public nint Private;
    }
}
