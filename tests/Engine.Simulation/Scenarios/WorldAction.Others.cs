using Matih.Iceberg.Catalogs;

namespace Matih.Engine.Simulation.Scenarios;

/// <summary>What other engines and administrators do to tables, and accidents of brokers and stores.</summary>
internal abstract partial record WorldAction
{
    // Other engines

    /// <summary>Another engine appends data files with rows of its own.</summary>
    public sealed record AppendRows(string Table, int Count) : WorldAction;

    /// <summary>Another engine stages rows of its own (write, audit, publish): a snapshot that is not current.</summary>
    public sealed record StageRows(string Table, int Count) : WorldAction;

    /// <summary>A staged snapshot of <see cref="StageRows"/> is published.</summary>
    public sealed record PublishStaged(string Table, int Pick) : WorldAction;

    /// <summary>Somebody sets the table back by some steps, and later picks one of the snapshots beside its history.</summary>
    public sealed record CherryPick(string Table, int StepsBack, bool AppendsBetween, TimeSpan After, int Pick) : WorldAction;

    /// <summary>Another engine appends, appends again after that many more calls of a replica, and expires all but the newest snapshot at once.</summary>
    public sealed record ExpireUnderReader(string Table, int Replica, int AfterCalls) : WorldAction;

    // The table's shape

    /// <summary>A column that no pipeline knows is added.</summary>
    public sealed record AddColumn(string Table) : WorldAction;

    /// <summary>A column that the pipelines write is dropped, and one of the same name added: it has another id.</summary>
    public sealed record ReplaceColumn(string Table) : WorldAction;

    /// <summary>The table is partitioned in another way from now on.</summary>
    public sealed record ChangeSpec(string Table, int Choice) : WorldAction;

    /// <summary>The table's rows are to be sorted in another way from now on, or no longer.</summary>
    public sealed record ChangeOrder(string Table, int Choice) : WorldAction;

    public sealed record SetProperty(string Table, string Name, string Value) : WorldAction;

    /// <summary>All but the newest snapshot expire, and schemas and specs that nothing refers to leave the metadata.</summary>
    public sealed record ForgetShapes(string Table) : WorldAction;

    // Accidents

    /// <summary>The side file of a ledger is deleted, or holds what another one held.</summary>
    public sealed record LoseSideFile(string Table, int Pick, bool IsReplaced) : WorldAction;

    /// <summary>An unclean leader election: a partition loses that many of its last records; others take their offsets.</summary>
    public sealed record Truncate(string Topic, int Partition, int LostCount, int RefillCount, int Seed) : WorldAction;

    /// <summary>Once all is over, a run finds a warehouse in which tables are missing, or stand there empty and of another id.</summary>
    public sealed record HideTables(int Pipeline, int Choice, bool AreReplaced) : WorldAction;
}
