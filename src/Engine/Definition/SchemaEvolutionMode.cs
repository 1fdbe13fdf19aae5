namespace Matih.Definition;

/// <summary>What a run may change in the columns of a table that does not fit the query.</summary>
public enum SchemaEvolutionMode
{
    /// <summary>Nothing: the run is refused.</summary>
    Strict,
    /// <summary>It adds columns, and fields of structs, that the query has and the table lacks.</summary>
    Add,
    /// <summary>It also widens types and makes columns optional, as far as Iceberg allows without rewriting data.</summary>
    Full,
}
