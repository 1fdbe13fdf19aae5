using Matih.Engine.Simulation.Processes;
using Matih.Kafka;

namespace Matih.Engine.Simulation.World;

/// <summary>Habits of a Kafka client that differ between versions and days.</summary>
/// <param name="RewindsBy">It may deliver up to that many records again that lie before the assigned position.</param>
/// <param name="SkipsRecords">It passes records over now and then, and says of itself that it may.</param>
/// <param name="ReadsOn">It reads on, at the same offsets, in a topic that was deleted and created again under it.</param>
internal readonly record struct ClientHabits(int RewindsBy, bool SkipsRecords, bool ReadsOn = false);

/// <summary>A process's consumer of one topic.</summary>
internal sealed class TopicClient(
    KafkaCluster cluster, SimulatedTopic topic, string group, ClientHabits habits, Weather weather, SimulatedProcess process, Random random,
    IReadOnlyList<string> flows, Action onAssign) : IRecordSource
{
    private long _assignment;
    private string? _seenMarks;

    public string Topic => topic.Name;

    public bool MaySkipRecords => habits.SkipsRecords;

    public long? LastContact { get; private set; }

    public string? Trouble => null;

    public SimulatedTopic Log => topic;

    public SimulatedProcess Process => process;

    public Weather Weather => weather;

    public bool ReadsOn => habits.ReadsOn;

    /// <summary>Takes note of how far the flows that this consumer reads for have come.</summary>
    public void NoteRead(PartitionLog log, long nextOffset)
    {
        foreach (var flow in flows) log.NoteRead(flow, nextOffset);
    }

    public bool IsCurrent(long assignment) => assignment == _assignment;

    public ValueTask<TopicIdentity> IdentifyAsync(CancellationToken cancellationToken) =>
        CallAsync("identify", () => new TopicIdentity(cluster.Id, topic.TopicId, topic.Partitions.Count), cancellationToken);

    /// <summary>Called with each answer about the ends of partitions that has arrived: process, and the answer.</summary>
    public Action<int, IReadOnlyList<OffsetRange>>? RangesTold { get; init; }

    public async ValueTask<IReadOnlyList<OffsetRange>> RangesAsync(IReadOnlyList<int> partitions, CancellationToken cancellationToken)
    {
        var ranges = await LookUpRangesAsync(partitions, cancellationToken);
        RangesTold?.Invoke(process.Id, ranges);
        return ranges;
    }

    private ValueTask<IReadOnlyList<OffsetRange>> LookUpRangesAsync(IReadOnlyList<int> partitions, CancellationToken cancellationToken) =>
        CallAsync<IReadOnlyList<OffsetRange>>("ranges", () => [.. partitions.Select(partition =>
        {
            var log = Find(partition);
            return new OffsetRange(log.LogStart, log.LastStable);
        })], cancellationToken);

    public ValueTask<IReadOnlyList<long>> LogEndsAsync(IReadOnlyList<int> partitions, CancellationToken cancellationToken) =>
        CallAsync<IReadOnlyList<long>>("log ends", () => [.. partitions.Select(partition => Find(partition).HighWatermark)], cancellationToken);

    public ValueTask<IReadOnlyList<long?>> OffsetsForTimeAsync(IReadOnlyList<int> partitions, DateTimeOffset time, CancellationToken cancellationToken) =>
        CallAsync<IReadOnlyList<long?>>("offsets for time", () => [.. partitions.Select(partition =>
            Find(partition).Read(0).FirstOrDefault(record => record.TimestampMillis >= time.ToUnixTimeMilliseconds())?.Offset)], cancellationToken);

    public ValueTask<ProbedRecord?> ProbeAsync(int partition, long offset, CancellationToken cancellationToken) =>
        CallAsync("probe", () => Find(partition).Read(offset).Select(record => new ProbedRecord(record.Offset, record.TimestampMillis, RecordFingerprint.Of(default, record.Value))).FirstOrDefault(), cancellationToken);

    public ValueTask<long> CountAsync(int partition, long fromOffset, long toOffset, CancellationToken cancellationToken) =>
        CallAsync("count", () => Find(partition).Read(fromOffset).TakeWhile(record => record.Offset < toOffset).LongCount(), cancellationToken);

    public ValueTask<long> CountInGapsAsync(int partition, IReadOnlyList<OffsetGap> gaps, CancellationToken cancellationToken) =>
        CallAsync("count in gaps", () => Find(partition).Read(gaps[0].FromOffset).LongCount(record => gaps.Any(gap => gap.FromOffset <= record.Offset && record.Offset < gap.ToOffset)), cancellationToken);

    public async ValueTask<IReadOnlyList<IRecordQueue>> AssignAsync(
        IReadOnlyList<PartitionPosition> positions, int laneCount, long generation, CancellationToken cancellationToken)
    {
        var assignment = ++_assignment;
        await process.WaitAsync(TimeSpan.FromMilliseconds(1), null, cancellationToken);
        onAssign();
        var ordered = positions.OrderBy(position => position.Partition).ToList();
        return [.. Enumerable.Range(0, Math.Min(laneCount, ordered.Count)).Select(lane => new TopicQueue(
            this, assignment, generation, [.. ordered.Where((_, index) => index % laneCount == lane)], habits, new Random(random.Next())))];
    }

    public ValueTask<string?> ReadGroupMarkAsync(CancellationToken cancellationToken) =>
        CallAsync("read mark", () =>
        {
            var text = cluster.Marks.Read(group);
            _seenMarks = text ?? "";
            return text;
        }, cancellationToken);

    public ValueTask<(bool Stored, string? Reason)> StoreGroupOffsetsAsync(IReadOnlyList<PartitionPosition> positions, string mark, CancellationToken cancellationToken)
    {
        var seen = _seenMarks;
        return CallAsync<(bool, string?)>("store mark", () =>
        {
            cluster.Marks.Store(group, mark, seen);
            return (true, null);
        }, cancellationToken);
    }

    public ValueTask DisposeAsync() => default;

    private PartitionLog Find(int partition) => partition < topic.Partitions.Count
        ? topic.Partitions[partition]
        : throw new SourceException(SourceErrorKind.UnknownTopic, $"Topic '{topic.Name}' has {topic.Partitions.Count} partitions, not {partition}.");

    private async ValueTask<T> CallAsync<T>(string what, Func<T> effect, CancellationToken cancellationToken)
    {
        var answer = await process.CallAsync($"kafka {what}", weather.Decide(Service.Kafka, isWrite: false), effect,
            fault => new SourceException(SourceErrorKind.Unreachable, $"Could not {what}: {fault.Cause()}."), cancellationToken);
        LastContact = process.Clock.GetTimestamp();
        return answer;
    }
}
