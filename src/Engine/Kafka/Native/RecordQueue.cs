using System.Text;
using Matih.Batches;

namespace Matih.Kafka.Native;

/// <summary>
/// One queue of an assignment. Polling blocks the caller's thread in slices of at most 100 ms, between which it notices
/// cancellation and the end of the assignment.
/// </summary>
/// <remarks>
/// Each partition's next offset is kept, and records below it are dropped: within an assignment positions only move
/// forward. After an error that reading cannot get past, nothing more of that partition is handed over: librdkafka itself
/// continues behind a corrupt record batch, which would lose its records silently.
/// </remarks>
internal sealed unsafe class RecordQueue : IRecordQueue
{
    private const int SliceMillisMax = 100;

    /// <summary>Above every offset: the partition has failed.</summary>
    private const long Failed = long.MaxValue;

    private readonly LibrdkafkaNative _native;
    private readonly ClientConnection _connection;
    private readonly TimeProvider _clock;
    private readonly string _topic;
    private readonly long _assignment;
    private readonly int[] _partitions;
    private readonly long[] _nextOffsets;
    private readonly nint[] _partitionQueues;
    private readonly List<MessageBatch> _batches = [];
    private readonly Lock _gate = new();
    private nint _queue;
    private long _faultsSeen;

    public RecordQueue(LibrdkafkaNative native, ClientConnection connection, TimeProvider clock, string topic, IReadOnlyList<PartitionPosition> positions, long assignment)
    {
        _native = native;
        _connection = connection;
        _clock = clock;
        _topic = topic;
        _assignment = assignment;
        _faultsSeen = connection.FaultSequence;
        _partitions = [.. positions.Select(position => position.Partition)];
        _nextOffsets = new long[_partitions.Max() + 1];
        foreach (var position in positions) _nextOffsets[position.Partition] = position.NextOffset;

        // Forwarded before the partition is assigned: librdkafka then leaves the forwarding alone when it starts to fetch,
        // so that no record reaches any other queue (RD_KAFKA_Q_F_FWD_APP in rdkafka_queue.h, 2.6.1 to 2.16).
        _queue = native.QueueNew(connection.Handle);
        using var name = new NativeText(topic);
        _partitionQueues = new nint[_partitions.Length];
        for (var i = 0; i < _partitions.Length; i++)
        {
            _partitionQueues[i] = native.QueueOfPartition(connection.Handle, name.Pointer, _partitions[i]);
            native.QueueForward(_partitionQueues[i], _queue);
        }
    }

    public IReadOnlyList<int> Partitions => _partitions;

    /// <summary>Whether a batch of this queue still holds native memory.</summary>
    public bool HoldsMemory => _batches.Exists(batch => batch.Count != 0);

    public RawBatch CreateBatch()
    {
        var batch = new MessageBatch(_native, this);
        lock (_gate) _batches.Add(batch);
        return batch;
    }

    public ValueTask PollAsync(RawBatch batch, int recordsMax, TimeSpan wait, List<SourceEvent> events, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(recordsMax);
        if (batch is not MessageBatch target || target.Queue != this)
            throw new ArgumentException("The batch was created by another queue.", nameof(batch));
        target.Release();
        target.Begin(_assignment);
        var (eventsBefore, start, sliceMillis) = (events.Count, 0L, 0);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _connection.Drain();
            TakeFault(events);
            lock (_gate)
            {
                if (_queue == 0) return ValueTask.CompletedTask;
                Fill(target, recordsMax, sliceMillis, events);
            }
            if (target.Count != 0 || events.Count != eventsBefore) return ValueTask.CompletedTask;
            if (start == 0) start = _clock.GetTimestamp();
            var left = wait - _clock.GetElapsedTime(start);
            if (left <= TimeSpan.Zero) return ValueTask.CompletedTask;
            sliceMillis = (int)Math.Min(SliceMillisMax, Math.Ceiling(left.TotalMilliseconds));
        }
    }

    /// <summary>
    /// Takes what is queued. Given a time to wait, rd_kafka_consume_batch_queue waits until the batch is full, so only the
    /// first record is waited for, and what came with it is taken without waiting.
    /// </summary>
    private void Fill(MessageBatch target, int recordsMax, int waitMillis, List<SourceEvent> events)
    {
        var count = Take(target, recordsMax, 0, events);
        if (count != 0 || waitMillis == 0) return;
        count = Take(target, 1, waitMillis, events);
        if (count != 0 && recordsMax > 1) Take(target, recordsMax - 1, 0, events);
    }

    private int Take(MessageBatch target, int recordsMax, int waitMillis, List<SourceEvent> events)
    {
        var count = (int)_native.ConsumeBatch(_queue, waitMillis, target.Room(recordsMax), (nuint)recordsMax);
        if (count > 0) target.Accept(count, _nextOffsets, events);
        return count;
    }

    /// <summary>What a message that is no record says.</summary>
    public void TakeError(LibrdkafkaNative.Message* message, List<SourceEvent> events)
    {
        var (code, partition) = (message->Error, message->Partition);
        if (partition < 0 || partition >= _nextOffsets.Length || _nextOffsets[partition] == Failed) return;
        var detail = _connection.Redact(message->Payload == null ? _connection.Describe(code) : Encoding.UTF8.GetString(message->Payload, (int)message->PayloadLength));
        switch (code)
        {
            case NativeErrors.PartitionEnd:
                if (message->Offset < _nextOffsets[partition]) return;
                _nextOffsets[partition] = message->Offset;
                events.Add(new SourceEvent.ReachedEnd(partition, message->Offset, _assignment));
                return;
            case NativeErrors.AutoOffsetReset or NativeErrors.OffsetOutOfRange or NativeErrors.LogTruncation or NativeErrors.NoOffset:
                events.Add(new SourceEvent.OffsetOutOfRange(
                    partition, $"Topic {_topic}, partition {partition}: the broker does not hold offset {_nextOffsets[partition]} any more or not yet ({detail})."));
                _nextOffsets[partition] = Failed;
                return;
            case var _ when NativeErrors.IsTransient(code):
                return;
            default:
                events.Add(new SourceEvent.Failed(partition, $"Topic {_topic}, partition {partition}, at offset {_nextOffsets[partition]}: {_connection.Describe(code)} ({detail})."));
                _nextOffsets[partition] = Failed;
                return;
        }
    }

    private void TakeFault(List<SourceEvent> events)
    {
        var sequence = _connection.FaultSequence;
        if (sequence == _faultsSeen) return;
        _faultsSeen = sequence;
        events.Add(new SourceEvent.Failed(null, $"Topic {_topic}: {_connection.Fault}"));
    }

    /// <summary>No further poll gives anything. Waits for one that is under way.</summary>
    public void Close()
    {
        lock (_gate)
        {
            if (_queue == 0) return;
            foreach (var queue in _partitionQueues) _native.QueueDestroy(queue);
            _native.QueueDestroy(_queue);
            Array.Clear(_partitionQueues);
            _queue = 0;
        }
    }

    /// <summary>Gives back the memory of all batches, which must happen before the connection ends.</summary>
    public void ReleaseBatches()
    {
        lock (_gate)
            foreach (var batch in _batches) batch.Release();
    }
}
