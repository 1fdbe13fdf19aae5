namespace Matih.Delivery.Ledgers;

/// <summary>What a commit says of a Flink job that writes the flow's records, or did. Absent where no job has to do with the commit. The family is closed.</summary>
/// <param name="Job">The job's id, 32 hexadecimal digits.</param>
public abstract record FlinkLedger
{
    private FlinkLedger(string job) => Job = job;

    public string Job { get; }

    /// <summary>
    /// From this commit's positions on the job writes the records. Its commits carry no ledger, so that no run may continue
    /// here: another job may be given them, or a savepoint of this one takes them back.
    /// </summary>
    /// <param name="Before">
    /// The job from whose savepoint or checkpoint this one continues: it may commit in that job's name what that had left uncommitted.
    /// Null where it begins at the commit's positions.
    /// </param>
    /// <param name="From">That savepoint or checkpoint, as Flink names its place.</param>
    public sealed record Given(string Job, string? Before = null, string? From = null) : FlinkLedger(Job);

    /// <summary>The commit's positions are those at which the job ended: what lies between them and the commit before is the job's work.</summary>
    /// <param name="Checkpoint">The savepoint's number among the job's checkpoints; 0 where the job ended before its first commit, and the positions are those that it was given.</param>
    public sealed record TakenBack(string Job, long Checkpoint) : FlinkLedger(Job);
}
