using System.Globalization;
using System.Text.Json;
using Matih.Delivery.Tables;
using Matih.Host.Output;
using Matih.Hosting;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;

namespace Matih.Host.Tables;

/// <summary>The snapshots that a table's metadata holds, oldest first.</summary>
internal static class SnapshotReport
{
    private static readonly (string Json, string Summary)[] Numbers =
    [
        ("added_records", "added-records"), ("added_data_files", "added-data-files"), ("added_bytes", "added-files-size"),
        ("total_records", "total-records"), ("total_data_files", "total-data-files"), ("total_delete_files", "total-delete-files"), ("total_bytes", "total-files-size"),
    ];

    public static void WriteText(Table table, TextWriter output)
    {
        var rows = new TextTable("", "snapshot", "time", "operation", "added rows#", "added files#", "rows#", "files#", "writer", "commit");
        foreach (var snapshot in table.Metadata.Snapshots)
        {
            rows.Add(
                snapshot.Id == table.Metadata.CurrentSnapshotId ? "*" : "", snapshot.Id.ToString(), Quantity.Instant(snapshot.TimestampMillis), snapshot.Operation,
                Show(snapshot, "added-records", "0"), Show(snapshot, "added-data-files", "0"), Show(snapshot, "total-records", "?"), Show(snapshot, "total-data-files", "?"),
                WriterOf(snapshot) ?? "", LedgerInspection.CommitOf(snapshot.Summary)?.ToString() ?? "");
        }
        rows.WriteTo(output);
    }

    public static void WriteJson(Table table, Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach (var snapshot in table.Metadata.Snapshots) WriteJson(snapshot, snapshot.Id == table.Metadata.CurrentSnapshotId, json);
        json.WriteEndArray();
    }

    public static void WriteJson(Snapshot snapshot, bool isCurrent, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteId("snapshot_id", snapshot.Id);
        json.WriteId("parent_id", snapshot.ParentId);
        json.WriteBoolean("is_current", isCurrent);
        json.WriteNumber("sequence_number", snapshot.SequenceNumber);
        json.WriteNumber("timestamp_ms", snapshot.TimestampMillis);
        json.WriteString("operation", snapshot.Operation);
        foreach (var (name, key) in Numbers)
            if (Number(snapshot, key) is { } number) json.WriteNumber(name, number);
        json.WriteString("writer", WriterOf(snapshot));
        json.WriteString("commit", LedgerInspection.CommitOf(snapshot.Summary)?.ToString());
        json.WriteEndObject();
    }

    public static long? Number(Snapshot snapshot, string name) =>
        snapshot.Summary.TryGetValue(name, out var text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string Show(Snapshot snapshot, string name, string missing) => Number(snapshot, name) is { } number ? Quantity.Count(number) : missing;

    /// <summary>The flow, for a commit of ours; else the engine, as far as it says who it is.</summary>
    private static string? WriterOf(Snapshot snapshot) =>
        snapshot.Summary.GetValueOrDefault("matih.writer") ?? snapshot.Summary.GetValueOrDefault("engine-name") ?? (snapshot.Summary.ContainsKey("spark.app.id") ? "spark" : null);
}
