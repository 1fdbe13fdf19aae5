using System.Collections.Immutable;
using Matih.Delivery.Tables;
using Matih.Planning;

namespace Matih.Status;

/// <summary>Where one partition stands, in offsets; those that hold no record count, too.</summary>
/// <param name="NextOffset">The table's position; null where the ledger does not hold the partition.</param>
/// <param name="LogStart">The first offset that the topic holds; null where Kafka did not tell.</param>
/// <param name="End">One past its last offset that this reader can see; null where Kafka did not tell.</param>
public sealed record PartitionStatus(int Partition, long? NextOffset, long? LogStart, long? End)
{
    /// <summary>What waits for a commit; null where that is not known, or the ledger does not hold the partition.</summary>
    public StagedRanges? Staged { get; init; }

    /// <summary>Where the next commit will get to with what is staged, if it comes now; null as <see cref="Staged"/>.</summary>
    public long? StagedTo { get; init; }

    /// <summary>Offsets that are not in the table; null where that is not known.</summary>
    public long? Uncommitted { get; init; }

    /// <summary>Offsets that are neither in the table nor staged; null where that is not known.</summary>
    public long? Unstaged { get; init; }
}

/// <summary>How fast a flow has been committing.</summary>
/// <param name="CommitCount">The commits that were counted.</param>
/// <param name="RecordCount">Source records whose fate they settled; those that a replay read again are not among them.</param>
/// <param name="RowCount">Rows that they added.</param>
/// <param name="From">When the commit before them was made, by its writer's clock.</param>
/// <param name="To">When the last of them was made.</param>
public sealed record CommitRates(int CommitCount, long RecordCount, long RowCount, DateTimeOffset From, DateTimeOffset To)
{
    public double RecordsPerSecond => RecordCount / (To - From).TotalSeconds;

    public double RowsPerSecond => RowCount / (To - From).TotalSeconds;
}

/// <summary>Where one flow stands.</summary>
public sealed record FlowStatus
{
    public required FlowName Flow { get; init; }

    public required FlowCondition Condition { get; init; }

    public required TableIdentifier Table { get; init; }

    public required string Topic { get; init; }

    /// <summary>Null where the table could not be read.</summary>
    public bool? TableExists { get; init; }

    /// <summary>The table's current snapshot, whoever made it; null where there is none, or the table could not be read.</summary>
    public SnapshotId? SnapshotId { get; init; }

    /// <summary>The flow's newest ledger; null where there is none, or it could not be read.</summary>
    public FlowLedger? Ledger { get; init; }

    /// <summary>The ledger names a process that is known to be gone. False says nothing: it may be alive, gone, or elsewhere.</summary>
    public bool IsWriterKnownGone { get; init; }

    /// <summary>Null where the table holds fewer than two commits of the flow.</summary>
    public CommitRates? Rates { get; init; }

    /// <summary>Ascending by id: all that the ledger or the topic has.</summary>
    public ImmutableArray<PartitionStatus> Partitions { get; init; } = [];

    /// <summary>What waits for a commit, of all partitions; null where that is not known, or there is no ledger.</summary>
    public StagedRanges? Staged
    {
        get
        {
            var held = Partitions.Where(partition => partition.NextOffset is not null).ToList();
            if (held.Count == 0 || held.Any(partition => partition.Staged is null)) return null;
            return held.Aggregate(StagedRanges.None, (sum, partition) => sum + partition.Staged!);
        }
    }

    /// <summary>When Kafka told what the topic holds; null where it did not.</summary>
    public DateTimeOffset? TopicReadAt { get; init; }

    /// <summary>Offsets that are not in the table, of all partitions; null where that is not known.</summary>
    public long? Uncommitted => Sum(partition => partition.Uncommitted);

    /// <summary>Offsets that are neither in the table nor staged, of all partitions; null where that is not known.</summary>
    public long? Unstaged => Sum(partition => partition.Unstaged);

    /// <summary>What a start would end with; null where it would go on, as far as could be looked at.</summary>
    public FlowRefusal? Refusal { get; init; }

    /// <summary>The parts that are missing here.</summary>
    public ImmutableArray<UnreadPart> Unread { get; init; } = [];

    /// <summary>A condition as a word, for machines and people.</summary>
    public static string Name(FlowCondition condition) => condition switch
    {
        FlowCondition.NeverStarted => "never-started",
        FlowCondition.UpToDate => "up-to-date",
        FlowCondition.StagedWaiting => "staged-waiting",
        FlowCondition.Behind => "behind",
        FlowCondition.Refused => "refused",
        FlowCondition.Unreachable => "unreachable",
        FlowCondition.NotCompared => "not-compared",
        _ => throw new ArgumentOutOfRangeException(nameof(condition), condition, null),
    };

    private long? Sum(Func<PartitionStatus, long?> of) =>
        Partitions.IsEmpty || Partitions.Any(partition => of(partition) is null) ? null : Partitions.Sum(of);
}
