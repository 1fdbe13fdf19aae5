using Matih.Batches;

namespace Matih.Kafka.Native;

/// <summary>
/// Records of one queue, in place where librdkafka received them: row i is native message i, destroyed by
/// <see cref="RawBatch.Release"/>.
/// </summary>
internal sealed unsafe class MessageBatch(LibrdkafkaNative native, RecordQueue queue) : RawBatch
{
    /// <summary>Pointers to messages: those of the rows, then room for more. Pinned, as librdkafka writes to it.</summary>
    private nint[] _slots = [];
    private LibrdkafkaNative.Message** _messages;
    private int _heldCount;

    public RecordQueue Queue { get; } = queue;

    /// <summary>Room for that many native messages beyond the first <see cref="RawBatch.Count"/>.</summary>
    public LibrdkafkaNative.Message** Room(int count)
    {
        if (_heldCount + count > _slots.Length)
        {
            var larger = GC.AllocateUninitializedArray<nint>(_heldCount + count, pinned: true);
            _slots.AsSpan(0, _heldCount).CopyTo(larger);
            _slots = larger;
            _messages = (LibrdkafkaNative.Message**)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(larger, 0);
        }
        return _messages + _heldCount;
    }

    public void Begin(long assignment) => Assignment = assignment;

    /// <summary>
    /// Makes rows of the records among the messages just written to <see cref="Room"/>. Everything else, and records at or
    /// below a position that the queue has already passed, is handed to the queue or dropped.
    /// </summary>
    public void Accept(int count, long[] nextOffsets, List<SourceEvent> events)
    {
        var room = _messages + _heldCount;
        var timestampOf = native.MessageTimestamp;
        for (var i = 0; i < count; i++)
        {
            var message = room[i];
            if (message->Error != NativeErrors.None)
            {
                Queue.TakeError(message, events);
                native.MessageDestroy(message);
                continue;
            }
            ref var next = ref nextOffsets[message->Partition];
            if (message->Offset < next)
            {
                native.MessageDestroy(message);
                continue;
            }
            next = message->Offset + 1;
            int kind;
            var timestamp = timestampOf(message, &kind);
            Add(new RawRecord
            {
                Value = message->Payload,
                Key = message->Key,
                ValueLength = message->Payload == null ? -1 : (int)message->PayloadLength,
                KeyLength = message->Key == null ? -1 : (int)message->KeyLength,
                Offset = message->Offset,
                TimestampMillis = timestamp,
                Partition = message->Partition,
                TimestampKind = (TimestampKind)kind,
            });
            _messages[_heldCount++] = message;
        }
    }

    public override bool TryGetHeader(int row, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value, out bool isNull)
    {
        value = default;
        isNull = false;
        nint headers;
        if ((uint)row >= (uint)_heldCount || native.MessageHeaders(_messages[row], &headers) != NativeErrors.None) return false;
        Span<byte> terminated = name.Length < 256 ? stackalloc byte[256] : new byte[name.Length + 1];
        name.CopyTo(terminated);
        terminated[name.Length] = 0;
        void* bytes;
        nuint length;
        fixed (byte* pointer = terminated)
            if (native.HeaderLast(headers, pointer, &bytes, &length) != NativeErrors.None) return false;
        isNull = bytes == null;
        value = isNull ? default : new ReadOnlySpan<byte>(bytes, (int)length);
        return true;
    }

    protected override void ReleaseMemory()
    {
        var destroy = native.MessageDestroy;
        for (var i = 0; i < _heldCount; i++) destroy(_messages[i]);
        _heldCount = 0;
    }
}
