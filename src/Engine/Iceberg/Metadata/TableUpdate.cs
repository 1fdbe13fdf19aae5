using System.Collections.Immutable;

namespace Matih.Iceberg.Metadata;

/// <summary>One change to a table's metadata. The family is closed; <see cref="TableUpdates.Apply"/> applies it.</summary>
/// <remarks>Source: Apache Iceberg REST catalog API, TableUpdate.</remarks>
public abstract record TableUpdate
{
    private TableUpdate() { }

    /// <summary>Stands for "the one added by this same commit" in updates that name a schema, spec or sort order.</summary>
    public const int LastAdded = -1;

    public sealed record AssignUuid(string Uuid) : TableUpdate;

    /// <summary>Adds columns; a schema equal to one that the table has is reused.</summary>
    public sealed record AddSchema(Schema Schema) : TableUpdate;

    public sealed record SetCurrentSchema(int SchemaId) : TableUpdate;
    public sealed record AddSpec(PartitionSpec Spec) : TableUpdate;
    public sealed record SetDefaultSpec(int SpecId) : TableUpdate;
    public sealed record AddSortOrder(SortOrder Order) : TableUpdate;
    public sealed record SetDefaultSortOrder(int OrderId) : TableUpdate;
    public sealed record AddSnapshot(Snapshot Snapshot) : TableUpdate;

    /// <summary>Creates or moves a ref; moving <c>main</c> changes the current snapshot.</summary>
    public sealed record SetSnapshotRef(string Name, SnapshotRef Ref) : TableUpdate;

    public sealed record RemoveSnapshotRef(string Name) : TableUpdate;

    /// <summary>Forgets snapshots, with refs and statistics that point at them.</summary>
    public sealed record RemoveSnapshots(ImmutableArray<SnapshotId> SnapshotIds) : TableUpdate;

    public sealed record SetProperties(ImmutableSortedDictionary<string, string> Updates) : TableUpdate;
    public sealed record RemoveProperties(ImmutableArray<string> Names) : TableUpdate;
}
