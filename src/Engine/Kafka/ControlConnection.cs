using System.Buffers.Binary;
using System.Text;

namespace Matih.Kafka;

/// <summary>
/// Everything that is asked of the cluster beside reading: identity, offsets, single records, the group's offsets. One
/// question at a time. Native calls are cut into slices that double from 250 ms to 4 s, so that slow clusters get their
/// time and cancellation is noticed in between; errors that pass are asked again until the call's time is up.
/// </summary>
internal sealed unsafe class ControlConnection(Librdkafka library, KafkaSettings settings, string topic, TimeProvider clock, KafkaLog? log) : IDisposable
{
    private const int SliceMillisMin = 250, SliceMillisMax = 4000;

    /// <summary>ListOffsets' special times (Kafka protocol guide, ListOffsets): the log's end, its start.</summary>
    private const long EndTime = -1, StartTime = -2;

    private readonly LibrdkafkaNative _native = library.Native;
    private readonly Lock _asking = new();
    private KafkaConnection? _connection;
    private bool _isDisposed;

    public TopicIdentity Identify(CancellationToken cancellationToken)
    {
        lock (_asking)
        {
            var connection = Connect();
            var partitionCount = CountPartitions(connection, cancellationToken);
            // The metadata just received names the cluster, also where it is another one than before.
            var text = _native.ClusterId(connection.Handle, SliceMillisMin);
            var clusterId = text == null ? null : LibrdkafkaNative.Text(text);
            if (text != null) _native.FreeMemory(connection.Handle, text);
            return new TopicIdentity(clusterId, library.CanTellTopicIds ? AskTopicId(connection, cancellationToken) : null, partitionCount);
        }
    }

    public IReadOnlyList<OffsetRange> Ranges(IReadOnlyList<int> partitions, CancellationToken cancellationToken)
    {
        if (partitions.Count == 0) return [];
        lock (_asking)
        {
            var connection = Connect();
            var starts = ListOffsets(connection, partitions, StartTime, "the log start", cancellationToken);
            var ends = ListOffsets(connection, partitions, EndTime, "the end", cancellationToken);
            return [.. starts.Zip(ends, (start, end) => new OffsetRange(start, Math.Max(start, end)))];
        }
    }

    public IReadOnlyList<long?> OffsetsForTime(IReadOnlyList<int> partitions, DateTimeOffset time, CancellationToken cancellationToken)
    {
        if (settings.IsMockCluster)
            throw new SourceException(
                SourceErrorKind.Unsupported,
                $"Topic {topic} is on librdkafka's mock cluster, which cannot look up offsets by time. Start from earliest, latest or an offset.");
        if (partitions.Count == 0) return [];
        // Negative times are questions of another kind (see EndTime); no record is older than the epoch.
        var millis = Math.Max(0, time.ToUnixTimeMilliseconds());
        lock (_asking)
        {
            var offsets = ListOffsets(Connect(), partitions, millis, $"the offset at {time:O}", cancellationToken);
            return [.. offsets.Select(offset => offset < 0 ? (long?)null : offset)];
        }
    }

    public ProbedRecord? Probe(int partition, long offset, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ProbedRecord? found = null;
        ScanFrom(partition, offset, message =>
        {
            int kind;
            found = new ProbedRecord(message->Offset, _native.MessageTimestamp(message, &kind), Fingerprint(message));
            return true;
        }, cancellationToken);
        return found;
    }

    public long Count(int partition, long fromOffset, long toOffset, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fromOffset);
        var count = 0L;
        if (fromOffset < toOffset)
            ScanFrom(partition, fromOffset, message =>
            {
                if (message->Offset < toOffset) count++;
                return message->Offset >= toOffset - 1;
            }, cancellationToken);
        return count;
    }

    public string? ReadGroupMark(CancellationToken cancellationToken)
    {
        if (settings.GroupId is null) return null;
        lock (_asking)
        {
            var connection = Connect();
            var partitions = Enumerable.Range(0, CountPartitions(connection, cancellationToken)).ToArray();
            using var list = PartitionList.Of(_native, topic, partitions, EndTime);
            try
            {
                ReadCommitted(connection, list, cancellationToken);
            }
            catch (SourceException refusal) when (refusal.Kind == SourceErrorKind.Authorization)
            {
                log?.Invoke(new KafkaLogLine(4, "GROUP", $"{refusal.Message} Whether the group belongs to a table that was dropped cannot be told."));
                return null;
            }
            foreach (ref readonly var entry in list.Entries)
            {
                // Some clients store a terminating zero with it.
                var mark = entry.Metadata == null ? "" : Encoding.UTF8.GetString(entry.Metadata, (int)entry.MetadataLength).TrimEnd('\0');
                if (mark.Length != 0) return mark;
            }
            return null;
        }
    }

    public (bool Stored, string? Reason) StoreGroupOffsets(IReadOnlyList<PartitionPosition> positions, string mark, CancellationToken cancellationToken)
    {
        if (settings.GroupId is null) return (false, "no consumer group is configured");
        if (positions.Count == 0) return (true, null);
        lock (_asking)
        {
            nint queue = 0;
            try
            {
                var connection = Connect();
                // librdkafka would hold a commit back until there is a coordinator, even past the call's time. A look at
                // one offset finds out first.
                using (var first = PartitionList.Of(_native, topic, [positions[0].Partition], EndTime)) ReadCommitted(connection, first, cancellationToken);
                queue = _native.QueueNew(connection.Handle);
                var answer = queue;
                using var list = PartitionList.Of(_native, connection.Handle, topic, positions, mark);
                var error = _native.CommitToQueue(connection.Handle, list.Pointer, queue, 0, 0);
                if (error != NativeErrors.None) return (false, library.Describe(error));
                Ask(connection, $"store the offsets of group {settings.GroupId}", slice => AwaitCommit(answer, slice), cancellationToken);
                return (true, null);
            }
            catch (SourceException refusal)
            {
                return (false, refusal.Message);
            }
            finally
            {
                if (queue != 0) _native.QueueDestroy(queue);
            }
        }
    }

    public void Dispose()
    {
        lock (_asking)
        {
            _isDisposed = true;
            _connection?.Dispose();
            _connection = null;
        }
    }

    private void ReadCommitted(KafkaConnection connection, PartitionList list, CancellationToken cancellationToken)
    {
        var pointer = list.Pointer;
        Ask(connection, $"read the offsets of group {settings.GroupId}", slice =>
        {
            var error = _native.Committed(connection.Handle, pointer, slice);
            if (error == NativeErrors.None) error = FirstError(pointer);
            // A group that may not be looked at never gets a coordinator, which librdkafka tells once, and beside the call.
            connection.Drain();
            return NativeErrors.IsTransient(error) && connection.GroupFault is not null ? NativeErrors.GroupAuthorization : error;
        }, cancellationToken);
        connection.GroupFault = null;
    }

    private int AwaitCommit(nint queue, int sliceMillis)
    {
        var item = _native.QueuePoll(queue, sliceMillis);
        if (item == 0) return NativeErrors.TimedOut;
        var error = _native.EventErrorCode(item);
        if (error == NativeErrors.None && _native.EventPartitions(item) is var list && list != null) error = FirstError(list);
        _native.EventDestroy(item);
        // The commit has been answered: asking again would wait for nothing.
        return NativeErrors.IsTransient(error)
            ? throw new SourceException(SourceErrorKind.Unreachable, $"Could not store the offsets of group {settings.GroupId}: {library.Describe(error)}.")
            : error;
    }

    private static int FirstError(LibrdkafkaNative.PartitionArray* list)
    {
        for (var i = 0; i < list->Count; i++)
            if (list->Entries[i].Error != NativeErrors.None) return list->Entries[i].Error;
        return NativeErrors.None;
    }

    private int CountPartitions(KafkaConnection connection, CancellationToken cancellationToken)
    {
        using var name = new NativeText(topic);
        var handle = _native.TopicNew(connection.Handle, name.Pointer, 0);
        if (handle == 0) throw new SourceException(SourceErrorKind.UnknownTopic, $"{topic} is no name of a topic.");
        var count = 0;
        try
        {
            Ask(connection, $"look up topic {topic}", slice =>
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

    private string? AskTopicId(KafkaConnection connection, CancellationToken cancellationToken)
    {
        using var name = new NativeText(topic);
        var pointer = name.Pointer;
        var names = _native.TopicNames(&pointer, 1);
        var queue = _native.QueueNew(connection.Handle);
        string? id = null;
        try
        {
            _native.DescribeTopics(connection.Handle, names, 0, queue);
            Ask(connection, $"look up the id of topic {topic}", slice =>
            {
                var item = _native.QueuePoll(queue, slice);
                if (item == 0) return NativeErrors.TimedOut;
                var error = _native.EventErrorCode(item);
                if (error == NativeErrors.None) error = ReadTopicId(_native.EventDescribeTopics(item), out id);
                _native.EventDestroy(item);
                // Answered with an error that passes: ask anew, for an answer that is still to come.
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
    /// the isolation level of the connection (rd_kafka_make_ListOffsetsRequest, 2.0.2 to 2.16), which is the reader's.
    /// </summary>
    private long[] ListOffsets(KafkaConnection connection, IReadOnlyList<int> partitions, long time, string what, CancellationToken cancellationToken)
    {
        using var list = PartitionList.Of(_native, topic, partitions, time);
        var pointer = list.Pointer;
        Ask(connection, $"look up {what} of topic {topic}, partitions {Shown(partitions)}", slice =>
        {
            for (var i = 0; i < pointer->Count; i++) pointer->Entries[i].Offset = time;
            var error = _native.OffsetsForTimes(connection.Handle, pointer, slice);
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

    /// <summary>Looks at a record; true when none after it is wanted.</summary>
    private delegate bool Visit(LibrdkafkaNative.Message* message);

    /// <summary>
    /// Visits the readable records at and after an offset, up to the partition's end. Below the log start the first is the
    /// first of all; beyond the end there is none.
    /// </summary>
    private void ScanFrom(int partition, long offset, Visit visit, CancellationToken cancellationToken)
    {
        lock (_asking)
        {
            var connection = Connect();
            if (TryScan(connection, partition, offset, visit, cancellationToken)) return;
            var start = ListOffsets(connection, [partition], StartTime, "the log start", cancellationToken)[0];
            if (offset >= start || TryScan(connection, partition, start, visit, cancellationToken)) return;
            throw new SourceException(
                SourceErrorKind.Unreachable, $"Topic {topic}, partition {partition}: the log start moved away from {start} before its first record came. Try again.");
        }
    }

    /// <summary>False where the offset is out of range.</summary>
    private bool TryScan(KafkaConnection connection, int partition, long offset, Visit visit, CancellationToken cancellationToken)
    {
        var queue = _native.QueueNew(connection.Handle);
        nint partitionQueue = 0;
        try
        {
            using var name = new NativeText(topic);
            partitionQueue = _native.QueueOfPartition(connection.Handle, name.Pointer, partition);
            _native.QueueForward(partitionQueue, queue);
            using var list = PartitionList.Of(_native, topic, [partition], offset);
            var refusal = _native.Assign(connection.Handle, list.Pointer);
            if (refusal != NativeErrors.None)
                throw new SourceException(NativeErrors.KindOf(refusal), $"Could not fetch from topic {topic}, partition {partition}: {library.Describe(refusal)}.");
            var (isDone, isOutOfRange) = (false, false);
            while (!isDone && !isOutOfRange)
                Ask(connection, $"fetch the record at offset {offset} of topic {topic}, partition {partition}", slice =>
                {
                    LibrdkafkaNative.Message* message;
                    if (_native.ConsumeBatch(queue, slice, &message, 1) < 1) return NativeErrors.TimedOut;
                    var error = message->Error;
                    isDone = error == NativeErrors.PartitionEnd || (error == NativeErrors.None && visit(message));
                    isOutOfRange = error is NativeErrors.AutoOffsetReset or NativeErrors.OffsetOutOfRange or NativeErrors.LogTruncation;
                    if (error == NativeErrors.None) offset = message->Offset + 1;
                    _native.MessageDestroy(message);
                    return isDone || isOutOfRange ? NativeErrors.None : error;
                }, cancellationToken);
            return !isOutOfRange;
        }
        finally
        {
            // As LibrdkafkaSource.EndAssignment: the next scan may forward only when this one has stopped.
            _native.Assign(connection.Handle, null);
            LibrdkafkaNative.PartitionArray* none;
            if (_native.Assignment(connection.Handle, &none) == NativeErrors.None) _native.PartitionsDestroy(none);
            if (partitionQueue != 0) _native.QueueDestroy(partitionQueue);
            _native.QueueDestroy(queue);
        }
    }

    private static uint Fingerprint(LibrdkafkaNative.Message* message) => RecordFingerprint.Of(
        message->Key == null ? default : new ReadOnlySpan<byte>(message->Key, (int)message->KeyLength),
        message->Payload == null ? default : new ReadOnlySpan<byte>(message->Payload, (int)message->PayloadLength));

    /// <summary>Asks in slices until an answer that is no passing error, cancellation, a refused authentication, or the end of the call's time.</summary>
    /// <param name="slice">Gets the milliseconds it may block and gives an error code.</param>
    private void Ask(KafkaConnection connection, string doing, Func<int, int> slice, CancellationToken cancellationToken)
    {
        var (start, faults, sliceMillis, last) = (clock.GetTimestamp(), connection.FaultSequence, SliceMillisMin, NativeErrors.None);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            connection.Drain();
            if (connection.FaultSequence != faults)
                throw new SourceException(SourceErrorKind.Authentication, $"Could not {doing}: {settings.Address} refused us: {connection.Fault}");
            var left = settings.CallTimeout - clock.GetElapsedTime(start);
            if (left <= TimeSpan.Zero)
                throw new SourceException(
                    SourceErrorKind.Unreachable,
                    $"Could not {doing}: no answer from {settings.Address} within {settings.CallTimeout.TotalSeconds:0.#} s " +
                    $"({connection.LastTrouble ?? library.Describe(last)}).");
            var error = slice((int)Math.Clamp(left.TotalMilliseconds, 1, sliceMillis));
            if (error == NativeErrors.None) return;
            if (!NativeErrors.IsTransient(error))
                throw new SourceException(NativeErrors.KindOf(error), $"Could not {doing} at {settings.Address}: {library.Describe(error)}.{Remedy(error)}");
            // An error can come back at once; a time-out has waited already.
            if (error != NativeErrors.TimedOut) connection.Wait(50);
            last = error;
            sliceMillis = Math.Min(SliceMillisMax, sliceMillis * 2);
        }
    }

    private string Remedy(int error) => NativeErrors.KindOf(error) switch
    {
        SourceErrorKind.UnknownTopic => $" Topics are not created by reading: create {topic}, or correct the name.",
        SourceErrorKind.Authorization when error == NativeErrors.GroupAuthorization => $" The principal needs the right to read group {settings.GroupId}.",
        SourceErrorKind.Authorization => $" The principal needs the rights to describe and read topic {topic}.",
        _ => "",
    };

    private KafkaConnection Connect()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return _connection ??= new KafkaConnection(
            library,
            LibrdkafkaNative.ConsumerType,
            settings.ControlProperties(library, topic),
            LibrdkafkaNative.EventLog | LibrdkafkaNative.EventError | LibrdkafkaNative.EventOffsetCommit,
            settings.UsesOAuthBearer,
            settings.WarningsFor(library) is [var warning, ..] ? warning : null,
            log);
    }

    private static string Shown(IReadOnlyList<int> partitions) =>
        partitions.Count <= 8 ? string.Join(", ", partitions) : $"{string.Join(", ", partitions.Take(8))} and {partitions.Count - 8} more";
}
