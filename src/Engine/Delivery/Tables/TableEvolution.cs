using System.Collections.Immutable;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Delivery.Tables;

/// <summary>A change of a table's columns that a flow's rows need; the format knows more of it.</summary>
/// <param name="Changes">Each as messages say it: <c>adds column 'note' of type string</c>.</param>
internal abstract record TableEvolution(ImmutableArray<string> Changes);

/// <summary>Changes a table's columns for a flow, in a commit of its own that brings no snapshot.</summary>
internal static class TableEvolving
{
    private const int AttemptCountMax = 20;

    /// <summary>The table with the columns that the plan's rows need, as far as the plan allows a run to change them.</summary>
    /// <param name="seen">The table as it was looked at; it comes back where nothing has to change.</param>
    /// <exception cref="PipelineException">A column must not be added, or other commits always came first.</exception>
    public static async ValueTask<ITableVersion> EvolveAsync(IFlowTable table, ITableVersion seen, FlowName flow, TablePlan plan, IEngineLog log, CancellationToken cancellationToken)
    {
        var version = seen;
        for (var attempt = 1; version.FindEvolution(plan) is { } evolution; attempt++)
        {
            if (attempt > AttemptCountMax)
            {
                throw new PipelineException(FailureKind.Catalog, $"The columns of table {plan.Identifier} could not be changed for {flow} in {Quantity.Of(AttemptCountMax, "attempt")}: other commits always came first, or the catalog answers nothing.",
                    "Nothing was written. Look who commits to the table, and try again.");
            }
            var isDone = await table.TryEvolveAsync(version, evolution, cancellationToken);
            // Where nobody knows, the table tells: a change that stands is not found again.
            version = await table.LoadAsync(cancellationToken) ?? throw PipelineException.Refused($"Table {plan.Identifier} is gone: it was dropped or renamed while {flow} changed its columns.", "Find out who did that, and start again.");
            if (version.TableUuid != seen.TableUuid) throw PipelineException.Refused($"Table {plan.Identifier} was dropped and created again while {flow} changed its columns.", "Find out who did that, and start again.");
            if (isDone) log.Information("columns-changed", $"Table {plan.Identifier}, for {flow}: {string.Join("; ", evolution.Changes)}.", ("flow", flow.ToString()), ("table", plan.Identifier.ToString()));
        }
        return version;
    }
}
