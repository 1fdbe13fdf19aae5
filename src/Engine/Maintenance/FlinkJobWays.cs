using Matih.Delivery.Ledgers;
using Matih.Delivery.Opening;
using Matih.Iceberg.Metadata;

namespace Matih.Maintenance;

/// <summary>
/// The snapshots that Flink jobs which write a table need to start again. A job that starts from a checkpoint or savepoint walks
/// from parent to parent to its newest commit, which says how much of its state is in the table. Without it the job commits files
/// again that are there already, and whose manifests are gone: it fails, each time, and nothing continues from that savepoint any more.
/// </summary>
internal static class FlinkJobWays
{
    /// <summary>
    /// From a branch's head back to the newest commit of each job that has a flow's records; where it has none, to that of
    /// the job whose savepoint it continues.
    /// </summary>
    public static IEnumerable<Snapshot> Of(TableMetadata metadata, string branch)
    {
        var line = metadata.Lineage(branch).ToList();
        return line.Take(Givens(metadata, line).Select(given => LengthOf(line, given)).DefaultIfEmpty(0).Max());
    }

    /// <summary>The newest commit of any pipeline has the ledgers of all; a flow that only Flink runs has a property of the table.</summary>
    private static IEnumerable<FlinkLedger.Given> Givens(TableMetadata metadata, List<Snapshot> line)
    {
        var ledgers = line.FirstOrDefault(snapshot => snapshot.Summary.ContainsKey(LedgerKeys.Writer))?.Summary.Where(entry => LedgerKeys.IsLedger(entry.Key)) ?? [];
        return ledgers.Select(entry => LedgerFormat.ReadHead(entry.Value)?.Flink).OfType<FlinkLedger.Given>()
            .Concat(metadata.Properties.Where(entry => LedgerKeys.IsFlinkJob(entry.Key)).Select(entry => new FlinkLedger.Given(entry.Value)));
    }

    private static int LengthOf(List<Snapshot> line, FlinkLedger.Given given)
    {
        var own = NewestOf(line, job => job == given.Job);
        if (own == 0 && given.Before is { } before) own = NewestOf(line, job => job == before);
        // A property does not say which job came before, and what was given may have been committed in that one's name.
        return own != 0 ? own : NewestOf(line, _ => true);
    }

    /// <summary>How many snapshots lead to it, itself included; 0 where there is none.</summary>
    private static int NewestOf(List<Snapshot> line, Func<string, bool> isJob) =>
        1 + line.FindIndex(snapshot => FlinkCommit.JobOf(snapshot.Summary) is { } job && isJob(job));
}
