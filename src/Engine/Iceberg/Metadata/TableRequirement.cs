namespace Matih.Iceberg.Metadata;

/// <summary>What must hold of a table for a commit to be applied. The family is closed.</summary>
/// <remarks>Source: Apache Iceberg REST catalog API, TableRequirement.</remarks>
public abstract record TableRequirement
{
    private TableRequirement() { }

    /// <summary>The table must not exist.</summary>
    public sealed record AssertCreate : TableRequirement;

    public sealed record AssertTableUuid(string Uuid) : TableRequirement;

    /// <summary>The ref points at that snapshot; null: there is no such ref.</summary>
    public sealed record AssertRefSnapshotId(string Ref, SnapshotId? SnapshotId) : TableRequirement;

    public sealed record AssertLastAssignedFieldId(int FieldId) : TableRequirement;
    public sealed record AssertCurrentSchemaId(int SchemaId) : TableRequirement;
    public sealed record AssertLastAssignedPartitionId(int FieldId) : TableRequirement;
    public sealed record AssertDefaultSpecId(int SpecId) : TableRequirement;
    public sealed record AssertDefaultSortOrderId(int OrderId) : TableRequirement;

    /// <summary>What does not hold, expected against found; null where all is well.</summary>
    public string? Violation(TableMetadata? table)
    {
        if (this is AssertCreate) return table is null ? null : "the table exists already";
        if (table is null) return "the table is gone";
        return this switch
        {
            AssertTableUuid(var uuid) => Compare("table uuid", uuid, table.TableUuid),
            AssertRefSnapshotId(var name, var id) =>
                Compare($"snapshot of '{name}'", id?.ToString() ?? "none", table.Refs.TryGetValue(name, out var found) ? found.SnapshotId.ToString() : "none"),
            AssertLastAssignedFieldId(var id) => Compare("last column id", id, table.LastColumnId),
            AssertCurrentSchemaId(var id) => Compare("current schema id", id, table.CurrentSchemaId),
            AssertLastAssignedPartitionId(var id) => Compare("last partition field id", id, table.LastPartitionId),
            AssertDefaultSpecId(var id) => Compare("default partition spec id", id, table.DefaultSpecId),
            AssertDefaultSortOrderId(var id) => Compare("default sort order id", id, table.DefaultSortOrderId),
            _ => throw new InvalidOperationException($"Unknown requirement {this}."),
        };
    }

    private static string? Compare<T>(string what, T expected, T found) =>
        EqualityComparer<T>.Default.Equals(expected, found) ? null : $"{what}: expected {expected}, found {found}";
}
