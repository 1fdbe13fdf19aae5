using System.Collections.Immutable;
using Matih.Batches;
using Matih.Decoding;
using Matih.Iceberg;
using Matih.Kafka;
using Matih.Sql;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Delivery;

/// <summary>How the table is made where it does not exist, and what rows go into it.</summary>
/// <param name="Identifier">The table's name in its catalog.</param>
/// <param name="Rows">The query's output columns.</param>
/// <param name="PartitionBy">The partition fields asked for.</param>
/// <param name="Properties">Table properties to set at creation.</param>
/// <param name="MayCreate">False: a missing table is an error.</param>
/// <param name="TargetFileBytes">The size at which a data file is closed; null takes the table's own setting.</param>
public sealed record TablePlan(
    TableIdentifier Identifier, RowType Rows, ImmutableArray<PartitionRequest> PartitionBy,
    ImmutableSortedDictionary<string, string> Properties, bool MayCreate, long? TargetFileBytes);

/// <summary>A partition field as the definition asks for it.</summary>
/// <param name="Column">The source column in the table.</param>
/// <param name="Transform">The transform.</param>
/// <param name="Name">The partition field's name; null takes Iceberg's usual one.</param>
public sealed record PartitionRequest(string Column, Transform Transform, string? Name);

/// <summary>One stream from a topic through SQL into a table, all of it checked: what a run needs to know, without components.</summary>
public sealed record FlowPlan
{
    public required FlowName Name { get; init; }
    /// <summary>The pipeline's other sinks into the same table.</summary>
    public ImmutableArray<string> SiblingSinks { get; init; } = [];
    public required string SourceName { get; init; }
    public required string Topic { get; init; }
    public required string IsolationLevel { get; init; }
    public required StartPosition Start { get; init; }
    public required ErrorPolicy OnError { get; init; }
    public required LostOffsetsPolicy OnLostOffsets { get; init; }
    public required string DefinitionHash { get; init; }
    public required CompiledQuery Query { get; init; }
    public required TablePlan Table { get; init; }
    public required TimeSpan CheckpointInterval { get; init; }
    /// <summary>Lanes at most; a topic with fewer partitions gets as many lanes as partitions.</summary>
    public required int Parallelism { get; init; }
    public required long RecordCountMax { get; init; }
    public required TimeSpan IdleTimeout { get; init; }
    /// <summary>Sessions that may fail in a row, without a commit between, before the run ends.</summary>
    public required int RetryCountMax { get; init; }
    /// <summary>How long attempts may fail in a row before the run ends, however many of them are left. Default 30 min.</summary>
    public TimeSpan CommitFailureMax { get; init; } = TimeSpan.FromMinutes(30);
    /// <summary>The ceiling of all buffers of the flow, the Kafka client's queues included.</summary>
    public required long MemoryBytes { get; init; }
    /// <summary>Between looks at the topic's ends; every sixth look also counts its partitions. Default 5 s: cheap, and new partitions are read within 30 s.</summary>
    public TimeSpan TopicLookInterval { get; init; } = TimeSpan.FromSeconds(5);
    /// <summary>Staged ranges below this are encoded again, several to a file. Default 16 MB: larger files serve readers as they are.</summary>
    public long SmallRangeBytes { get; init; } = 16L << 20;
}

/// <summary>The components that a flow's run works with; the host or a simulation makes them.</summary>
internal sealed class FlowParts
{
    public required IRecordSource Source { get; init; }
    /// <summary>Another reader of the same topic, for what is read beside the assignment.</summary>
    public required Func<IRecordSource> OpenSource { get; init; }
    /// <summary>The seat among several processes of the pipeline; null for a process that does everything.</summary>
    public required IGroupMember? Member { get; init; }
    public required IStore Store { get; init; }
    public required FlowOpening Opening { get; init; }
    /// <summary>The same, to find out beforehand and without a word whether it would refuse.</summary>
    public required FlowOpening OpeningCheck { get; init; }
    /// <summary>Where the flows of one pipeline wait for each other's checks.</summary>
    public required StartGate Gate { get; init; }
    /// <summary>What the flows of the consumer group keep beside its offsets.</summary>
    public required GroupMarks Marks { get; init; }
    public required TableLedger Ledgers { get; init; }
    public required Func<MemoryAccount, IRecordDecoder> CreateDecoder { get; init; }
    public required MemoryAccount Memory { get; init; }
    public required FlowProgress Progress { get; init; }
    public required IEngineLog Log { get; init; }
    public required WriterHint? Hint { get; init; }
    /// <summary>Spreads waits: 0 to 1. Thread-safe.</summary>
    public required Func<double> NextJitter { get; init; }
    public required Func<OpenedFlow, SinkWriter> CreateWriter { get; init; }
    /// <summary>A writer for rows that were read back from files of the first.</summary>
    public required Func<OpenedFlow, SinkWriter> CreateRewriter { get; init; }
    public required FlowPlan Plan { get; init; }
    /// <summary>What the run has skipped so far.</summary>
    public required RunSkips Skips { get; init; }
    /// <summary>Which of the schema's fields the topic's records were seen to have.</summary>
    public required FieldCheck Fields { get; init; }
    /// <summary>A run warns once, however many sessions it has, that the group's offsets cannot be stored.</summary>
    public bool HasWarnedOfGroup { get; set; }
    public required TimeProvider Clock { get; init; }

    /// <summary>A batch is there several times over: as the client's records, as decoded columns, as the query's, as open pages.</summary>
    private long BatchBytes => Math.Max(64 << 10, Memory.CeilingBytes / (16 * Plan.Parallelism));

    public LaneParts CreateLaneParts(OpenedFlow opened, RecordLimit limit, AsyncSignal signal, ActivityClock activity) => new(
        Plan.Topic, CreateDecoder(Memory), Plan.Query.CreateExecutor(Clock, Memory), CreateWriter(opened), new LaneSettings(Plan.OnError, BatchBytes),
        limit, Memory, Progress, signal, Log, Clock, activity);
}
