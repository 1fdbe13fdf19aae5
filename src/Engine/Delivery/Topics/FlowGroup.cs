using Matih.Delivery.Ledgers;
using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Delivery.Topics;

/// <summary>
/// A flow's part of its consumer group: positions for dashboards, and the mark that trips over a table which was created
/// again. Best effort: a run warns once, however many sessions it has, that they cannot be stored.
/// </summary>
internal sealed class FlowGroup(FlowContext flow, IRecordSource source, GroupMarks marks)
{
    private bool _hasWarned;

    /// <summary>Stores where the flow stands.</summary>
    public async ValueTask StoreAsync(string tableUuid, SourceLedger ledger, CancellationToken cancellationToken)
    {
        if (await marks.StoreAsync(new GroupMark(flow.Name, tableUuid), source, ledger, cancellationToken) is not { } reason || _hasWarned) return;
        _hasWarned = true;
        flow.Log.Warning("group-offsets-unavailable",
            $"Flow {flow.Name}: consumer-group offsets could not be stored ({reason.TrimEnd('.')}). Dashboards that show lag by group will not see progress, and it will not be noticed if the table is dropped and created again between two runs. The table's ledger is the position; nothing is lost.");
    }

    /// <summary>Stores the mark again where another process has overwritten it.</summary>
    public ValueTask RenewAsync(SourceLedger ledger, CancellationToken cancellationToken) => marks.RenewAsync(flow.Name, source, ledger, flow.Log, cancellationToken);
}
