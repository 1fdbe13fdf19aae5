using System.Globalization;
using Matih.Functions.TestHost.Storage;

namespace Matih.Functions.Demo;

/// <summary>What came of a demonstration.</summary>
/// <param name="Staging">Operations on the table's storage that one batch takes.</param>
/// <param name="Commit">Those that one commit takes, the look for what is staged among them.</param>
/// <param name="Hub">Operations of Durable Functions for one batch and its commit.</param>
/// <param name="Idle">Operations of a minute in which nothing came; null where none was waited for.</param>
internal sealed record DemoSummary(long ProducedCount, TableCount Table, string Verified, double Staging, double Commit, double Hub, StorageCounts? Idle)
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
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"storage operations per commit {Hub + Staging + Commit:0.#} (Durable Functions {Hub:0.#}, staging one batch of 4 partitions {Staging:0.#}, the commit {Commit:0.#})"));
        if (Idle is { } idle)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"storage operations per idle minute {idle.Total} (queues {idle.Queue}, tables {idle.Table}, blobs {idle.Blob})"));
    }
}
