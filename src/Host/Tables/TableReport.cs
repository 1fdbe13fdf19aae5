using System.Globalization;
using System.Text.Json;
using Matih.Host.Output;
using Matih.Hosting;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Maintenance;

namespace Matih.Host.Tables;

/// <summary>What a table is: for people, and as JSON.</summary>
internal static class TableReport
{
    /// <param name="health">Null where the table's manifests cannot be read.</param>
    public static void WriteText(Table table, TableHealth? health, TextWriter output)
    {
        var metadata = table.Metadata;
        output.WriteLine($"table     {table.Identifier}");
        output.WriteLine($"location  {metadata.Location}");
        output.WriteLine($"metadata  {table.MetadataLocation}");
        output.WriteLine($"uuid      {metadata.TableUuid}");
        output.WriteLine($"format    version {metadata.FormatVersion}");
        if (metadata.CurrentSnapshot is not { } head) output.WriteLine("snapshot  none");
        else
        {
            output.WriteLine($"snapshot  {head.Id} ({head.Operation}, {Quantity.Instant(head.TimestampMillis)}), {Quantity.Count(metadata.Snapshots.Length)} in all");
            output.WriteLine($"holds     {Total(head, "total-records", "row")} in {Total(head, "total-data-files", "data file")} ({TotalBytes(head)}), {Total(head, "total-delete-files", "delete file")}");
        }
        if (health is not null) WriteHealth(health, output);
        output.WriteLine();
        var columns = new TextTable("id#", "column", "type", "null");
        foreach (var field in metadata.CurrentSchema.Fields)
            columns.Add(field.Id.ToString(CultureInfo.InvariantCulture), field.Name, field.Type.ToString(), field.IsRequired ? "required" : "optional");
        columns.WriteTo(output);
        output.WriteLine();
        var partitions = metadata.DefaultSpec.Fields.Select(field => $"{field.Name} = {field.Transform}({ColumnOf(metadata, field)})").ToArray();
        output.WriteLine($"partitioned by {(partitions.Length == 0 ? "nothing" : string.Join(", ", partitions))}");
        foreach (var (name, value) in metadata.Properties) output.WriteLine($"property {name} = {value}");
        foreach (var (name, target) in metadata.Refs) output.WriteLine($"{target.Kind.ToString().ToLowerInvariant()} {name} -> {target.SnapshotId}");
    }

    private static void WriteHealth(TableHealth health, TextWriter output)
    {
        output.WriteLine($"health    {Quantity.Count(health.SmallFileCount)} of {Quantity.Of(health.DataFileCount, "data file")} {(health.SmallFileCount == 1 ? "is" : "are")} small (below {Quantity.Bytes(health.SmallBytes)}); {Quantity.Of(health.ManifestCount, "manifest")}");
        output.WriteLine($"          oldest snapshot {(health.OldestSnapshotMillis is { } oldest ? Quantity.Instant(oldest) : "none")}, metadata {(health.MetadataBytes is { } bytes ? Quantity.Bytes(bytes) : "of unknown size")}");
        output.WriteLine(health.LastCompaction is { } last
            ? $"          last compaction {Quantity.Instant(last.TimestampMillis)}: {Total(last, "deleted-data-files", "file")} became {Quantity.Count(SnapshotReport.Number(last, "added-data-files") ?? 0)}"
            : "          never compacted by matih, as far as its history tells");
        foreach (var warning in health.Warnings()) output.WriteLine($"warning   {warning.Text}");
    }

    /// <param name="health">Null where the table's manifests cannot be read.</param>
    public static void WriteJson(Table table, TableHealth? health, Utf8JsonWriter json)
    {
        var metadata = table.Metadata;
        json.WriteStartObject();
        json.WriteString("table", table.Identifier.ToString());
        json.WriteString("location", metadata.Location);
        json.WriteString("metadata_location", table.MetadataLocation);
        json.WriteString("uuid", metadata.TableUuid);
        json.WriteNumber("format_version", metadata.FormatVersion);
        json.WriteNumber("snapshot_count", metadata.Snapshots.Length);
        json.WritePropertyName("current_snapshot");
        if (metadata.CurrentSnapshot is { } head) SnapshotReport.WriteJson(head, isCurrent: true, json);
        else json.WriteNullValue();
        json.WritePropertyName("health");
        WriteJson(health, json);
        json.WriteStartArray("columns");
        foreach (var field in metadata.CurrentSchema.Fields)
        {
            json.WriteStartObject();
            json.WriteNumber("id", field.Id);
            json.WriteString("name", field.Name);
            json.WriteString("type", field.Type.ToString());
            json.WriteBoolean("required", field.IsRequired);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("partition_by");
        foreach (var field in metadata.DefaultSpec.Fields)
        {
            json.WriteStartObject();
            json.WriteString("name", field.Name);
            json.WriteString("transform", field.Transform.ToString());
            json.WriteString("column", ColumnOf(metadata, field));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartObject("properties");
        foreach (var (name, value) in metadata.Properties) json.WriteString(name, value);
        json.WriteEndObject();
        json.WriteStartObject("refs");
        foreach (var (name, target) in metadata.Refs)
        {
            json.WriteStartObject(name);
            json.WriteString("kind", target.Kind.ToString().ToLowerInvariant());
            json.WriteId("snapshot_id", target.SnapshotId);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteJson(TableHealth? health, Utf8JsonWriter json)
    {
        if (health is null)
        {
            json.WriteNullValue();
            return;
        }
        json.WriteStartObject();
        json.WriteNumber("data_files", health.DataFileCount);
        json.WriteNumber("data_bytes", health.DataBytes);
        json.WriteNumber("small_data_files", health.SmallFileCount);
        json.WriteNumber("small_below_bytes", health.SmallBytes);
        json.WriteNumber("delete_files", health.DeleteFileCount);
        json.WriteNumber("manifests", health.ManifestCount);
        if (health.OldestSnapshotMillis is { } oldest) json.WriteString("oldest_snapshot", Quantity.Instant(oldest));
        else json.WriteNull("oldest_snapshot");
        if (health.MetadataBytes is { } bytes) json.WriteNumber("metadata_bytes", bytes);
        else json.WriteNull("metadata_bytes");
        if (health.LastCompaction is { } last) json.WriteString("last_compaction", Quantity.Instant(last.TimestampMillis));
        else json.WriteNull("last_compaction");
        json.WriteStartArray("warnings");
        foreach (var warning in health.Warnings())
        {
            json.WriteStartObject();
            json.WriteString("code", warning.Code);
            json.WriteString("text", warning.Text);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string ColumnOf(TableMetadata metadata, PartitionField field) =>
        metadata.CurrentSchema.FindField(field.SourceId)?.Name ?? $"field {field.SourceId.ToString(CultureInfo.InvariantCulture)}, dropped";

    private static string Total(Snapshot snapshot, string name, string noun) =>
        SnapshotReport.Number(snapshot, name) is { } number ? Quantity.Of(number, noun) : $"an unknown number of {noun}s";

    private static string TotalBytes(Snapshot snapshot) => SnapshotReport.Number(snapshot, "total-files-size") is { } bytes ? Quantity.Bytes(bytes) : "size unknown";
}
