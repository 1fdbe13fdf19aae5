using Matih.Delivery.Ledgers;
using Matih.Engine.Simulation.Processes;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Simulation.World;

/// <summary>A process's catalog of whatever kind. The world remembers which of its commits the process was answered for: a lost answer is none.</summary>
internal sealed class AnsweringCatalog(ICatalog catalog, SimulatedProcess process) : ICatalog
{
    public string Name => catalog.Name;

    public ValueTask<Table?> LoadAsync(TableIdentifier identifier, CancellationToken cancellationToken) => catalog.LoadAsync(identifier, cancellationToken);

    public ValueTask<(Table Table, bool IsCreated)> CreateAsync(TableIdentifier identifier, NewTable table, CancellationToken cancellationToken) =>
        catalog.CreateAsync(identifier, table, cancellationToken);

    public async ValueTask<CommitResult> CommitAsync(
        Table baseTable, IReadOnlyList<TableRequirement> requirements, IReadOnlyList<TableUpdate> updates, CancellationToken cancellationToken)
    {
        var result = await catalog.CommitAsync(baseTable, requirements, updates, cancellationToken);
        if (result is not CommitResult.Committed) return result;
        foreach (var added in updates.OfType<TableUpdate.AddSnapshot>())
        {
            // Other ledgers in the snapshot are carried on, and are nobody's answer.
            var summary = added.Snapshot.Summary;
            if (summary.TryGetValue(LedgerKeys.Writer, out var writer) && summary.TryGetValue(LedgerKeys.Property(writer), out var ledger)) process.NoteTold(LedgerFormat.ReadCommit(ledger));
        }
        return result;
    }
}
