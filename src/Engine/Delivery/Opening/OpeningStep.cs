using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;

namespace Matih.Delivery.Opening;

/// <summary>A flow ready to read: the table, the ledger that the next commit stands on, and where the source's partitions stand.</summary>
internal sealed record OpenedFlow(ITableVersion Table, TableBinding Binding, Ledger Ledger, WriterEpoch Epoch, int TakeoverCount, SourceLedger Source);

/// <summary>What an attempt to open a flow gave.</summary>
internal abstract record OpeningStep
{
    private OpeningStep() { }

    public sealed record Opened(OpenedFlow Flow) : OpeningStep;

    /// <summary>Another writer may be alive: whoever opens waits, and then asks again with the watch as it is after that.</summary>
    public sealed record StandBy(TakeoverWatch Watch, TimeSpan LookAgainAfter) : OpeningStep;
}
