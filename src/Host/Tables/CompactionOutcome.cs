using System.Text.Json;
using Matih.Host.Output;
using Matih.Maintenance.Compaction;

namespace Matih.Host.Tables;

/// <summary>What compaction did to a table, or would do.</summary>
internal sealed class CompactionOutcome(CompactionReport report, bool isDryRun) : IMaintenanceOutcome
{
    private const int ShownMax = 20;

    /// <summary>For a table whose rows this build cannot write: the other tasks do their work all the same.</summary>
    public static IMaintenanceOutcome Impossible(string reason) => new NotDone(reason);

    /// <summary>Groups that others changed meanwhile, or that this build cannot read, are as good as they were.</summary>
    public bool IsComplete => !report.IsDamaged;

    public void WriteText(TextWriter output)
    {
        var (files, of) = (report.Rewritten.Sum(group => (long)group.RemovedFileCount), $"{Quantity.Of(report.FileCount, "data file")}, {Quantity.Count(report.SmallFileCount)} of them small");
        output.WriteLine(files == 0 ? report.IsOnlyManifests ? $"{report.Table}: manifests {(isDryRun ? "would be" : "were")} put together; of {of}, none is worth rewriting." : $"{report.Table}: of {of}, none is worth rewriting."
            : isDryRun ? $"{report.Table}: {Quantity.Count(files)} of {of}, would be rewritten."
            : $"{report.Table}: {Quantity.Count(files)} of {of}, were put into {Quantity.Count(report.Rewritten.Sum(group => (long)group.AddedFileCount))}.");
        if (!report.Rewritten.IsEmpty)
        {
            var rows = isDryRun ? new TextTable("partition", "files#", "size#", "rows#") : new TextTable("partition", "files#", "size#", "rows#", "became#", "size#", "rows#");
            foreach (var group in report.Rewritten.Take(ShownMax))
            {
                string[] before = [group.Partition.Length == 0 ? "-" : group.Partition, Quantity.Count(group.RemovedFileCount), Quantity.Bytes(group.RemovedBytes), Quantity.Count(group.RemovedRowCount)];
                rows.Add(isDryRun ? before : [.. before, Quantity.Count(group.AddedFileCount), Quantity.Bytes(group.AddedBytes), Quantity.Count(group.AddedRowCount)]);
            }
            rows.WriteTo(output, "  ");
            if (report.Rewritten.Length > ShownMax) output.WriteLine($"  and {Quantity.Of(report.Rewritten.Length - ShownMax, "further group")}; --json lists all.");
        }
        foreach (var (partition, reason) in report.Skipped.Take(ShownMax)) output.WriteLine($"  Not rewritten{(partition.Length == 0 ? "" : $", {partition}")}: {reason}");
        if (report.Skipped.Length > ShownMax) output.WriteLine($"  and {Quantity.Of(report.Skipped.Length - ShownMax, "further group")} that stayed as they were; --json lists all.");
        if (report.LeftGroupCount != 0) output.WriteLine($"  {Quantity.Of(report.LeftGroupCount, "group")} of files {(report.LeftGroupCount == 1 ? "waits" : "wait")} for the next time, since the budget is used up.");
    }

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteNumber("data_files", report.FileCount);
        json.WriteNumber("small_data_files", report.SmallFileCount);
        json.WriteStartArray("rewritten");
        foreach (var group in report.Rewritten)
        {
            json.WriteStartObject();
            json.WriteString("partition", group.Partition);
            json.WriteNumber("removed_files", group.RemovedFileCount);
            json.WriteNumber("removed_bytes", group.RemovedBytes);
            json.WriteNumber("removed_rows", group.RemovedRowCount);
            if (!isDryRun)
            {
                json.WriteNumber("added_files", group.AddedFileCount);
                json.WriteNumber("added_bytes", group.AddedBytes);
                json.WriteNumber("added_rows", group.AddedRowCount);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("not_rewritten");
        foreach (var (partition, reason) in report.Skipped)
        {
            json.WriteStartObject();
            json.WriteString("partition", partition);
            json.WriteString("reason", reason);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNumber("groups_left", report.LeftGroupCount);
        json.WriteBoolean("only_manifests", report.IsOnlyManifests);
    }

    private sealed class NotDone(string reason) : IMaintenanceOutcome
    {
        public bool IsComplete => true;

        public void WriteText(TextWriter output) => output.WriteLine($"Not compacted: {reason}");

        public void WriteJson(Utf8JsonWriter json) => json.WriteString("not_possible", reason);
    }
}
