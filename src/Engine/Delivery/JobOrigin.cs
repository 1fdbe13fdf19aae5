using Matih.Flink;

namespace Matih.Delivery;

/// <summary>What a Flink job continues from, in the place of the positions of a ledger.</summary>
/// <param name="Place">The savepoint or checkpoint, as Flink names its place.</param>
/// <param name="Job">The job that made it; null where that is not known.</param>
/// <param name="Savepoint">What it says; null where nobody can read it here, or the job that runs was stopped with it just now.</param>
public sealed record JobOrigin(string Place, string? Job, Savepoint? Savepoint);
