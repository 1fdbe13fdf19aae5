using System.Text;
using Matih.Engine.Simulation.World;

namespace Matih.Engine.Simulation.Functions;

/// <summary>Writes a record as the Kafka extension hands it to a worker (KafkaRecordProto).</summary>
internal static class TriggerWire
{
    private const int CreateTime = 1;

    public static ReadOnlyMemory<byte> Write(string topic, int partition, LogRecord record)
    {
        var message = new List<byte>();
        WriteBytes(message, 1, Encoding.UTF8.GetBytes(topic));
        WriteNumber(message, 2, partition);
        WriteNumber(message, 3, record.Offset);
        WriteBytes(message, 5, record.Value!);
        var timestamp = new List<byte>();
        WriteNumber(timestamp, 1, record.TimestampMillis);
        WriteNumber(timestamp, 2, CreateTime);
        WriteBytes(message, 6, [.. timestamp]);
        return message.ToArray();
    }

    private static void WriteNumber(List<byte> message, int field, long value)
    {
        message.Add((byte)(field << 3));
        WriteVarint(message, (ulong)value);
    }

    private static void WriteBytes(List<byte> message, int field, byte[] value)
    {
        message.Add((byte)(field << 3 | 2));
        WriteVarint(message, (ulong)value.Length);
        message.AddRange(value);
    }

    private static void WriteVarint(List<byte> message, ulong value)
    {
        for (; value >= 0x80; value >>= 7) message.Add((byte)(value | 0x80));
        message.Add((byte)value);
    }
}
