using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Delivery.Opening;

/// <summary>
/// No ledger in the table, but the consumer group remembers that this flow wrote one: the table was dropped and created
/// again, and starting at <c>latest</c> would lose everything since. The mark is a tripwire, never a position.
/// </summary>
/// <param name="wayOut">What a person does who wants the new table.</param>
internal sealed class MarkCheck(FlowContext flow, IGroupOffsets groupOffsets, TableLedger ledgers, string wayOut = "start over with --reset")
{
    /// <summary>Whether the group remembers nothing that the table lacks.</summary>
    /// <param name="table">The table without a ledger of the flow; null where there is none.</param>
    /// <returns>False where another process has begun the flow in the meantime, so that the table has to be looked at again.</returns>
    public async ValueTask<bool> HasNoneAsync(ITableVersion? table, CancellationToken cancellationToken)
    {
        if (GroupMarks.Find(await ReadMarkAsync(cancellationToken), flow.Name) is not { } mark) return true;
        // A mark is stored after the ledger that it goes with: one that was not there a moment ago is there now.
        if (await ledgers.LoadAsync(cancellationToken) is { } now && (await ledgers.ReadAsync(now, cancellationToken)).Finding is not LineageFinding.Absent { HasTag: false }) return false;
        throw PipelineException.Refused(
            $"The consumer group remembers that {flow.Name} wrote to table {mark.TableUuid}, but table {flow.Plan.Table.Identifier} {(table is null ? "does not exist" : "holds no ledger of it")}: it was dropped or created again, or the warehouse is another one.",
            $"Point the pipeline at the right warehouse, or {wayOut}.");
    }

    private async ValueTask<string?> ReadMarkAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await groupOffsets.ReadGroupMarkAsync(cancellationToken);
        }
        catch (SourceException e) when (e.Kind == SourceErrorKind.Authorization)
        {
            flow.Log.Warning("group-unreadable", $"The consumer group's offsets may not be read ({e.Message}), so it cannot be noticed if the table was dropped and created again.");
            return null;
        }
    }
}
