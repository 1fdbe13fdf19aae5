using System.Globalization;
using Matih.Functions.TestHost.Storage;

namespace Matih.Functions.Demo;

/// <summary>Storage operations of one batch and its commit.</summary>
/// <param name="Loop">Of Durable Functions: the message, and a round of the loop.</param>
/// <param name="Polls">Of Durable Functions: looks into its queues, the more the longer a commit is waited for.</param>
/// <param name="Staging">On the table's storage, by the batch.</param>
/// <param name="Commit">On the table's storage, by the commit.</param>
internal sealed record CommitCost(double Loop, double Polls, double Staging, double Commit)
{
    public double Total => Loop + Polls + Staging + Commit;
}

/// <summary>Storage operations of a look of the timer.</summary>
/// <param name="Hub">Of Durable Functions: whether the loop runs, and how it ended.</param>
/// <param name="Table">On the table's storage: whether work is left.</param>
internal sealed record TickCost(double Hub, double Table);

/// <summary>What came of a demonstration.</summary>
/// <param name="Signal">Operations of Durable Functions for one message to a loop that waits, its polls of queues and what it does anyway left out.</param>
/// <param name="Awake">A look of the timer at a loop that runs.</param>
/// <param name="Asleep">A look of the timer at one that sleeps.</param>
/// <param name="Idle">Operations of a minute in which nothing came; null where none was waited for.</param>
internal sealed record DemoSummary(long ProducedCount, TableCount Table, string Verified, CommitCost Cost, double Signal, TickCost Awake, TickCost Asleep, StorageCounts? Idle)
{
    /// <summary>Null where the table holds exactly what was produced.</summary>
    public string? Disagreement =>
        Table.RowCount != ProducedCount || Table.DistinctCount != ProducedCount ? $"{ProducedCount} events were produced, but the table holds {Table.RowCount} rows with {Table.DistinctCount} different ids"
        : Verified != "proven" ? $"matih verify says {Verified}, not proven"
        : null;

    public void WriteTo(TextWriter output)
    {
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"produced {ProducedCount}"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"rows {Table.RowCount}"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"storage operations per commit {Cost.Total:0.#} (Durable Functions {Cost.Loop:0.#}, its polls of queues {Cost.Polls:0.#}, staging a batch of {DemoPipeline.PartitionCount} partitions {Cost.Staging:0.#}, the commit {Cost.Commit:0.#})"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"storage operations per signal {Signal:0.#}, so per round of the loop {Cost.Loop - Signal:0.#}"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"storage operations per timer tick {Awake.Hub:0.#} (the loop runs) or {Asleep.Hub + Asleep.Table:0.#} (it sleeps: Durable Functions {Asleep.Hub:0.#}, the table {Asleep.Table:0.#})"));
        if (Idle is { } idle)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"storage operations per idle minute {idle.Total} (queues {idle.Queue}, tables {idle.Table}, blobs {idle.Blob})"));
    }
}
