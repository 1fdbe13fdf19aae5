using Matih.Kafka.Native;

namespace Matih.Kafka;

/// <summary>
/// A Kafka topic through librdkafka: partitions are assigned by hand and polled in batches that stay in librdkafka's memory.
/// Nothing is ever paused, resumed or sought, no group is joined and no offset reset. Two connections: one reads, the other
/// asks, so that questions do not wait behind fetches and probes do not disturb the assignment. Thread-safe, but for
/// queues, which take one caller each. Calls block the caller's thread until they are answered. A third connection is made
/// only where a position lies above what read committed shows: what it finds there is compared, and never read. A fourth counts
/// the records of long ranges, where that is asked for.
/// </summary>
public sealed class LibrdkafkaSource : IRecordSource
{
    /// <summary>A range of no more offsets is counted by the connection that asks, a record batch at a time.</summary>
    private const int ProbedRangeMax = 100;

    private readonly Librdkafka _library;
    private readonly KafkaSettings _settings;
    private readonly TimeProvider _clock;
    private readonly KafkaLog? _log;
    private readonly BrokerContact _contact;
    private readonly ControlConnection _control;
    private readonly RecordScan _probing;
    /// <summary>Connects when a long range is counted.</summary>
    private readonly ControlConnection _scanning;
    /// <summary>As <see cref="_control"/> where the reader itself reads uncommitted.</summary>
    private readonly ControlConnection _uncommitted;
    private readonly GroupOffsets _group;
    private readonly Lock _assigning = new();
    private readonly List<RecordQueue> _queues = [];
    private readonly List<RecordQueue> _closedQueues = [];
    private ClientConnection? _reader;
    private bool _isDisposed;

    private LibrdkafkaSource(Librdkafka library, KafkaSettings settings, string topic, TimeProvider clock, KafkaLog? log)
    {
        _library = library;
        _settings = settings;
        _clock = clock;
        _log = log;
        Topic = topic;
        _contact = new BrokerContact(clock);
        _control = new ControlConnection(library, settings, topic, clock, _contact, log);
        _probing = new RecordScan(_control);
        _scanning = new ControlConnection(library, settings, topic, clock, _contact, log, scans: true);
        _uncommitted = settings.Isolation == IsolationLevel.ReadUncommitted ? _control : new ControlConnection(library, settings.ReadingUncommitted(), topic, clock, _contact, log);
        _group = new GroupOffsets(_control);
    }

    public string Topic { get; }

    public bool MaySkipRecords => false;

    public long? LastContact => _contact.AnsweredAt;

    public string? Trouble => _control.Trouble;

    /// <summary>The latest numbers of the reading connection; null before the first, and for ever where <c>statistics.interval.ms</c> is not set.</summary>
    internal KafkaStatistics? LatestStatistics => _reader?.LatestStatistics;

    /// <summary>Prepares a source. Nothing is asked of the cluster yet.</summary>
    /// <exception cref="SourceException">The settings are wrong; the message lists all that is known to be.</exception>
    public static LibrdkafkaSource Open(Librdkafka library, KafkaSettings settings, string topic, TimeProvider clock, KafkaLog? log = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(topic);
        var errors = settings.Validate();
        if (errors.Count != 0)
            throw new SourceException(SourceErrorKind.Configuration, string.Join(" ", errors.Select(error => error.Message)));
        return new LibrdkafkaSource(library, settings, topic, clock, log);
    }

    public ValueTask<TopicIdentity> IdentifyAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(_control.Identify(cancellationToken));

    /// <remarks>Both ends are asked with the reader's isolation level, so that under read committed the end is the last stable offset.</remarks>
    public ValueTask<IReadOnlyList<OffsetRange>> RangesAsync(IReadOnlyList<int> partitions, CancellationToken cancellationToken) =>
        ValueTask.FromResult(_control.Ranges(partitions, cancellationToken));

    /// <remarks>Asked on a connection that reads uncommitted: the isolation level decides what ListOffsets calls the end.</remarks>
    public ValueTask<IReadOnlyList<long>> LogEndsAsync(IReadOnlyList<int> partitions, CancellationToken cancellationToken) =>
        ValueTask.FromResult(_uncommitted.Ends(partitions, cancellationToken));

    /// <exception cref="SourceException">The cluster is librdkafka's mock, which answers the end for every time.</exception>
    public ValueTask<IReadOnlyList<long?>> OffsetsForTimeAsync(IReadOnlyList<int> partitions, DateTimeOffset time, CancellationToken cancellationToken) =>
        ValueTask.FromResult(_control.OffsetsForTime(partitions, time, cancellationToken));

    public ValueTask<ProbedRecord?> ProbeAsync(int partition, long offset, CancellationToken cancellationToken)
    {
        var found = _probing.Probe(partition, offset, cancellationToken);
        if (found is null && _uncommitted != _control && offset >= _control.Ends([partition], cancellationToken)[0]) found = ProbeHidden(partition, offset, cancellationToken);
        return ValueTask.FromResult(found);
    }

    private ProbedRecord? ProbeHidden(int partition, long offset, CancellationToken cancellationToken)
    {
        if (offset >= _uncommitted.Ends([partition], cancellationToken)[0]) return null;
        var found = new RecordScan(_uncommitted).Probe(partition, offset, cancellationToken);
        return found?.Offset == offset ? found : null;
    }

    /// <remarks>The call's time starts again with every record that comes.</remarks>
    public ValueTask<long> CountAsync(int partition, long fromOffset, long toOffset, CancellationToken cancellationToken) =>
        ValueTask.FromResult(ScanOf(fromOffset, toOffset).Count(partition, fromOffset, toOffset, cancellationToken));

    /// <remarks>The call's time starts again with every record that comes, also beside the gaps.</remarks>
    public ValueTask<long> CountInGapsAsync(int partition, IReadOnlyList<OffsetGap> gaps, CancellationToken cancellationToken) =>
        ValueTask.FromResult(ScanOf(gaps[0].FromOffset, gaps[^1].ToOffset).CountInGaps(partition, gaps, cancellationToken));

    private RecordScan ScanOf(long fromOffset, long toOffset) => toOffset - fromOffset <= ProbedRangeMax ? _probing : new RecordScan(_scanning);

    /// <remarks>At most as many queues as positions. A queue without partitions would have nothing to read.</remarks>
    public ValueTask<IReadOnlyList<IRecordQueue>> AssignAsync(
        IReadOnlyList<PartitionPosition> positions, int queueCount, long assignment, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(queueCount, 1);
        foreach (var position in positions)
            if (position.Partition < 0 || position.NextOffset < 0)
                throw new ArgumentException($"Partition {position.Partition} at offset {position.NextOffset} is no position.", nameof(positions));
        if (positions.DistinctBy(position => position.Partition).Count() != positions.Count)
            throw new ArgumentException("A partition is named twice.", nameof(positions));
        cancellationToken.ThrowIfCancellationRequested();
        lock (_assigning)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var reader = _reader ??= OpenReader();
            EndAssignment(reader);
            for (var i = 0; i < Math.Min(queueCount, positions.Count); i++)
            {
                var share = positions.OrderBy(position => position.Partition).Where((_, index) => index % queueCount == i).ToArray();
                _queues.Add(new RecordQueue(_library.Native, reader, _clock, Topic, share, assignment));
            }
            if (positions.Count != 0) Assign(reader, positions);
            return ValueTask.FromResult<IReadOnlyList<IRecordQueue>>([.. _queues]);
        }
    }

    /// <remarks>Null also where the broker does not let us see the group: that much is logged.</remarks>
    public ValueTask<string?> ReadGroupMarkAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(_group.ReadMark(cancellationToken));

    public ValueTask<(bool Stored, string? Reason)> StoreGroupOffsetsAsync(
        IReadOnlyList<PartitionPosition> positions, string mark, CancellationToken cancellationToken) =>
        ValueTask.FromResult(_group.Store(positions, mark, cancellationToken));

    /// <summary>Ends all connections. Batches lose their records: nobody may be using one.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_assigning)
        {
            if (_isDisposed) return ValueTask.CompletedTask;
            _isDisposed = true;
            if (_reader is not null)
            {
                EndAssignment(_reader);
                foreach (var queue in _closedQueues) queue.ReleaseBatches();
                _reader.Dispose();
            }
        }
        _control.Dispose();
        _scanning.Dispose();
        _uncommitted.Dispose();
        return ValueTask.CompletedTask;
    }

    private ClientConnection OpenReader() => new(
        _library,
        LibrdkafkaNative.ConsumerType,
        _settings.ReaderProperties(Topic),
        LibrdkafkaNative.EventLog | LibrdkafkaNative.EventError | LibrdkafkaNative.EventStatistics,
        _settings.UsesOAuthBearer,
        _log);

    private unsafe void Assign(ClientConnection reader, IReadOnlyList<PartitionPosition> positions)
    {
        using var list = PartitionList.Of(_library.Native, reader.Handle, Topic, positions, metadata: null);
        var error = _library.Native.Assign(reader.Handle, list.Pointer);
        if (error == NativeErrors.None) return;
        EndAssignment(reader);
        throw new SourceException(NativeErrors.KindOf(error), $"Could not assign {Quantity.Of(positions.Count, "partition")} of topic {Topic}: {_library.Describe(error)}.");
    }

    /// <summary>
    /// Unassigns, waits until librdkafka has stopped fetching, then drops what is queued. The wait matters: stopping a
    /// partition takes its forwarding away, in librdkafka's main thread after rd_kafka_assign has returned
    /// (rd_kafka_toppar_fetch_stop). A new queue that forwarded before that would never get a record. The same thread answers
    /// rd_kafka_assignment, behind the stops, so its answer is the signal.
    /// </summary>
    private unsafe void EndAssignment(ClientConnection reader)
    {
        if (_queues.Count == 0) return;
        _library.Native.Assign(reader.Handle, null);
        LibrdkafkaNative.PartitionArray* none;
        if (_library.Native.Assignment(reader.Handle, &none) == NativeErrors.None) _library.Native.PartitionsDestroy(none);
        foreach (var queue in _queues) queue.Close();
        _closedQueues.RemoveAll(queue => !queue.HoldsMemory);
        _closedQueues.AddRange(_queues);
        _queues.Clear();
    }
}
