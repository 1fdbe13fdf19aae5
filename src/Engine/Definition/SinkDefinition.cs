using System.Collections.Immutable;

namespace Matih.Definition;

/// <summary>What a row does to the table.</summary>
public enum SinkMode
{
    /// <summary>It is added.</summary>
    Append,
    /// <summary>It takes the place of the row with the same key. Only Flink runs it.</summary>
    Upsert,
}

/// <summary>An Iceberg table to write.</summary>
public sealed record SinkDefinition
{
    public required string Name { get; init; }

    /// <summary>The source or transformation whose rows are written.</summary>
    public required string Input { get; init; }

    public required CatalogDefinition Catalog { get; init; }

    /// <summary>The table within <see cref="Catalog"/>.</summary>
    public required TableName Table { get; init; }

    public required SinkMode Mode { get; init; }

    /// <summary>The columns that identify a row, for upsert; else empty.</summary>
    public ImmutableArray<string> Key { get; init; } = [];

    /// <summary>In order; empty for an unpartitioned table.</summary>
    public required ImmutableArray<PartitionDefinition> PartitionBy { get; init; }

    /// <summary>Table properties, set when the table is created.</summary>
    public required ImmutableSortedDictionary<string, string> Properties { get; init; }

    /// <summary>Where each of <see cref="Properties"/> stands.</summary>
    public ImmutableDictionary<string, PropertyPlace> PropertyPlaces { get; init; } = ImmutableDictionary<string, PropertyPlace>.Empty;

    /// <summary>Whether a missing table is created. Default true.</summary>
    public required bool CreatesTable { get; init; }

    /// <summary>The branch of the table that is written. Default main.</summary>
    public string Branch { get; init; } = "main";

    /// <summary>What each commit says of itself in the snapshot's summary, besides the ledger.</summary>
    public ImmutableSortedDictionary<string, string> SnapshotProperties { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>What a run may change in the columns of a table that exists.</summary>
    public SchemaEvolutionMode SchemaEvolution { get; init; }

    /// <summary>Length at which a data file is closed; null takes the table's own setting.</summary>
    public required long? TargetFileBytes { get; init; }

    /// <summary>How the table is kept fast.</summary>
    public MaintenanceDefinition Maintenance { get; init; } = MaintenanceDefinition.Default;

    public required DefinitionPosition Position { get; init; }

    /// <summary>Where the table's name stands, for errors about the table.</summary>
    public required DefinitionPosition TablePosition { get; init; }
}
