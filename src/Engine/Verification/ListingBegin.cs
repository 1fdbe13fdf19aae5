using Matih.Iceberg.Metadata;

namespace Matih.Verification;

/// <summary>Where the exact record of the table's files begins.</summary>
/// <param name="Snapshot">The snapshot whose list is taken as it is; null where the record goes back to the table's first snapshot.</param>
/// <param name="Listed">What that snapshot lists.</param>
internal sealed record ListingBegin(Snapshot? Snapshot, FileCounts Listed);
