namespace Matih.Verification;

/// <summary>Data files of a snapshot, and the rows in them, as its manifests list them.</summary>
internal readonly record struct ListedTotals(long Files, long Rows);

/// <summary>Where the exact record of the table's files begins.</summary>
/// <param name="Snapshot">The snapshot whose list is taken as it is; null where the record goes back to the table's first snapshot.</param>
/// <param name="Listed">What that snapshot lists; null with it.</param>
internal sealed record ListingBegin(Iceberg.Snapshot? Snapshot, ListedTotals? Listed);
