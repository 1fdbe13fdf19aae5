using System.Text.Json;
using Matih.Host.Output;
using Matih.Maintenance;

namespace Matih.Host.Tables;

/// <summary>What the expiry of snapshots did to a table, or would do.</summary>
internal static class ExpiryText
{
    private const int FilesShownMax = 20;

    public static void WriteText(ExpiryReport report, bool isDryRun, TextWriter output)
    {
        var (count, of) = (report.Expired.Length, Quantity.Of(report.SnapshotCount, "snapshot"));
        output.WriteLine(count == 0 ? $"{report.Table}: none of {of} is past the table's retention."
            : isDryRun ? $"{report.Table}: {Quantity.Count(count)} of {of} would expire."
            : $"{report.Table}: {Quantity.Count(count)} of {of} expired.");
        if (report.HeldForLedgers != 0) output.WriteLine($"  {Quantity.Of(report.HeldForLedgers, "snapshot")} past the retention {(report.HeldForLedgers == 1 ? "stays" : "stay")}: pipelines find where they stand, and Flink jobs their last commit, through {(report.HeldForLedgers == 1 ? "it" : "them")}.");
        if (!report.ExpiredRefs.IsEmpty) output.WriteLine($"  {(isDryRun ? "Branches and tags that would go" : "Branches and tags that went")}: {string.Join(", ", report.ExpiredRefs)}");
        if (report.Files.Count != 0)
        {
            var rows = new TextTable(isDryRun ? "would be deleted" : "deleted", "files#", "size#");
            foreach (var kind in report.Files.GroupBy(file => file.Kind).OrderBy(kind => kind.Key))
                rows.Add(Word(kind.Key), Quantity.Count(kind.Count()), kind.All(file => file.LengthBytes is null) ? "?" : Quantity.Bytes(kind.Sum(file => file.LengthBytes ?? 0)));
            rows.WriteTo(output, "  ");
        }
        if (isDryRun)
        {
            foreach (var file in report.Files.Take(FilesShownMax)) output.WriteLine($"  {file.Path}");
            if (report.Files.Count > FilesShownMax) output.WriteLine($"  and {Quantity.Of(report.Files.Count - FilesShownMax, "further file")}; --json lists all.");
        }
        foreach (var (file, reason) in report.Undeleted.Take(FilesShownMax)) output.WriteLine($"  Not deleted: {file.Path}: {reason}");
        if (report.Undeleted.Count > FilesShownMax) output.WriteLine($"  and {Quantity.Of(report.Undeleted.Count - FilesShownMax, "further file")} that could not be deleted; --json lists all.");
    }

    public static void WriteJson(ExpiryReport report, bool isDryRun, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("table", report.Table.ToString());
        json.WriteBoolean("is_dry_run", isDryRun);
        json.WriteNumber("snapshots", report.SnapshotCount);
        json.WriteNumber("held_for_ledgers", report.HeldForLedgers);
        json.WriteStartArray("expired_snapshots");
        foreach (var id in report.Expired) json.WriteStringValue(id.ToString());
        json.WriteEndArray();
        json.WriteStartArray("expired_refs");
        foreach (var name in report.ExpiredRefs) json.WriteStringValue(name);
        json.WriteEndArray();
        json.WriteStartArray("files");
        var reasons = report.Undeleted.ToDictionary(entry => entry.File, entry => entry.Reason);
        foreach (var file in report.Files)
        {
            json.WriteStartObject();
            json.WriteString("kind", Word(file.Kind));
            json.WriteString("path", file.Path);
            if (file.LengthBytes is { } length) json.WriteNumber("bytes", length);
            else json.WriteNull("bytes");
            json.WriteString("not_deleted", reasons.GetValueOrDefault(file));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string Word(TableFileKind kind) => kind switch
    {
        TableFileKind.Data => "data files",
        TableFileKind.Manifest => "manifests",
        TableFileKind.ManifestList => "manifest lists",
        _ => "statistics",
    };
}
