using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;
using Matih.Planning;

namespace Matih.Verification;

/// <summary>How much is to be verified.</summary>
/// <param name="IsOffline">Kafka is left out; the table alone is looked at.</param>
/// <param name="CountsAll">Every range that the topic still holds is counted again, not the newest commit's alone.</param>
public sealed record VerificationRequest(bool IsOffline = false, bool CountsAll = false);

/// <summary>Where a partition stands against the topic, in offsets.</summary>
/// <param name="NextOffset">The table's position; null for a partition that the ledger does not hold yet.</param>
public readonly record struct PartitionLag(int Partition, long? NextOffset, long LogStart, long End)
{
    /// <summary>Offsets that are not in the table yet; those that hold no record count.</summary>
    public long Uncommitted => Math.Max(0, End - (NextOffset ?? LogStart));
}

/// <summary>All that was found of one flow.</summary>
public sealed record FlowVerification
{
    public required FlowName Flow { get; init; }

    public required TableIdentifier Table { get; init; }

    /// <summary>The snapshot that was looked at; null where there is no table, or an empty one.</summary>
    public SnapshotId? SnapshotId { get; init; }

    /// <summary>The newest ledger; null where there is none.</summary>
    public Ledger? Ledger { get; init; }

    /// <summary>Commits of the flow in the current history.</summary>
    public int CommitCount { get; init; }

    /// <summary>The oldest commit that the history still shows: before it nothing is proven.</summary>
    public CommitId? OldestCommit { get; init; }

    /// <summary>The skipped records that the commits of the history list, back to the last reset.</summary>
    public SkippedRecords Skipped { get; init; } = SkippedRecords.None;

    /// <summary>Skipped records of the totals that no ledger of the history lists: their snapshots have expired, or a version that only counted them wrote them, or they are of before a reset.</summary>
    public long UnlistedSkippedCount => Math.Max(0, (Ledger?.Totals.SkippedCount ?? 0) - Skipped.RecordCount);

    /// <summary>Offsets, of those that the commits of the history took since the last reset, that held no record.</summary>
    public long EmptyOffsetCount { get; init; }

    /// <summary>By partition; empty where Kafka was not asked.</summary>
    public ImmutableArray<PartitionLag> Lag { get; init; } = [];

    /// <summary>When the brokers were asked for it, as a timestamp of the source's clock.</summary>
    public long? LagAsOf { get; init; }

    public ImmutableArray<VerificationFinding> Findings { get; init; } = [];

    public IEnumerable<VerificationFinding.Violation> Violations => Findings.OfType<VerificationFinding.Violation>();
}

/// <summary>What verification found, flow by flow.</summary>
public sealed record VerificationReport(ImmutableArray<FlowVerification> Flows)
{
    public bool HasViolations => Flows.Any(flow => flow.Violations.Any());

    public bool HasUnreachable => Flows.Any(flow => flow.Findings.Any(finding => finding is VerificationFinding.Unreachable));

    /// <summary>5 on any violation, else 3 where something did not answer, else 0.</summary>
    public int ExitCode => HasViolations ? Delivery.ExitCode.Refused : HasUnreachable ? Delivery.ExitCode.Environment : Delivery.ExitCode.Done;
}
