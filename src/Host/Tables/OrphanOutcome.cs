using System.Text.Json;
using Matih.Maintenance.Orphans;

namespace Matih.Host.Tables;

/// <summary>What the removal of orphan files did to a table, or would do.</summary>
internal sealed class OrphanOutcome(OrphanReport report, OrphanOptions options) : IMaintenanceOutcome
{
    public bool IsComplete => report.Undeleted.Count == 0;

    private IReadOnlyList<MaintenanceFile> Files
    {
        get
        {
            var reasons = report.Undeleted.ToDictionary(entry => entry.File, entry => entry.Reason);
            return [.. report.Files.OrderBy(file => file.Kind).Select(file => new MaintenanceFile(Word(file.Kind), file.Path, file.LengthBytes, reasons.GetValueOrDefault(file), report.At - file.LastModified))];
        }
    }

    public void WriteText(TextWriter output)
    {
        var of = $"of {Quantity.Of(report.ListedCount, "file")}";
        output.WriteLine(report.Files.Count == 0 ? $"{report.Table}: none {of} is an orphan that is more than {MaintenanceFiles.Days(options.OlderThan)}."
            : $"{report.Table}: {Quantity.Of(report.Files.Count, "orphan file")} {of} {(options.IsDryRun ? "would be deleted" : "deleted")} ({Quantity.Bytes(report.Files.Sum(file => file.LengthBytes))}, each more than {MaintenanceFiles.Days(options.OlderThan)}).");
        MaintenanceFiles.WriteText(Files, options.IsDryRun, output);
        foreach (var folder in report.OtherTables) output.WriteLine($"  Left out, since another table is there: {folder}");
        foreach (var folder in report.NotLooked) output.WriteLine($"  Not looked through, since it is outside of the table's location and others may write there: {folder}. --outside looks there too, where it is this table's alone.");
        if (report.KeptForFlinkCount != 0) output.WriteLine($"  {Quantity.Of(report.KeptForFlinkCount, "manifest")} of Flink jobs {(report.KeptForFlinkCount == 1 ? "stays, with its" : "stay, with their")} files: a job may commit them from a savepoint.");
        if (report.NamedElsewhereCount != 0) output.WriteLine($"  {Quantity.Of(report.NamedElsewhereCount, "file")} {(report.NamedElsewhereCount == 1 ? "stays" : "stay")}: the table names such a file by another way, a link or an access point.");
    }

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteNumber("listed", report.ListedCount);
        json.WriteNumber("older_than_s", (long)options.OlderThan.TotalSeconds);
        json.WriteNumber("bytes", report.Files.Sum(file => file.LengthBytes));
        WriteFolders(json, "folders", report.Folders);
        WriteFolders(json, "not_looked_through", report.NotLooked);
        WriteFolders(json, "other_tables", report.OtherTables);
        json.WriteNumber("kept_for_flink", report.KeptForFlinkCount);
        json.WriteNumber("named_elsewhere", report.NamedElsewhereCount);
        MaintenanceFiles.WriteJson(Files, json);
    }

    private static void WriteFolders(Utf8JsonWriter json, string name, IEnumerable<string> folders)
    {
        json.WriteStartArray(name);
        foreach (var folder in folders) json.WriteStringValue(folder);
        json.WriteEndArray();
    }

    private static string Word(OrphanKind kind) => kind switch
    {
        OrphanKind.Data => "data files",
        OrphanKind.Manifest => "manifests",
        OrphanKind.ManifestList => "manifest lists",
        OrphanKind.Statistics => "statistics",
        OrphanKind.Metadata => "metadata files",
        OrphanKind.Ledger => "side files of ledgers",
        OrphanKind.StagedRange => "staged ranges",
        OrphanKind.OldVersion => "old metadata versions",
        _ => "unfinished files",
    };
}
