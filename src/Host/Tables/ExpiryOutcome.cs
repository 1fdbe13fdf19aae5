using System.Text.Json;
using Matih.Maintenance;

namespace Matih.Host.Tables;

/// <summary>What the expiry of snapshots did to a table, or would do.</summary>
internal sealed class ExpiryOutcome(ExpiryReport report, bool isDryRun) : IMaintenanceOutcome
{
    public bool IsComplete => report.Undeleted.Count == 0;

    private IReadOnlyList<MaintenanceFile> Files
    {
        get
        {
            var reasons = report.Undeleted.ToDictionary(entry => entry.File, entry => entry.Reason);
            return [.. report.Files.OrderBy(file => file.Kind).Select(file => new MaintenanceFile(Word(file.Kind), file.Path, file.LengthBytes, reasons.GetValueOrDefault(file)))];
        }
    }

    public void WriteText(TextWriter output)
    {
        var (count, of) = (report.Expired.Length, Quantity.Of(report.SnapshotCount, "snapshot"));
        output.WriteLine(count == 0 ? $"{report.Table}: none of {of} is past the table's retention."
            : isDryRun ? $"{report.Table}: {Quantity.Count(count)} of {of} would expire."
            : $"{report.Table}: {Quantity.Count(count)} of {of} expired.");
        if (report.HeldForLedgers != 0) output.WriteLine($"  {Quantity.Of(report.HeldForLedgers, "snapshot")} past the retention {(report.HeldForLedgers == 1 ? "stays" : "stay")}: pipelines find where they stand, and Flink jobs their last commit, through {(report.HeldForLedgers == 1 ? "it" : "them")}.");
        if (!report.ExpiredRefs.IsEmpty) output.WriteLine($"  {(isDryRun ? "Branches and tags that would go" : "Branches and tags that went")}: {string.Join(", ", report.ExpiredRefs)}");
        MaintenanceFiles.WriteText(Files, isDryRun, output);
    }

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteNumber("snapshots", report.SnapshotCount);
        json.WriteNumber("held_for_ledgers", report.HeldForLedgers);
        json.WriteStartArray("expired_snapshots");
        foreach (var id in report.Expired) json.WriteStringValue(id.ToString());
        json.WriteEndArray();
        json.WriteStartArray("expired_refs");
        foreach (var name in report.ExpiredRefs) json.WriteStringValue(name);
        json.WriteEndArray();
        MaintenanceFiles.WriteJson(Files, json);
    }

    private static string Word(TableFileKind kind) => kind switch
    {
        TableFileKind.Data => "data files",
        TableFileKind.Manifest => "manifests",
        TableFileKind.ManifestList => "manifest lists",
        _ => "statistics",
    };
}
