using System.Runtime.InteropServices;
using System.Text;
using Matih.Batches;

namespace Matih.Hosting.Serverless;

/// <summary>
/// The records of one partition as a Kafka trigger hands them over: protobuf messages of the Kafka extension (KafkaRecordProto:
/// 1 topic, 2 partition, 3 offset, 4 key, 5 value, 6 timestamp {1 milliseconds, 2 kind}, 7 headers {1 name, 2 value}). Keys and
/// values are copied into pinned memory; headers are read where they stand. Made by <see cref="Split"/>.
/// </summary>
public sealed unsafe class TriggeredRecords : RawBatch
{
    private readonly ReadOnlyMemory<byte>[] _messages;
    private readonly byte[] _memory;

    private TriggeredRecords(int partition, ReadOnlySpan<Parsed> records, ReadOnlySpan<ReadOnlyMemory<byte>> messages)
    {
        Partition = partition;
        _messages = new ReadOnlyMemory<byte>[records.Length];
        long length = 0;
        foreach (ref readonly var record in records) length += Math.Max(0, record.KeyLength) + Math.Max(0, record.ValueLength);
        _memory = GC.AllocateUninitializedArray<byte>(checked((int)Math.Max(1, length)), pinned: true);
        var at = 0;
        foreach (ref readonly var record in records)
        {
            _messages[Count] = messages[record.Index];
            var bytes = messages[record.Index].Span;
            Add(new RawRecord
            {
                Key = Copy(bytes, record.KeyAt, record.KeyLength, ref at),
                KeyLength = record.KeyLength,
                Value = Copy(bytes, record.ValueAt, record.ValueLength, ref at),
                ValueLength = record.ValueLength,
                Offset = record.Offset,
                Partition = partition,
                TimestampMillis = record.Kind == TimestampKind.None ? -1 : record.TimestampMillis,
                TimestampKind = record.Kind,
            });
        }
    }

    public int Partition { get; }

    /// <summary>
    /// Reads the messages of one invocation. A trigger mixes partitions, and after a rebalance it may repeat records: each
    /// partition comes as a batch of its own, in the order of its offsets, every offset once.
    /// </summary>
    /// <exception cref="FormatException">A message is not one of the extension's, or is of another topic.</exception>
    public static IReadOnlyList<TriggeredRecords> Split(ReadOnlyMemory<byte>[] messages, string topic)
    {
        var topicBytes = Encoding.UTF8.GetBytes(topic);
        var parsed = new Parsed[messages.Length];
        for (var i = 0; i < parsed.Length; i++) parsed[i] = Parse(messages[i].Span, i, topicBytes, topic);
        parsed.AsSpan().Sort(static (a, b) => a.Partition != b.Partition ? a.Partition.CompareTo(b.Partition) : a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset) : a.Index.CompareTo(b.Index));

        var batches = new List<TriggeredRecords>();
        var kept = 0;
        for (var i = 0; i < parsed.Length; i++)
        {
            if (kept > 0 && parsed[kept - 1].Partition != parsed[i].Partition) End();
            if (kept > 0 && parsed[kept - 1].Offset == parsed[i].Offset) continue;
            parsed[kept++] = parsed[i];
        }
        if (kept > 0) End();
        return batches;

        // What is kept gathers at the front, over what was read already.
        void End()
        {
            batches.Add(new TriggeredRecords(parsed[0].Partition, parsed.AsSpan(0, kept), messages));
            kept = 0;
        }
    }

    public override bool TryGetHeader(int row, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value, out bool isNull)
    {
        value = default;
        isNull = true;
        var isFound = false;
        var reader = new ProtobufReader(_messages[row].Span);
        while (reader.TryReadField(out var field))
        {
            if (field != 7)
            {
                reader.Skip();
                continue;
            }
            var header = new ProtobufReader(reader.ReadBytes());
            ReadOnlySpan<byte> headerName = default, headerValue = default;
            var hasValue = false;
            while (header.TryReadField(out var part))
            {
                if (part == 1) headerName = header.ReadBytes();
                else if (part == 2)
                {
                    headerValue = header.ReadBytes();
                    hasValue = true;
                }
                else header.Skip();
            }
            // The last one of a name counts.
            if (!headerName.SequenceEqual(name)) continue;
            value = headerValue;
            isNull = !hasValue;
            isFound = true;
        }
        return isFound;
    }

    protected override void ReleaseMemory()
    {
    }

    private byte* Copy(ReadOnlySpan<byte> message, int from, int length, ref int at)
    {
        if (length < 0) return null;
        message.Slice(from, length).CopyTo(_memory.AsSpan(at));
        var address = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_memory, at);
        at += length;
        return address;
    }

    private static Parsed Parse(ReadOnlySpan<byte> message, int index, ReadOnlySpan<byte> topicBytes, string topic)
    {
        var record = new Parsed { Index = index, KeyLength = -1, ValueLength = -1 };
        var isOfTopic = false;
        var reader = new ProtobufReader(message);
        while (reader.TryReadField(out var field))
        {
            switch (field)
            {
                case 1:
                    var found = reader.ReadBytes();
                    isOfTopic = found.SequenceEqual(topicBytes);
                    if (!isOfTopic) throw new FormatException($"The trigger of topic '{topic}' was handed a record of topic '{Encoding.UTF8.GetString(found)}'.");
                    break;
                case 2: record.Partition = (int)reader.ReadVarint(); break;
                case 3: record.Offset = (long)reader.ReadVarint(); break;
                case 4: (record.KeyAt, record.KeyLength) = reader.ReadRange(); break;
                case 5: (record.ValueAt, record.ValueLength) = reader.ReadRange(); break;
                case 6: ReadTimestamp(reader.ReadBytes(), ref record); break;
                default: reader.Skip(); break;
            }
        }
        return isOfTopic ? record : throw new FormatException($"The trigger of topic '{topic}' was handed a message that names no topic: it is not a record of the Kafka extension.");
    }

    private static void ReadTimestamp(ReadOnlySpan<byte> bytes, ref Parsed record)
    {
        var reader = new ProtobufReader(bytes);
        while (reader.TryReadField(out var field))
        {
            if (field == 1) record.TimestampMillis = (long)reader.ReadVarint();
            else if (field == 2) record.Kind = reader.ReadVarint() switch { 1 => TimestampKind.CreateTime, 2 => TimestampKind.LogAppendTime, _ => TimestampKind.None };
            else reader.Skip();
        }
    }

    /// <summary>Where a message's parts lie. Lengths are -1 where a part is not there.</summary>
    private struct Parsed
    {
        public int Index, Partition, KeyAt, KeyLength, ValueAt, ValueLength;
        public long Offset, TimestampMillis;
        public TimestampKind Kind;
    }
}
