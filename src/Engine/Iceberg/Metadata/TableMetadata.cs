using System.Collections.Immutable;

namespace Matih.Iceberg.Metadata;

/// <summary>An earlier metadata file, and when it was written.</summary>
public readonly record struct MetadataLogEntry(long TimestampMillis, string MetadataFile);

/// <summary>A statistics entry, kept as written, and the snapshot that it goes with.</summary>
internal readonly record struct StatisticsEntry(SnapshotId? SnapshotId, byte[] Source);

/// <summary>A JSON member, kept as written.</summary>
internal readonly record struct JsonMember(string Name, byte[] Value);

/// <summary>
/// All that a table's metadata file says. Immutable: changes give a new one (<see cref="TableUpdates.Apply"/>). What this
/// build does not know is kept and written back.
/// </summary>
/// <remarks>Source: Apache Iceberg table spec, "Table Metadata"; versions 1 to 3.</remarks>
public sealed record TableMetadata
{
    /// <summary>The version of new tables where nobody asks for another: every engine in use writes it.</summary>
    public const int FormatVersionDefault = 2;

    internal const int FormatVersionMax = 3;

    /// <summary>From this version on snapshots and files have sequence numbers.</summary>
    internal const int SequenceNumbersFormatVersion = 2;

    /// <summary>From this version on each row has an id.</summary>
    internal const int RowIdsFormatVersion = 3;

    /// <summary>From here on columns of nanoseconds exist (table spec, "Primitive Types").</summary>
    internal const int NanosecondsFormatVersion = 3;

    public required int FormatVersion { get; init; }

    /// <summary>The table's identity, as written; empty in version 1 tables that have none.</summary>
    public required string TableUuid { get; init; }

    /// <summary>The table's folder, as written.</summary>
    public required string Location { get; init; }

    /// <summary>The table's folder, without a slash at the end.</summary>
    internal string Folder => Location.TrimEnd('/');

    /// <summary>0 in version 1 tables.</summary>
    public long LastSequenceNumber { get; init; }

    /// <summary>Above all row ids that were given out; the first id of the next snapshot. 0 below version 3.</summary>
    public long NextRowId { get; init; }

    public bool HasSequenceNumbers => FormatVersion >= SequenceNumbersFormatVersion;

    public bool HasRowIds => FormatVersion >= RowIdsFormatVersion;

    /// <summary>What the next snapshot gets.</summary>
    internal long NextSequenceNumber => HasSequenceNumbers ? LastSequenceNumber + 1 : 0;

    /// <summary>Milliseconds since 1970 UTC.</summary>
    public required long LastUpdatedMillis { get; init; }

    public int LastColumnId { get; init; }
    public int CurrentSchemaId { get; init; }
    public ImmutableArray<Schema> Schemas { get; init; } = [];
    public int DefaultSpecId { get; init; }
    public ImmutableArray<PartitionSpec> PartitionSpecs { get; init; } = [];
    public int LastPartitionId { get; init; }
    public int DefaultSortOrderId { get; init; }
    public ImmutableArray<SortOrder> SortOrders { get; init; } = [];

    /// <summary>The order that new files should have; <see cref="SortOrder.Unsorted"/> where the table names none that it has.</summary>
    public SortOrder DefaultSortOrder => SortOrders.FirstOrDefault(order => order.OrderId == DefaultSortOrderId) ?? SortOrder.Unsorted;

    public ImmutableSortedDictionary<string, string> Properties { get; init; } = EmptyProperties;

    /// <summary>Null for a table without a snapshot.</summary>
    public SnapshotId? CurrentSnapshotId { get; init; }

    public SnapshotList Snapshots { get; init; } = [];
    public SnapshotLog SnapshotLog { get; init; } = [];

    /// <summary>Earlier metadata files, oldest first.</summary>
    public ImmutableArray<MetadataLogEntry> MetadataLog { get; init; } = [];

    public ImmutableSortedDictionary<string, SnapshotRef> Refs { get; init; } = ImmutableSortedDictionary.Create<string, SnapshotRef>(StringComparer.Ordinal);

    internal ImmutableArray<StatisticsEntry> Statistics { get; init; } = [];
    internal ImmutableArray<StatisticsEntry> PartitionStatistics { get; init; } = [];
    internal ImmutableArray<JsonMember> UnknownMembers { get; init; } = [];

    internal static ImmutableSortedDictionary<string, string> EmptyProperties { get; } = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    public Schema CurrentSchema => Schemas.First(schema => schema.SchemaId == CurrentSchemaId);

    public PartitionSpec DefaultSpec => PartitionSpecs.First(spec => spec.SpecId == DefaultSpecId);

    public Snapshot? CurrentSnapshot => CurrentSnapshotId is { } id ? FindSnapshot(id) : null;

    /// <summary>The newest snapshot of a branch. A branch that is not there begins at the current snapshot, as its first commit will stand on that.</summary>
    /// <remarks>Source: Apache Iceberg's reference implementation, <c>SnapshotUtil.latestSnapshot</c>.</remarks>
    public SnapshotId? FindHead(string branch) => branch != SnapshotRef.Main && Refs.TryGetValue(branch, out var found) ? found.SnapshotId : CurrentSnapshotId;

    /// <summary>The snapshot of that id, or null where the metadata no longer holds it.</summary>
    public Snapshot? FindSnapshot(SnapshotId id) => Snapshots.Find(id);

    public PartitionSpec? FindSpec(int specId) => PartitionSpecs.FirstOrDefault(spec => spec.SpecId == specId);

    /// <summary>The current snapshot and its ancestors, newest first, as far as this metadata holds them.</summary>
    public IEnumerable<Snapshot> Lineage() => Lineage(SnapshotRef.Main);

    /// <summary>The head of a branch and its ancestors, newest first, as far as this metadata holds them.</summary>
    public IEnumerable<Snapshot> Lineage(string branch)
    {
        var seen = new HashSet<SnapshotId>();
        for (var snapshot = FindHead(branch) is { } head ? FindSnapshot(head) : null; snapshot is not null && seen.Add(snapshot.Id);)
        {
            yield return snapshot;
            snapshot = snapshot.ParentId is { } parent ? FindSnapshot(parent) : null;
        }
    }

    /// <summary>The time for the next commit: now, but later than anything the table holds, so that a clock that jumps back does no harm.</summary>
    public long NextTimestampMillis(DateTimeOffset now) => Math.Max(now.ToUnixTimeMilliseconds(), LastUpdatedMillis + 1);

    /// <summary>The result type of each partition field; null for one whose transform is unknown or whose column no schema holds.</summary>
    internal IcebergType?[] PartitionTypes(PartitionSpec spec) => [.. spec.Fields.Select(field =>
        FindFieldInAnySchema(field.SourceId) is { } source ? field.Transform.ResultType(source.Type)
        : field.Transform is Transform.Bucket or Transform.Year or Transform.Month or Transform.Hour or Transform.Void ? new IcebergType.Int()
        : field.Transform is Transform.Day ? new IcebergType.Date()
        : null)];

    private NestedField? FindFieldInAnySchema(int fieldId) =>
        CurrentSchema.FindField(fieldId) ?? Schemas.Reverse().Select(schema => schema.FindField(fieldId)).FirstOrDefault(field => field is not null);
}
