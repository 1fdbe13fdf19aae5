using System.Text.Json;

namespace Matih.Iceberg.Metadata;

/// <summary>The row ids that a snapshot gave out: those of the rows that it added, and some of which no row has.</summary>
/// <param name="First">The table's next id before the snapshot.</param>
/// <param name="Count">How far it moved the table's next id.</param>
/// <remarks>Source: Apache Iceberg table spec, "Snapshot Row IDs"; <c>first-row-id</c> and <c>added-rows</c>.</remarks>
public readonly record struct SnapshotRowIds(long First, long Count);

/// <summary>The state of a table at some time. Immutable; the summary is parsed when first asked for.</summary>
public sealed class Snapshot
{
    private IReadOnlyDictionary<string, string>? _summary;

    public Snapshot(
        SnapshotId id,
        SnapshotId? parentId,
        long sequenceNumber,
        long timestampMillis,
        string manifestList,
        IReadOnlyDictionary<string, string> summary,
        int? schemaId,
        SnapshotRowIds? rowIds = null)
    {
        Id = id;
        ParentId = parentId;
        SequenceNumber = sequenceNumber;
        TimestampMillis = timestampMillis;
        ManifestList = manifestList;
        SchemaId = schemaId;
        RowIds = rowIds;
        _summary = summary;
        Source = SnapshotJson.Write(this);
    }

    /// <param name="source">The element's text, which is kept.</param>
    internal Snapshot(JsonElement json, ReadOnlyMemory<byte> source)
    {
        Id = new(json.GetProperty("snapshot-id").GetInt64());
        ParentId = SnapshotJson.OptionalId(json, "parent-snapshot-id");
        SequenceNumber = json.TryGetProperty("sequence-number", out var sequence) ? sequence.GetInt64() : 0;
        TimestampMillis = json.GetProperty("timestamp-ms").GetInt64();
        ManifestList = json.TryGetProperty("manifest-list", out var list) ? list.GetString() : null;
        SchemaId = json.TryGetProperty("schema-id", out var schema) && schema.ValueKind == JsonValueKind.Number ? schema.GetInt32() : null;
        RowIds = SnapshotJson.OptionalLong(json, "first-row-id") is { } first ? new(first, SnapshotJson.OptionalLong(json, "added-rows") ?? 0) : null;
        Source = source;
    }

    public SnapshotId Id { get; }

    /// <summary>Null for the first snapshot, and where an engine took it out at expiry; may name one that has expired.</summary>
    public SnapshotId? ParentId { get; }

    /// <summary>Rises with every commit; 0 in version 1 tables.</summary>
    public long SequenceNumber { get; }

    /// <summary>When it was made, milliseconds since 1970 UTC.</summary>
    public long TimestampMillis { get; }

    /// <summary>Null only in old version 1 tables, which list their manifests in the metadata instead.</summary>
    public string? ManifestList { get; }

    /// <summary>The table's schema when it was made; null where the writer did not say.</summary>
    public int? SchemaId { get; }

    /// <summary>Null for snapshots from before the table was of version 3.</summary>
    public SnapshotRowIds? RowIds { get; }

    /// <summary>What the commit said about itself, in the writer's order: <c>operation</c>, totals, and any writer's own keys.</summary>
    public IReadOnlyDictionary<string, string> Summary => _summary ??= SnapshotJson.ReadSummary(Source);

    /// <summary><c>append</c>, <c>replace</c>, <c>overwrite</c> or <c>delete</c>; empty where the writer did not say.</summary>
    public string Operation => Summary.GetValueOrDefault("operation", "");

    internal ReadOnlyMemory<byte> Source { get; }
}

/// <summary>What a name in a table's refs stands for.</summary>
public enum SnapshotRefKind { Branch, Tag }

/// <summary>A named snapshot. Retention fields that are null leave the decision to the table's properties.</summary>
/// <param name="MaxRefAgeMillis">How long the ref itself is kept; <see cref="long.MaxValue"/> keeps it against any table-wide limit.</param>
public sealed record SnapshotRef(
    SnapshotId SnapshotId,
    SnapshotRefKind Kind,
    int? MinSnapshotsToKeep = null,
    long? MaxSnapshotAgeMillis = null,
    long? MaxRefAgeMillis = null)
{
    public const string Main = "main";

    /// <summary>A new branch: <c>main</c>, which nothing removes, or one that no retention setting of the table removes.</summary>
    public static SnapshotRef NewBranch(string name, SnapshotId snapshotId) => new(snapshotId, SnapshotRefKind.Branch, MaxRefAgeMillis: name == Main ? null : long.MaxValue);

    /// <summary>A tag that no retention setting of the table removes.</summary>
    public static SnapshotRef LastingTag(SnapshotId snapshotId) => new(snapshotId, SnapshotRefKind.Tag, MaxRefAgeMillis: long.MaxValue);
}
