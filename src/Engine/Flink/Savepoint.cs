using System.Collections.Immutable;

namespace Matih.Flink;

/// <summary>The next offset of a partition that a job would have read.</summary>
public readonly record struct SavepointPosition(string Topic, int Partition, long NextOffset);

/// <summary>The operator of a job that commits to a table, as a savepoint holds it.</summary>
/// <param name="OperatorId">What the summaries of its commits call <c>flink.operator-id</c>.</param>
/// <param name="NewestWithFiles">
/// The newest checkpoint with files that it had not committed when the savepoint was made: the table must hold a commit of that
/// checkpoint, or a later one. Null where it had committed all.
/// </param>
public sealed record SavepointCommitter(string OperatorId, long? NewestWithFiles);

/// <summary>What a savepoint of a stateless job says: what it has read, and what it has committed.</summary>
/// <param name="CheckpointId">Its number among the job's checkpoints.</param>
/// <param name="JobId">The job that made it, as its committers know it.</param>
/// <param name="Positions">Ascending by topic and partition; each partition once.</param>
/// <param name="Committers">One for each table; at least one.</param>
public sealed record Savepoint(long CheckpointId, string JobId, ImmutableArray<SavepointPosition> Positions, ImmutableArray<SavepointCommitter> Committers);
