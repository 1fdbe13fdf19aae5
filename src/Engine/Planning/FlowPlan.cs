using System.Collections.Immutable;
using Matih.Batches;
using Matih.Definition;
using Matih.Iceberg.Metadata;
using Matih.Sql;

namespace Matih.Planning;

/// <summary>How the table is made where it does not exist, and what rows go into it.</summary>
/// <param name="Identifier">The table's name in its catalog.</param>
/// <param name="Rows">The query's output columns.</param>
/// <param name="PartitionBy">The partition fields asked for.</param>
/// <param name="Properties">Table properties to set at creation.</param>
/// <param name="MayCreate">False: a missing table is an error.</param>
/// <param name="TargetFileBytes">The size at which a data file is closed; null takes the table's own setting.</param>
public sealed record TablePlan(
    TableIdentifier Identifier, RowType Rows, ImmutableArray<PartitionRequest> PartitionBy,
    ImmutableSortedDictionary<string, string> Properties, bool MayCreate, long? TargetFileBytes)
{
    /// <summary>The columns that identify a row where another engine writes by upsert; they are NOT NULL in the rows. Empty for append.</summary>
    public ImmutableArray<string> Key { get; init; } = [];

    /// <summary>The version of Iceberg's format that a new table gets; null where the definition does not say.</summary>
    public int? FormatVersion { get; init; }

    /// <summary>The branch of the table that is written.</summary>
    public string Branch { get; init; } = SnapshotRef.Main;

    /// <summary>What each commit says of itself, besides the ledger.</summary>
    public ImmutableSortedDictionary<string, string> SnapshotProperties { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>What a run may change in the columns of a table that exists.</summary>
    public SchemaEvolutionMode SchemaEvolution { get; init; }

    /// <summary>Properties that a new table gets where <see cref="Properties"/> does not set them: those of its maintenance.</summary>
    public ImmutableSortedDictionary<string, string> Defaults { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}

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
    /// <summary>Whether this sink is the one of the pipeline that maintains the table, where it is maintained at all.</summary>
    public bool MaintainsTable { get; init; }
    public required string SourceName { get; init; }
    public required string Topic { get; init; }
    public required string IsolationLevel { get; init; }
    public required StartOffset Start { get; init; }
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
