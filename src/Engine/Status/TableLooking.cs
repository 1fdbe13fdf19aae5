using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Opening;
using Matih.Delivery.Tables;
using Matih.Planning;

namespace Matih.Status;

/// <summary>A flow's table as one look found it.</summary>
/// <param name="Table">Null where there is none.</param>
/// <param name="Binding">Null where there is no table, or the query does not fit it as it is.</param>
/// <param name="Found">The flow's ledger, with the snapshot that carries it; null where the history shows none.</param>
/// <param name="Refusal">What a start would say of the table; null where it would go on.</param>
internal sealed record TableLook(ITableVersion? Table, TableBinding? Binding, FlowLedger? Found, FlowRefusal? Refusal)
{
    /// <summary>The flow's source as the ledger has it: by name, else the one of the same topic, which a start takes for the source renamed.</summary>
    public SourceLedger? SourceOf(FlowPlan plan) => Found?.Ledger is not { } ledger ? null
        : ledger.FindSource(plan.SourceName) ?? ledger.Sources.LastOrDefault(candidate => candidate.Topic == plan.Topic);
}

/// <summary>Looks at a flow's table as a start does, without Kafka and without changing anything.</summary>
internal sealed class TableLooking(FlowPlan plan, TableLedger ledgers)
{
    public async ValueTask<TableLook> LookAsync(CancellationToken cancellationToken)
    {
        if (await ledgers.LoadAsync(cancellationToken) is not { } table)
            return new TableLook(null, null, null, Refusing(() => TableCreation.RequireAllowed(ledgers.Table, plan.Table), cancellationToken));
        var reading = await ledgers.ReadAsync(table, cancellationToken);
        TableBinding? binding = null;
        var refusal = Refusing(() => binding = Bind(table), cancellationToken)
            ?? Refusing(() => OpeningDecision.Decide(plan, OpeningFacts.Of(ledgers, table, reading, plan.Name), OpenAnswers.None), cancellationToken);
        var found = reading.Finding is LineageFinding.Found nearest ? new FlowLedger(plan.Name, nearest.Ledger, nearest.SnapshotId) : null;
        return new TableLook(table, binding, found, refusal);
    }

    /// <summary>Null where a run would change the table's columns first.</summary>
    private TableBinding? Bind(ITableVersion table)
    {
        table.RequireFit(plan.Table);
        return table.FindEvolution(plan.Table) is null ? table.Bind(plan.Table) : null;
    }

    private FlowRefusal? Refusing(Action step, CancellationToken cancellationToken)
    {
        try
        {
            step();
            return null;
        }
        catch (Exception e) when (FlowFailure.Of(plan, e, cancellationToken) is { } failure && FlowRefusal.Of(failure) is { } refusal)
        {
            return refusal;
        }
    }
}
