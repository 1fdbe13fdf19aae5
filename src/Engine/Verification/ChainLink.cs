using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Iceberg.Metadata;
using Matih.Planning;

namespace Matih.Verification;

/// <summary>One commit of the flow, as the table's history holds it.</summary>
/// <param name="Ledger">Its ledger; without positions where <paramref name="HasPositions"/> is false.</param>
/// <param name="Snapshot">The snapshot that it made; null where only another flow's copy of the ledger is left.</param>
/// <param name="Writer">Whose name it carries: the flow's, or that of a pipeline whose ledger the flow took over.</param>
/// <param name="HasPositions">False where the side file that holds the positions is gone or altered.</param>
/// <param name="Adopts">The flow whose ledger this commit took over; null for most.</param>
internal sealed record ChainLink(Ledger Ledger, Snapshot? Snapshot, FlowName Writer, bool HasPositions, FlowName? Adopts)
{
    /// <summary>How messages name it.</summary>
    public string Name => Snapshot is null
        ? $"commit {Ledger.Commit} of {Writer} (a copy carried forward)"
        : $"commit {Ledger.Commit} of {Writer} (snapshot {Snapshot.Id}, {At})";

    private string At => DateTimeOffset.FromUnixTimeMilliseconds(Ledger.WrittenAtMillis).ToString("yyyy-MM-dd HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Commits whose files this one took out of the table, because it read their records again.</summary>
    public ImmutableArray<CommitId> Replaces => Ledger.Replay?.Commits ?? [];

    /// <summary>The same without what only the comparison with its neighbours needs: a long history must not fill the memory.</summary>
    public ChainLink WithoutPositions() => this with { Ledger = Ledger with { Sources = [], Lost = [], Skipped = null } };
}
