using System.Runtime.InteropServices;
using Matih.Kafka.Native;

namespace Matih.Kafka;

/// <summary>A header of a record to produce. Null is Kafka's null.</summary>
public readonly record struct RecordHeader(string Name, byte[]? Value);

/// <summary>
/// Produces records, for demonstrations and tests. Records are copied and sent together in the background; delivery is
/// known after <see cref="Flush"/>. Not thread-safe.
/// </summary>
public sealed unsafe class RecordProducer : IDisposable
{
    private const int CopyFlag = 0x2;
    private const int ReportsMax = 1024;

    private readonly LibrdkafkaNative _native;
    private readonly ClientConnection _connection;
    private readonly TimeProvider _clock;
    private readonly Dictionary<string, nint> _topics = [];
    private readonly LibrdkafkaNative.Message*[] _reports = new LibrdkafkaNative.Message*[ReportsMax];
    private long _sinceDrain;

    private RecordProducer(Librdkafka library, IReadOnlyDictionary<string, string> properties, TimeProvider clock, KafkaLog? log)
    {
        _native = library.Native;
        _clock = clock;
        var all = new Dictionary<string, string>(properties) { ["log.queue"] = "true" };
        _connection = new ClientConnection(
            library, LibrdkafkaNative.ProducerType, all,
            LibrdkafkaNative.EventLog | LibrdkafkaNative.EventError | LibrdkafkaNative.EventDelivery,
            refreshesTokens: false, log) { OnDelivery = TakeReports };
    }

    /// <summary>Records that the broker has acknowledged.</summary>
    public long DeliveredCount { get; private set; }

    /// <summary>Records that were given up.</summary>
    public long FailedCount { get; private set; }

    /// <summary>Why the last of those was; null if none was.</summary>
    public string? LastFailure { get; private set; }

    /// <param name="properties">librdkafka's, at least <c>bootstrap.servers</c>; with <c>transactional.id</c> the producer is transactional.</param>
    /// <exception cref="SourceException">librdkafka refuses the properties.</exception>
    public static RecordProducer Open(Librdkafka library, IReadOnlyDictionary<string, string> properties, TimeProvider clock, KafkaLog? log = null) =>
        new(library, properties, clock, log);

    /// <summary>
    /// Queues a record; waits where the queue is full. A default span, unlike an empty one, is Kafka's null: a record without
    /// key, a tombstone.
    /// </summary>
    /// <param name="partition">Null leaves the choice to the partitioner.</param>
    /// <param name="timestampMillis">Milliseconds since the epoch; null stands for now.</param>
    public void Produce(
        string topic, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, int? partition = null, long? timestampMillis = null, params ReadOnlySpan<RecordHeader> headers)
    {
        if (++_sinceDrain % ReportsMax == 0) _connection.Drain();
        var arguments = stackalloc LibrdkafkaNative.ProduceArgument[6 + headers.Length];
        var count = 0;
        arguments[count++] = new() { Kind = LibrdkafkaNative.ProduceArgument.TopicHandle, Handle = TopicHandle(topic) };
        arguments[count++] = new() { Kind = LibrdkafkaNative.ProduceArgument.PartitionNumber, Int32 = partition ?? -1 };
        arguments[count++] = new() { Kind = LibrdkafkaNative.ProduceArgument.MessageFlags, Int32 = CopyFlag };
        if (timestampMillis is { } time) arguments[count++] = new() { Kind = LibrdkafkaNative.ProduceArgument.TimestampMillis, Int64 = time };
        var names = headers.IsEmpty ? [] : new nint[headers.Length];
        var pins = headers.IsEmpty ? [] : new GCHandle[headers.Length];
        try
        {
            for (var i = 0; i < headers.Length; i++)
            {
                names[i] = Marshal.StringToCoTaskMemUTF8(headers[i].Name);
                if (headers[i].Value is { } bytes) pins[i] = GCHandle.Alloc(bytes, GCHandleType.Pinned);
                arguments[count++] = new()
                {
                    Kind = LibrdkafkaNative.ProduceArgument.Header,
                    HeaderName = (byte*)names[i],
                    HeaderValue = pins[i].IsAllocated ? (void*)Marshal.UnsafeAddrOfPinnedArrayElement(headers[i].Value!, 0) : null,
                    HeaderLength = headers[i].Value?.Length ?? 0,
                };
            }
            fixed (byte* keyBytes = &MemoryMarshal.GetReference(key), valueBytes = &MemoryMarshal.GetReference(value))
            {
                arguments[count++] = new() { Kind = LibrdkafkaNative.ProduceArgument.KeyBytes, Pointer = keyBytes, Length = key.Length };
                arguments[count++] = new() { Kind = LibrdkafkaNative.ProduceArgument.ValueBytes, Pointer = valueBytes, Length = value.Length };
                Enqueue(arguments, count, topic);
            }
        }
        finally
        {
            foreach (var pin in pins)
                if (pin.IsAllocated) pin.Free();
            foreach (var name in names) Marshal.FreeCoTaskMem(name);
        }
    }

    /// <summary>Takes delivery reports that wait. <see cref="Produce"/> does so by itself now and then.</summary>
    public void Poll() => _connection.Drain();

    /// <summary>Waits until every record is delivered or given up. False where some still are neither after that time.</summary>
    public bool Flush(TimeSpan wait)
    {
        var start = _clock.GetTimestamp();
        _connection.Drain();
        while (_native.OutstandingCount(_connection.Handle) > 0)
        {
            if (_clock.GetElapsedTime(start) > wait) return false;
            _connection.Wait(20);
        }
        return true;
    }

    public void InitTransactions(TimeSpan wait) =>
        _connection.ThrowIfError(_native.InitTransactions(_connection.Handle, (int)wait.TotalMilliseconds), "initialise transactions");

    public void BeginTransaction() => _connection.ThrowIfError(_native.BeginTransaction(_connection.Handle), "begin a transaction");

    /// <summary>Delivers all records, then commits.</summary>
    public void CommitTransaction(TimeSpan wait)
    {
        FlushForTransaction(wait);
        _connection.ThrowIfError(_native.CommitTransaction(_connection.Handle, (int)wait.TotalMilliseconds), "commit the transaction");
    }

    /// <summary>Delivers all records, then aborts: they stay in the log and no read-committed reader sees them.</summary>
    public void AbortTransaction(TimeSpan wait)
    {
        FlushForTransaction(wait);
        _connection.ThrowIfError(_native.AbortTransaction(_connection.Handle, (int)wait.TotalMilliseconds), "abort the transaction");
    }

    /// <summary>Records not delivered by then are lost: <see cref="Flush"/> first.</summary>
    public void Dispose()
    {
        foreach (var topic in _topics.Values) _native.TopicDestroy(topic);
        _topics.Clear();
        _connection.Dispose();
    }

    /// <summary>librdkafka's own flush would wait for ever for the delivery reports that this very thread takes.</summary>
    private void FlushForTransaction(TimeSpan wait)
    {
        if (!Flush(wait)) throw new SourceException(SourceErrorKind.Unreachable, $"Not all records of the transaction were delivered within {wait.TotalSeconds:0.#} s.");
    }

    private void Enqueue(LibrdkafkaNative.ProduceArgument* arguments, int count, string topic)
    {
        nint error;
        while ((error = _native.Produce(_connection.Handle, arguments, (nuint)count)) != 0 && _native.ErrorObjectCode(error) == NativeErrors.QueueFull)
        {
            _native.ErrorObjectDestroy(error);
            _connection.Wait(20);
        }
        _connection.ThrowIfError(error, $"produce to topic {topic}");
    }

    private nint TopicHandle(string topic)
    {
        if (_topics.TryGetValue(topic, out var handle)) return handle;
        using var name = new NativeText(topic);
        handle = _native.TopicNew(_connection.Handle, name.Pointer, 0);
        if (handle == 0) throw new SourceException(SourceErrorKind.UnknownTopic, $"{topic} is no name of a topic.");
        return _topics[topic] = handle;
    }

    private void TakeReports(nint item)
    {
        fixed (LibrdkafkaNative.Message** reports = _reports)
        {
            nuint count;
            while ((count = _native.EventMessages(item, reports, ReportsMax)) != 0)
                for (nuint i = 0; i < count; i++)
                {
                    if (reports[i]->Error == NativeErrors.None)
                    {
                        DeliveredCount++;
                        continue;
                    }
                    FailedCount++;
                    LastFailure = _connection.Describe(reports[i]->Error);
                }
        }
    }
}
