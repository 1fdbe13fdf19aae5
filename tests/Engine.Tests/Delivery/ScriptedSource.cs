using Matih.Batches;
using Matih.Kafka;

namespace Matih.Engine.Tests.Delivery;

/// <summary>Reads a <see cref="ScriptedTopic"/> as librdkafka reads a real one, one record source to a flow.</summary>
internal sealed class ScriptedSource(ScriptedTopic topic, TimeProvider clock) : IRecordSource
{
    private long _assignment, _answeredAt;

    public string Topic => topic.Name;

    public long? LastContact => Interlocked.Read(ref _answeredAt) is > 0 and var at ? at : null;

    /// <summary>Why no question is answered; null while they are. Records that wait in the client still come.</summary>
    public string? Trouble { get; set; }

    public bool MaySkipRecords { get; set; }

    /// <summary>Offsets that this client wrongly passes over when it is assigned.</summary>
    public HashSet<(int Partition, long Offset)> SkippedByClient { get; } = [];

    /// <summary>Assignments in which records are passed over; later ones are right, as after a new fetch.</summary>
    public int SkippingAssignmentCount { get; set; } = int.MaxValue;

    /// <summary>How many offsets before the assigned position each assignment begins: a client that delivers again.</summary>
    public int RewindsBy { get; set; }

    /// <summary>Called before each poll; may throw what a broken client would.</summary>
    public Action? BeforePoll { get; set; }

    /// <summary>Called before gaps are counted a second time.</summary>
    public Action? BeforeGapCount { get; set; }

    /// <summary>Called before each assignment.</summary>
    public Action? BeforeAssign { get; set; }

    /// <summary>Whether open transactions hide records, as under read committed.</summary>
    public bool ReadsCommittedOnly { get; init; }

    /// <summary>Whether a poll without records waits as long as it may, as librdkafka does; otherwise it returns soon.</summary>
    public bool WaitsForRecords { get; set; }

    /// <summary>Whether a partition gives neither records nor its end, as where its leader does not answer.</summary>
    public Func<int, bool> IsMute { get; set; } = _ => false;

    /// <summary>What a broker that lags behind with its metadata says the number of partitions is.</summary>
    public Func<int, int>? ToldPartitionCount { get; set; }

    /// <summary>Called before the topic is identified; may take as long as a broker that does not answer.</summary>
    public Func<CancellationToken, Task>? BeforeIdentify { get; set; }

    public async ValueTask<TopicIdentity> IdentifyAsync(CancellationToken cancellationToken)
    {
        if (BeforeIdentify is { } before) await before(cancellationToken);
        return Answer(() => new TopicIdentity(topic.ClusterId, topic.TopicId, ToldPartitionCount?.Invoke(topic.PartitionCount) ?? topic.PartitionCount));
    }

    public Action? BeforeRanges { get; set; }

    public ValueTask<IReadOnlyList<OffsetRange>> RangesAsync(IReadOnlyList<int> partitions, CancellationToken cancellationToken)
    {
        BeforeRanges?.Invoke();
        return Ranges(partitions);
    }

    private ValueTask<IReadOnlyList<OffsetRange>> Ranges(IReadOnlyList<int> partitions) =>
        partitions.All(partition => partition < topic.PartitionCount)
            ? new(Answer<IReadOnlyList<OffsetRange>>(() => [.. partitions.Select(RangeOf)]))
            : throw new SourceException(SourceErrorKind.UnknownTopic, $"Topic '{topic.Name}' has {topic.PartitionCount} partitions.");

    public ValueTask<IReadOnlyList<long>> LogEndsAsync(IReadOnlyList<int> partitions, CancellationToken cancellationToken) =>
        new(Answer<IReadOnlyList<long>>(() => [.. partitions.Select(partition => topic.Range(partition).End)]));

    public ValueTask<IReadOnlyList<long?>> OffsetsForTimeAsync(IReadOnlyList<int> partitions, DateTimeOffset time, CancellationToken cancellationToken) =>
        new([.. partitions.Select(partition => topic.Read(partition, 0, int.MaxValue).FirstOrDefault(record => record.TimestampMillis >= time.ToUnixTimeMilliseconds())?.Offset)]);

    public Action? BeforeProbe { get; set; }

    public ValueTask<ProbedRecord?> ProbeAsync(int partition, long offset, CancellationToken cancellationToken)
    {
        BeforeProbe?.Invoke();
        return Probe(partition, offset);
    }

    private ValueTask<ProbedRecord?> Probe(int partition, long offset) =>
        new(topic.Read(partition, offset, 1, ReadsCommittedOnly && offset < RangeOf(partition).End)
            .Select(record => new ProbedRecord(record.Offset, record.TimestampMillis, RecordFingerprint.Of(record.Key, record.Value)))
            .FirstOrDefault(record => offset < RangeOf(partition).End || record.Offset == offset));

    public ValueTask<long> CountAsync(int partition, long fromOffset, long toOffset, CancellationToken cancellationToken) =>
        new(ReadFrom(partition, fromOffset, int.MaxValue).LongCount(record => record.Offset < toOffset));

    public ValueTask<long> CountInGapsAsync(int partition, IReadOnlyList<OffsetGap> gaps, CancellationToken cancellationToken)
    {
        BeforeGapCount?.Invoke();
        return new(ReadFrom(partition, 0, int.MaxValue).LongCount(record => gaps.Any(gap => gap.FromOffset <= record.Offset && record.Offset < gap.ToOffset)));
    }

    public ValueTask<IReadOnlyList<IRecordQueue>> AssignAsync(IReadOnlyList<PartitionPosition> positions, int laneCount, long generation, CancellationToken cancellationToken)
    {
        BeforeAssign?.Invoke();
        var assignment = ++_assignment;
        IReadOnlyList<IRecordQueue> lanes =
            [.. Enumerable.Range(0, laneCount).Select(lane => new Lane(this, assignment, generation, [.. positions.Where((_, index) => index % laneCount == lane)]))];
        return new(lanes);
    }

    public ValueTask<string?> ReadGroupMarkAsync(CancellationToken cancellationToken) => new(Answer(() => topic.GroupMark));

    /// <summary>Called before group offsets are stored; may take as long as a broker that does not answer.</summary>
    public Func<CancellationToken, Task>? BeforeGroupStore { get; set; }

    public async ValueTask<(bool Stored, string? Reason)> StoreGroupOffsetsAsync(IReadOnlyList<PartitionPosition> positions, string mark, CancellationToken cancellationToken)
    {
        if (BeforeGroupStore is { } before) await before(cancellationToken);
        if (topic.RefusesGroupOffsets) return (false, "Broker: Group authorization failed");
        topic.GroupMark = mark;
        foreach (var position in positions) topic.GroupOffsets[position.Partition] = position.NextOffset;
        return (true, null);
    }

    public ValueTask DisposeAsync() => default;

    private T Answer<T>(Func<T> question)
    {
        if (Trouble is { } trouble) throw new SourceException(SourceErrorKind.Unreachable, $"Could not ask about topic {topic.Name}: {trouble}.");
        var answer = question();
        Interlocked.Exchange(ref _answeredAt, clock.GetTimestamp());
        return answer;
    }

    private sealed class Lane(ScriptedSource source, long assignment, long generation, PartitionPosition[] positions) : IRecordQueue
    {
        private readonly Dictionary<int, long> _next = positions.ToDictionary(
            position => position.Partition, position => Math.Max(Math.Min(position.NextOffset, source.RangeOf(position.Partition).LogStart), position.NextOffset - source.RewindsBy));
        private readonly HashSet<int> _ended = [];

        public IReadOnlyList<int> Partitions { get; } = [.. positions.Select(position => position.Partition)];

        public RawBatch CreateBatch() => new ManagedRawBatch();

        public async ValueTask PollAsync(RawBatch batch, int recordsMax, TimeSpan wait, List<SourceEvent> events, CancellationToken cancellationToken)
        {
            source.BeforePoll?.Invoke();
            batch.Release();
            var managed = (ManagedRawBatch)batch;
            managed.SetAssignment(generation);
            if (source._assignment != assignment) return;
            foreach (var partition in Partitions)
            {
                if (partition >= source.PartitionCount)
                {
                    events.Add(new SourceEvent.Failed(partition, "unknown partition"));
                    return;
                }
                if (source.IsMute(partition)) continue;
                var range = source.RangeOf(partition);
                if (_next[partition] < range.LogStart || _next[partition] > source.LogEndOf(partition))
                {
                    events.Add(new SourceEvent.OffsetOutOfRange(partition, $"offset {_next[partition]} is out of range"));
                    return;
                }
                foreach (var record in source.ReadFrom(partition, _next[partition], recordsMax - batch.Count))
                {
                    _ended.Remove(partition);
                    _next[partition] = record.Offset + 1;
                    if (assignment > source.SkippingAssignmentCount || !source.SkippedByClient.Contains((partition, record.Offset)))
                        managed.Add(record.Value, record.Key, record.Offset, partition, record.TimestampMillis, TimestampKind.CreateTime);
                }
                if (_next[partition] > range.End) continue; // No end is reported to a reader that stands above the last stable offset.
                if (batch.Count < recordsMax && (_ended.Add(partition) || _next[partition] < range.End) && source.ReadFrom(partition, _next[partition], 1).Count == 0)
                {
                    _next[partition] = Math.Max(_next[partition], range.End);
                    events.Add(new SourceEvent.ReachedEnd(partition, _next[partition], generation));
                }
            }
            if (batch.Count == 0 && events.Count == 0) await Task.Delay(source.WaitsForRecords ? wait : TimeSpan.FromMilliseconds(1), cancellationToken);
        }
    }

    private int PartitionCount => topic.PartitionCount;

    private OffsetRange RangeOf(int partition) => topic.Range(partition, ReadsCommittedOnly);

    private long LogEndOf(int partition) => topic.Range(partition).End;

    private IReadOnlyList<ScriptedTopic.Record> ReadFrom(int partition, long offset, int countMax) => topic.Read(partition, offset, countMax, ReadsCommittedOnly);
}
