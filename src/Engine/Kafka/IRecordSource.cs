using Matih.Batches;

namespace Matih.Kafka;

/// <summary>What tells a topic from another of the same name.</summary>
/// <param name="ClusterId">The cluster's id; null where the source cannot tell.</param>
/// <param name="TopicId">The topic's id as Kafka prints it (base64url); null where librdkafka cannot tell.</param>
/// <param name="PartitionCount">Number of partitions now; partition ids are 0 to that less one.</param>
public sealed record TopicIdentity(string? ClusterId, string? TopicId, int PartitionCount);

/// <summary>The range of offsets that a partition holds.</summary>
/// <param name="LogStart">First offset that can be read.</param>
/// <param name="End">One past the last offset that this reader's isolation level can see, or will see when open transactions end.</param>
public readonly record struct OffsetRange(long LogStart, long End);

/// <summary>A partition and the offset of the next record to read from it.</summary>
public readonly record struct PartitionPosition(int Partition, long NextOffset);

/// <summary>Offsets at which a reader saw no record; the end is excluded.</summary>
public readonly record struct OffsetGap(long FromOffset, long ToOffset);

/// <summary>One record fetched by itself.</summary>
/// <param name="Offset">Its offset.</param>
/// <param name="TimestampMillis">Its timestamp, -1 where it has none.</param>
/// <param name="Crc32C">CRC-32C over the key's bytes, then the value's.</param>
public sealed record ProbedRecord(long Offset, long TimestampMillis, uint Crc32C);

/// <summary>What a queue met besides records.</summary>
public abstract record SourceEvent
{
    private SourceEvent() { }

    /// <summary>The partition has been read up to this position (past trailing control records).</summary>
    public sealed record ReachedEnd(int Partition, long NextOffset, long Assignment) : SourceEvent;

    /// <summary>The position lies outside what the partition holds (retention, deleted records, a recreated topic).</summary>
    public sealed record OffsetOutOfRange(int Partition, string Detail) : SourceEvent;

    /// <summary>A fault that reading cannot get past by itself (authorization, unknown topic, corrupt record batch).</summary>
    public sealed record Failed(int? Partition, string Detail) : SourceEvent;
}

/// <summary>
/// Questions about a topic, which anything that knows the brokers can answer, whether it reads records or not. One question is
/// answered at a time; each may take as long as the brokers do.
/// </summary>
/// <exception cref="SourceException">Of every question: the brokers did not answer, or refused.</exception>
public interface ITopic
{
    string Topic { get; }

    /// <summary>
    /// When the brokers last answered a question of this source, whatever the answer, as a timestamp of its clock; null before
    /// the first answer. Records that come are no answer: they may have waited in the client for long.
    /// </summary>
    long? LastContact { get; }

    /// <summary>What keeps the source from the brokers, as far as it noticed since the last answer; null where nothing. The end of a sentence.</summary>
    string? Trouble { get; }

    /// <summary>Whether who gives the records may skip some without saying so, so that every gap must be counted again.</summary>
    bool MaySkipRecords { get; }

    ValueTask<TopicIdentity> IdentifyAsync(CancellationToken cancellationToken);

    /// <summary>The offsets that each partition holds now, in the order asked.</summary>
    ValueTask<IReadOnlyList<OffsetRange>> RangesAsync(IReadOnlyList<int> partitions, CancellationToken cancellationToken);

    /// <summary>
    /// One past the last offset of each partition whatever the isolation level, in the order asked: at least
    /// <see cref="OffsetRange.End"/>, and above it while a transaction is open. A valid position never lies beyond it.
    /// </summary>
    ValueTask<IReadOnlyList<long>> LogEndsAsync(IReadOnlyList<int> partitions, CancellationToken cancellationToken);

    /// <summary>The first offset at or after the time, per partition in the order asked; null where every record is older.</summary>
    ValueTask<IReadOnlyList<long?>> OffsetsForTimeAsync(IReadOnlyList<int> partitions, DateTimeOffset time, CancellationToken cancellationToken);

    /// <summary>
    /// The first readable record at or after the offset, or null where there is none up to the end. Beyond the end, the record
    /// at that very offset all the same, where the log has one: a transaction that is still open hides it from readers only.
    /// </summary>
    ValueTask<ProbedRecord?> ProbeAsync(int partition, long offset, CancellationToken cancellationToken);

    /// <summary>
    /// How many readable records the partition holds from one offset to another (the end excluded), by a second fetch that
    /// does not touch the assignment: offsets may be missing for good reasons (compaction, aborted transactions, control
    /// records), and this tells whether that is so. Ends at the partition's end where that comes first.
    /// </summary>
    ValueTask<long> CountAsync(int partition, long fromOffset, long toOffset, CancellationToken cancellationToken);

    /// <summary>
    /// How many readable records lie in the gaps, by a second fetch as <see cref="CountAsync"/> makes it: none, where they were
    /// gaps for good reasons. Says so whatever became of the records beside them meanwhile.
    /// </summary>
    /// <param name="gaps">At least one; ascending, without overlap.</param>
    ValueTask<long> CountInGapsAsync(int partition, IReadOnlyList<OffsetGap> gaps, CancellationToken cancellationToken);
}

/// <summary>
/// The offsets of a consumer group, which dashboards show. They are never a position: what they hold may be old, and storing
/// them may fail, without any harm to the table.
/// </summary>
public interface IGroupOffsets
{
    /// <summary>The metadata that some consumer group member stored with this group's offsets, or null: a tripwire, never a position.</summary>
    ValueTask<string?> ReadGroupMarkAsync(CancellationToken cancellationToken);

    /// <summary>Stores positions for dashboards, best effort, with a mark. False (with the reason) where the broker refused.</summary>
    ValueTask<(bool Stored, string? Reason)> StoreGroupOffsetsAsync(IReadOnlyList<PartitionPosition> positions, string mark, CancellationToken cancellationToken);
}

/// <summary>Reads a topic from given positions. Positions come from the caller only; a reader never remembers or moves one.</summary>
public interface IRecordReader
{
    /// <summary>
    /// Starts reading: partitions are dealt to <paramref name="queueCount"/> queues, which can be polled side by side. Any
    /// earlier assignment ends: its queues give nothing more. Never pauses or seeks in place.
    /// </summary>
    /// <param name="assignment">Stamped on every batch and event of this assignment.</param>
    ValueTask<IReadOnlyList<IRecordQueue>> AssignAsync(IReadOnlyList<PartitionPosition> positions, int queueCount, long assignment, CancellationToken cancellationToken);
}

/// <summary>
/// A Kafka topic with all that a run needs of it. Implementations: librdkafka, and the simulation. A host that is handed its
/// records (a trigger) answers as <see cref="ITopic"/> and <see cref="IGroupOffsets"/>, and reads nothing by itself.
/// </summary>
public interface IRecordSource : ITopic, IGroupOffsets, IRecordReader, IAsyncDisposable;

/// <summary>One of the queues of an assignment; polled by one caller at a time.</summary>
public interface IRecordQueue
{
    /// <summary>The partitions that this queue reads.</summary>
    IReadOnlyList<int> Partitions { get; }

    /// <summary>A batch to poll into, to be used with this queue only.</summary>
    RawBatch CreateBatch();

    /// <summary>
    /// Releases the batch, then fills it with up to <paramref name="recordsMax"/> records, waiting at most
    /// <paramref name="wait"/> for the first; appends what else happened to <paramref name="events"/>.
    /// </summary>
    ValueTask PollAsync(RawBatch batch, int recordsMax, TimeSpan wait, List<SourceEvent> events, CancellationToken cancellationToken);
}
