using Matih.Flink;

namespace Matih.Delivery;

/// <summary>
/// How the Flink job ended that a flow's records were given to, so that a run can take them back. Whoever says so has seen at the
/// JobManager that the job has ended; what it left is compared with table and topic. The family is closed.
/// </summary>
public abstract record FlinkEnd
{
    private FlinkEnd() { }

    /// <summary>It finished with this savepoint, whose positions count (<c>--from-savepoint</c>).</summary>
    public sealed record WithSavepoint(Savepoint Savepoint) : FlinkEnd;

    /// <summary>It ended before its first commit, so that the positions count at which the records were given to it (<c>--from-ended-job</c>).</summary>
    public sealed record WithoutCommit(string Job) : FlinkEnd;
}
