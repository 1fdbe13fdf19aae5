using System.Buffers.Binary;

namespace Matih.Kafka.Native;

/// <summary>
/// The connection by which the cluster is asked beside reading, and the questions about the topic: identity and offsets. One
/// question at a time. Native calls are cut into slices that double from 250 ms to 4 s, so that slow clusters get their
/// time and cancellation is noticed in between; errors that pass are asked again until the call's time is up.
/// </summary>
/// <param name="contact">Takes note of every answer; shared by the connections of a source.</param>
/// <param name="scans">Whether it fetches long ranges, as fast as they come; else records one by one.</param>
internal sealed unsafe class ControlConnection(Librdkafka library, KafkaSettings settings, string topic, TimeProvider clock, BrokerContact contact, KafkaLog? log, bool scans = false) : IDisposable
{
    private const int SliceMillisMin = 250, SliceMillisMax = 4000, FirstSliceMillisMax = 2000;

    /// <summary>
    /// As long as no broker has ever answered, brokers that cannot be reached are probably wrong ones: this long they may just be
    /// starting. Later on they are known, and get the call's whole time.
    /// </summary>
    private static readonly TimeSpan FirstContactMax = TimeSpan.FromSeconds(5);

    /// <summary>The same, where connections are neither made nor refused.</summary>
    private static readonly TimeSpan FirstSilenceMax = TimeSpan.FromSeconds(15);

    /// <summary>ListOffsets' special times (Kafka protocol guide, ListOffsets): the log's end, its start.</summary>
    public const long EndTime = -1, StartTime = -2;

    private readonly LibrdkafkaNative _native = library.Native;
    private ClientConnection? _connection;
    private bool _isDisposed;

    /// <summary>Held by whoever asks.</summary>
    public Lock Asking { get; } = new();

    public Librdkafka Library { get; } = library;
    public KafkaSettings Settings { get; } = settings;
    public string Topic { get; } = topic;
    public KafkaLog? Log { get; } = log;

    /// <summary>What keeps the client from the brokers, as far as it noticed since the last answer.</summary>
    public string? Trouble => _connection?.LastTrouble;

    public TopicIdentity Identify(CancellationToken cancellationToken)
    {
        lock (Asking)
        {
            var connection = Connect();
            var partitionCount = CountPartitions(connection, cancellationToken);
            // The metadata just received names the cluster, also where it is another one than before.
            var text = _native.ClusterId(connection.Handle, SliceMillisMin);
            var clusterId = text == null ? null : LibrdkafkaNative.Text(text);
            if (text != null) _native.FreeMemory(connection.Handle, text);
            return new TopicIdentity(clusterId, Settings.IsMockCluster ? null : AskTopicId(connection, cancellationToken), partitionCount);
        }
    }

    public IReadOnlyList<OffsetRange> Ranges(IReadOnlyList<int> partitions, CancellationToken cancellationToken)
    {
        if (partitions.Count == 0) return [];
        lock (Asking)
        {
            var connection = Connect();
            var starts = ListOffsets(connection, partitions, StartTime, "the log start", cancellationToken);
            var ends = ListOffsets(connection, partitions, EndTime, "the end", cancellationToken);
            return [.. starts.Zip(ends, (start, end) => new OffsetRange(start, Math.Max(start, end)))];
        }
    }

    /// <summary>The partitions' ends, as this connection's isolation level has them.</summary>
    public IReadOnlyList<long> Ends(IReadOnlyList<int> partitions, CancellationToken cancellationToken)
    {
        if (partitions.Count == 0) return [];
        lock (Asking) return ListOffsets(Connect(), partitions, EndTime, "the end", cancellationToken);
    }

    public IReadOnlyList<long?> OffsetsForTime(IReadOnlyList<int> partitions, DateTimeOffset time, CancellationToken cancellationToken)
    {
        if (Settings.IsMockCluster)
            throw new SourceException(
                SourceErrorKind.Unsupported,
                $"Topic {Topic} is on librdkafka's mock cluster, which cannot look up offsets by time. Start from earliest, latest or an offset.");
        if (partitions.Count == 0) return [];
        // Negative times are questions of another kind (see EndTime); no record is older than the epoch.
        var millis = Math.Max(0, time.ToUnixTimeMilliseconds());
        lock (Asking)
        {
            var offsets = ListOffsets(Connect(), partitions, millis, $"the offset at {time:O}", cancellationToken);
            return [.. offsets.Select(offset => offset < 0 ? (long?)null : offset)];
        }
    }

    public void Dispose()
    {
        lock (Asking)
        {
            _isDisposed = true;
            _connection?.Dispose();
            _connection = null;
        }
    }

    /// <summary>The first error of an entry; 0 where none has one.</summary>
    public static int FirstError(LibrdkafkaNative.PartitionArray* list)
    {
        for (var i = 0; i < list->Count; i++)
            if (list->Entries[i].Error != NativeErrors.None) return list->Entries[i].Error;
        return NativeErrors.None;
    }

    /// <summary>The number of partitions, asked of the cluster now. Under <see cref="Asking"/>.</summary>
    public int CountPartitions(ClientConnection connection, CancellationToken cancellationToken)
    {
        using var name = new NativeText(Topic);
        var handle = _native.TopicNew(connection.Handle, name.Pointer, 0);
        if (handle == 0) throw new SourceException(SourceErrorKind.UnknownTopic, $"{Topic} is no name of a topic.");
        var count = 0;
        try
        {
            Ask(connection, $"look up topic {Topic}", slice =>
            {
                LibrdkafkaNative.Metadata* metadata;
                var error = _native.GetMetadata(connection.Handle, 0, handle, &metadata, slice);
                if (error != NativeErrors.None) return error;
                error = metadata->TopicCount == 1 ? metadata->Topics[0].Error : NativeErrors.UnknownTopicOrPartition;
                count = metadata->TopicCount == 1 ? metadata->Topics[0].PartitionCount : 0;
                _native.MetadataDestroy(metadata);
                return error;
            }, cancellationToken);
        }
        finally
        {
            _native.TopicDestroy(handle);
        }
        return count;
    }

    private string? AskTopicId(ClientConnection connection, CancellationToken cancellationToken)
    {
        using var name = new NativeText(Topic);
        var pointer = name.Pointer;
        var names = _native.TopicNames(&pointer, 1);
        var queue = _native.QueueNew(connection.Handle);
        string? id = null;
        try
        {
            _native.DescribeTopics(connection.Handle, names, 0, queue);
            Ask(connection, $"look up the id of topic {Topic}", slice =>
            {
                var item = _native.QueuePoll(queue, slice);
                if (item == 0) return NativeErrors.TimedOut;
                var error = _native.EventErrorCode(item);
                if (error == NativeErrors.None) error = ReadTopicId(_native.EventDescribeTopics(item), out id);
                _native.EventDestroy(item);
                // Answered with an error that passes: ask again, for an answer that is still to come.
                if (NativeErrors.IsTransient(error)) _native.DescribeTopics(connection.Handle, names, 0, queue);
                return error;
            }, cancellationToken);
        }
        finally
        {
            _native.TopicNamesDestroy(names);
            _native.QueueDestroy(queue);
        }
        return id;
    }

    /// <summary>The id in Kafka's own spelling: 16 bytes, big-endian, as base64url without padding.</summary>
    private int ReadTopicId(nint result, out string? id)
    {
        id = null;
        nuint count;
        var topics = result == 0 ? null : _native.DescribedTopics(result, &count);
        if (topics == null) return NativeErrors.None;
        var error = _native.TopicError(topics[0]);
        if (error != 0 && _native.ErrorObjectCode(error) is not NativeErrors.None and var code) return code;
        var uuid = _native.TopicId(topics[0]);
        if (uuid == 0) return NativeErrors.None;
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, _native.UuidHigh(uuid));
        BinaryPrimitives.WriteInt64BigEndian(bytes[8..], _native.UuidLow(uuid));
        // A broker without topic ids gives zeros.
        if (bytes.ContainsAnyExcept((byte)0)) id = System.Buffers.Text.Base64Url.EncodeToString(bytes);
        return NativeErrors.None;
    }

    /// <summary>
    /// ListOffsets for all partitions at once; rd_kafka_offsets_for_times hands special times on as they are, and asks with
    /// the isolation level of the connection (rd_kafka_make_ListOffsetsRequest, 2.6.1 to 2.16), which is the reader's.
    /// </summary>
    public long[] ListOffsets(ClientConnection connection, IReadOnlyList<int> partitions, long time, string what, CancellationToken cancellationToken)
    {
        using var list = PartitionList.Of(_native, Topic, partitions, time);
        var pointer = list.Pointer;
        Ask(connection, $"look up {what} of topic {Topic}, partitions {Shown(partitions)}", slice =>
        {
            for (var i = 0; i < pointer->Count; i++) pointer->Entries[i].Offset = time;
            var error = _native.OffsetsForTimes(connection.Handle, pointer, slice);
            // While a partition has no leader (an election, a broker that is down) the call names it unknown, and its entry says why.
            if (error == NativeErrors.UnknownPartition && FirstError(pointer) is not NativeErrors.None and var reason) return reason;
            if (error != NativeErrors.None) return error;
            // Start and end are asked for by negative times, which an entry without an answer would still hold.
            for (var i = 0; time < 0 && i < pointer->Count; i++)
                if (pointer->Entries[i].Offset < 0 && pointer->Entries[i].Error == NativeErrors.None) return NativeErrors.UnknownPartition;
            return FirstError(pointer);
        }, cancellationToken);
        var offsets = new long[partitions.Count];
        for (var i = 0; i < offsets.Length; i++) offsets[i] = list.Entries[i].Offset;
        return offsets;
    }

    /// <summary>
    /// Asks in slices until an answer that is no passing error, cancellation, a refused authentication, or the end of the call's
    /// time; before the first answer ever, also until it is clear that no broker can be reached.
    /// </summary>
    /// <param name="slice">Gets the milliseconds it may block and gives an error code.</param>
    public void Ask(ClientConnection connection, string doing, Func<int, int> slice, CancellationToken cancellationToken)
    {
        var (start, faults, sliceMillis, last) = (clock.GetTimestamp(), connection.FaultSequence, SliceMillisMin, NativeErrors.None);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            connection.Drain();
            if (connection.FaultSequence != faults)
                throw new SourceException(SourceErrorKind.Authentication, $"Could not {doing}: {Settings.Address} refused us: {connection.Fault}");
            var elapsed = clock.GetElapsedTime(start);
            var timeMax = contact.WasMade || Settings.CallTimeout < FirstSilenceMax ? Settings.CallTimeout : FirstSilenceMax;
            if (!contact.WasMade && connection is { IsCutOff: true, LastTrouble: { } cause } && elapsed >= FirstContactMax)
                throw new SourceException(SourceErrorKind.Unreachable, $"Could not {doing}: Kafka at {Settings.Address} cannot be reached: {BrokerTrouble.OfFirstContact(cause)}.");
            if (elapsed >= timeMax)
                throw new SourceException(
                    SourceErrorKind.Unreachable,
                    $"Could not {doing}: no answer from {Settings.Address} within {timeMax.TotalSeconds:0.#} s ({connection.LastTrouble ?? Library.Describe(last)}).");
            var error = slice((int)Math.Clamp((timeMax - elapsed).TotalMilliseconds, 1, sliceMillis));
            // Codes above zero are the broker's own: it answered. That there is no leader the client may only remember.
            if (error >= NativeErrors.None && error != NativeErrors.LeaderNotAvailable)
            {
                contact.NoteAnswer();
                connection.NoteAnswer();
            }
            if (error == NativeErrors.None) return;
            if (!NativeErrors.IsTransient(error))
                throw new SourceException(NativeErrors.KindOf(error), $"Could not {doing} at {Settings.Address}: {Library.Describe(error)}{(NamesTopic(error) ? SuggestTopic(connection) : ".")}{Remedy(error)}");
            // An error can come back at once; a time-out has waited already.
            if (error != NativeErrors.TimedOut) connection.Wait(50);
            last = error;
            sliceMillis = Math.Min(contact.WasMade ? SliceMillisMax : FirstSliceMillisMax, sliceMillis * 2);
        }
    }

    /// <summary>Whether the topic's name may be the fault. A topic that does not exist is refused to a principal that may not know so.</summary>
    private static bool NamesTopic(int error) => error == NativeErrors.TopicAuthorization || NativeErrors.KindOf(error) == SourceErrorKind.UnknownTopic;

    /// <summary>The end of a message: the nearest of the topics that the brokers let this principal see.</summary>
    private string SuggestTopic(ClientConnection connection)
    {
        LibrdkafkaNative.Metadata* metadata;
        if (_native.GetMetadata(connection.Handle, 1, 0, &metadata, SliceMillisMax) != NativeErrors.None) return ".";
        var names = new List<string>();
        for (var i = 0; i < metadata->TopicCount; i++)
            if (metadata->Topics[i].Error == NativeErrors.None) names.Add(LibrdkafkaNative.Text(metadata->Topics[i].Name));
        _native.MetadataDestroy(metadata);
        // The partition is missing, not the topic; and Kafka's own topics are nobody's source.
        return names.Contains(Topic) ? "." : NearestName.Suggest(Topic, names.Where(name => !name.StartsWith("__", StringComparison.Ordinal)));
    }

    private string Remedy(int error) => NativeErrors.KindOf(error) switch
    {
        SourceErrorKind.UnknownTopic => $" Topics are not created by reading: create {Topic}, or correct the name.",
        SourceErrorKind.Authorization when error == NativeErrors.GroupAuthorization => $" The principal needs the right to read group {Settings.GroupId}.",
        SourceErrorKind.Authorization => $" The principal needs the rights to describe and read topic {Topic}.",
        _ => "",
    };

    /// <summary>The connection, made when it is first needed. Under <see cref="Asking"/>.</summary>
    public ClientConnection Connect()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return _connection ??= new ClientConnection(
            Library,
            LibrdkafkaNative.ConsumerType,
            Settings.ControlProperties(Topic, scans),
            LibrdkafkaNative.EventLog | LibrdkafkaNative.EventError | LibrdkafkaNative.EventOffsetCommit,
            Settings.UsesOAuthBearer,
            Log);
    }

    private static string Shown(IReadOnlyList<int> partitions) =>
        partitions.Count <= 8 ? string.Join(", ", partitions) : $"{string.Join(", ", partitions.Take(8))} and {partitions.Count - 8} more";
}
