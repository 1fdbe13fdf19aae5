namespace Matih.Kafka.Native;

/// <summary>
/// Makes librdkafka before 2.2.0 fetch again as soon as a full queue has been read half empty. There, a broker's thread
/// that found the queue full looks again when something else wakes it, or after 1 s (rd_kafka_broker_consumer_serve, 2.0.2):
/// with small queues and a busy reader that cost five sixths of the throughput. Any request to the broker wakes it, so the
/// end offsets are asked for, and the answer is not waited for. Belongs to one queue; not thread-safe.
/// </summary>
internal sealed unsafe class FetchWaker : IDisposable
{
    /// <summary>Bounds the questions to the broker where the reader is faster than the fetches anyway.</summary>
    private static readonly TimeSpan IntervalMin = TimeSpan.FromMilliseconds(10);

    private readonly LibrdkafkaNative _native;
    private readonly ClientConnection _connection;
    private readonly TimeProvider _clock;
    private readonly long _countMax;
    private readonly long _bytesMax;
    private LibrdkafkaNative.PartitionArray* _partitions;
    private long _count, _bytes, _lastWake;

    /// <param name="countMax">Records in the queue at which fetching stops (<c>queued.min.messages</c>).</param>
    /// <param name="bytesMax">Bytes of them at which it stops (<c>queued.max.messages.kbytes</c>).</param>
    public FetchWaker(LibrdkafkaNative native, ClientConnection connection, TimeProvider clock, string topic, IReadOnlyList<int> partitions, long countMax, long bytesMax)
    {
        _native = native;
        _connection = connection;
        _clock = clock;
        _countMax = countMax;
        _bytesMax = bytesMax;
        _partitions = PartitionList.Of(native, topic, partitions, 0).Pointer;
    }

    /// <summary>Notes what was just taken from the queue.</summary>
    public void Note(long count, long bytes)
    {
        _count += count;
        _bytes += bytes;
    }

    /// <summary>
    /// Wakes the brokers' threads if they may have stopped: from a full queue to a half-empty one, at least half of either
    /// limit has been taken since the last time.
    /// </summary>
    public void WakeIfDrained(nint queue)
    {
        if (_count < _countMax / 2 && _bytes < _bytesMax / 2) return;
        var queued = (long)_native.QueueLength(queue);
        if (queued > _countMax / 2 || queued * (_bytes / Math.Max(1, _count)) > _bytesMax / 2) return;
        if (_lastWake != 0 && _clock.GetElapsedTime(_lastWake) < IntervalMin) return;
        (_count, _bytes, _lastWake) = (0, 0, _clock.GetTimestamp());
        for (var i = 0; i < _partitions->Count; i++) _partitions->Entries[i].Offset = -1;
        _native.OffsetsForTimes(_connection.Handle, _partitions, 0);
    }

    public void Dispose()
    {
        if (_partitions != null) _native.PartitionsDestroy(_partitions);
        _partitions = null;
    }
}
