using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Matih.Iceberg.Metadata;

/// <summary>Snapshots and refs as JSON.</summary>
/// <remarks>Source: Apache Iceberg table spec, Appendix C, "Table Metadata and Snapshots".</remarks>
internal static class SnapshotJson
{
    /// <summary>Escapes what JSON wants escaped. The default also escapes each quotation mark within a ledger to six letters, for the sake of web pages.</summary>
    public static JsonWriterOptions Options { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Ids below 0 stand for "none" in metadata of early writers.</summary>
    public static SnapshotId? OptionalId(JsonElement json, string name) =>
        json.TryGetProperty(name, out var id) && id.ValueKind == JsonValueKind.Number && id.GetInt64() >= 0 ? new(id.GetInt64()) : null;

    /// <exception cref="InvalidTableException">It is no text: this part of the metadata is read late.</exception>
    public static IReadOnlyDictionary<string, string> ReadSummary(ReadOnlyMemory<byte> snapshot)
    {
        try
        {
            using var document = JsonDocument.Parse(snapshot);
            var summary = new OrderedDictionary<string, string>(StringComparer.Ordinal);
            if (document.RootElement.TryGetProperty("summary", out var json) && json.ValueKind == JsonValueKind.Object)
                foreach (var property in json.EnumerateObject()) summary[property.Name] = Text(property.Value);
            return summary;
        }
        catch (InvalidOperationException exception)
        {
            throw new InvalidTableException($"The summary of a snapshot in the table's metadata is damaged: {exception.Message} Restore the metadata file, or roll back to the version before it.", exception);
        }
    }

    public static string Text(JsonElement json) => json.ValueKind == JsonValueKind.String ? json.GetString()! : json.GetRawText();

    public static byte[] Write(Snapshot snapshot)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            if (snapshot.SequenceNumber > 0) writer.WriteNumber("sequence-number", snapshot.SequenceNumber);
            writer.WriteNumber("snapshot-id", snapshot.Id.Value);
            if (snapshot.ParentId is { } parent) writer.WriteNumber("parent-snapshot-id", parent.Value);
            writer.WriteNumber("timestamp-ms", snapshot.TimestampMillis);
            writer.WriteStartObject("summary");
            foreach (var (key, value) in snapshot.Summary) writer.WriteString(key, value);
            writer.WriteEndObject();
            writer.WriteString("manifest-list", snapshot.ManifestList);
            if (snapshot.SchemaId is { } schemaId) writer.WriteNumber("schema-id", schemaId);
            if (snapshot.RowIds is { } rows)
            {
                writer.WriteNumber("first-row-id", rows.First);
                writer.WriteNumber("added-rows", rows.Count);
            }
            writer.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    public static SnapshotRef ReadRef(JsonElement json) => new(
        new(json.GetProperty("snapshot-id").GetInt64()),
        string.Equals(json.GetProperty("type").GetString(), "tag", StringComparison.OrdinalIgnoreCase) ? SnapshotRefKind.Tag : SnapshotRefKind.Branch,
        OptionalLong(json, "min-snapshots-to-keep") is { } count ? checked((int)count) : null,
        OptionalLong(json, "max-snapshot-age-ms"),
        OptionalLong(json, "max-ref-age-ms"));

    public static long? OptionalLong(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetInt64() : null;

    public static void WriteRef(Utf8JsonWriter writer, SnapshotRef value)
    {
        writer.WriteStartObject();
        WriteRefMembers(writer, value);
        writer.WriteEndObject();
    }

    public static void WriteRefMembers(Utf8JsonWriter writer, SnapshotRef value)
    {
        writer.WriteNumber("snapshot-id", value.SnapshotId.Value);
        writer.WriteString("type", value.Kind == SnapshotRefKind.Tag ? "tag" : "branch");
        if (value.MinSnapshotsToKeep is { } count) writer.WriteNumber("min-snapshots-to-keep", count);
        if (value.MaxSnapshotAgeMillis is { } snapshotAge) writer.WriteNumber("max-snapshot-age-ms", snapshotAge);
        if (value.MaxRefAgeMillis is { } refAge) writer.WriteNumber("max-ref-age-ms", refAge);
    }
}
