using Matih.Engine.Simulation.World;

namespace Matih.Engine.Simulation.Scenarios;

/// <summary>How long a process that was started runs.</summary>
internal enum RunKind { Continuous, Once, UntilCaughtUp }

/// <summary>One thing that happens to the world. Each is whole in itself, so that a scenario makes sense with any of them left out.</summary>
internal abstract partial record WorldAction
{
    private WorldAction() { }

    // Kafka

    /// <summary>Records into random partitions; some are filtered by the SQL, some malformed.</summary>
    public sealed record Produce(string Topic, int Count, int Seed) : WorldAction;

    /// <summary>A producer's transaction that stays open for a while.</summary>
    public sealed record Transact(string Topic, int Count, bool Commits, TimeSpan OpenFor, int Seed) : WorldAction;

    /// <summary>Control records: offsets without a record.</summary>
    public sealed record WriteControls(string Topic, int Partition, int Count) : WorldAction;

    /// <summary>Compaction takes that share of the older records.</summary>
    public sealed record Compact(string Topic, double Share, int Seed) : WorldAction;

    /// <summary>Retention or DeleteRecords: everything before that share of a partition goes, but not what some flow still needs, unless careless.</summary>
    public sealed record Retain(string Topic, int Partition, double Share, bool IsCareless) : WorldAction;

    public sealed record AddPartition(string Topic) : WorldAction;

    /// <summary>The topic is deleted and created again under its name, then filled with that many records.</summary>
    public sealed record RecreateTopic(string Topic, int RefillCount, int Seed) : WorldAction;

    // Processes

    public sealed record Start(int Replica, RunKind Kind) : WorldAction;

    /// <summary>A host begins to drive a flow step by step, beside the processes that run it; it takes that many steps.</summary>
    public sealed record Drive(int Pipeline, int Sink, int TurnCount, int Seed) : WorldAction;

    /// <summary>SIGKILL after that many more calls to the outside; started again later.</summary>
    public sealed record Kill(int Replica, int AfterCalls) : WorldAction;

    /// <summary>SIGTERM; started again later.</summary>
    public sealed record Stop(int Replica) : WorldAction;

    /// <summary>SIGSTOP after that many more calls to the outside, then SIGCONT.</summary>
    public sealed record Pause(int Replica, int AfterCalls, TimeSpan For) : WorldAction;

    /// <summary>All machines sleep, for hours, from some call of a replica on; before they wake, somebody removes orphan files of a table that are older than that.</summary>
    public sealed record Suspend(int Replica, int AfterCalls, TimeSpan For, string Table, TimeSpan OrphanAge) : WorldAction;

    public sealed record JumpClock(int Replica, TimeSpan By) : WorldAction;

    /// <summary>Every group deals its partitions out again.</summary>
    public sealed record Rebalance : WorldAction;

    // Services

    public sealed record Break(Service Service, Trouble Trouble, double Share, TimeSpan For) : WorldAction;

    // Other writers

    /// <summary>Another engine commits a snapshot of its own.</summary>
    public sealed record AppendForeign(string Table) : WorldAction;

    /// <summary>Another engine rewrites all data files into one, without any key of ours.</summary>
    public sealed record CompactFiles(string Table) : WorldAction;

    /// <summary>Somebody sets the current snapshot back along its ancestors.</summary>
    public sealed record RollBack(string Table, int Steps) : WorldAction;

    /// <summary>Snapshot expiry: refs and that many newest snapshots stay, the files of the others go.</summary>
    public sealed record Expire(string Table, int RetainCount) : WorldAction;

    /// <summary>Removal of files that no metadata names and that are older than that.</summary>
    public sealed record RemoveOrphans(string Table, TimeSpan OlderThan) : WorldAction;

    /// <summary>Sets <c>history.expire.max-ref-age-ms</c>, which expiry then goes by.</summary>
    public sealed record LimitRefAge(string Table) : WorldAction;
}

/// <summary>An action and when it happens.</summary>
internal sealed record PlannedAction(int Index, TimeSpan At, WorldAction Action)
{
    public override string ToString() => $"{Index,3} {At.TotalSeconds,8:0.0} s  {Action}";
}
