namespace Matih.Delivery;

/// <summary>The names under which a flow's ledger lives in a table.</summary>
internal static class LedgerKeys
{
    private const string LedgerPrefix = "matih.ledger.";

    /// <summary>Summary property that says whose commit a snapshot is: <c>pipeline/sink</c>.</summary>
    public const string Writer = "matih.writer";

    /// <summary>
    /// Summary property of the commit that took another flow's ledger over, with that flow's name: further back its ledger
    /// no longer counts, neither for the flow itself nor to be copied forward.
    /// </summary>
    public const string Adopted = "matih.adopted";

    /// <summary>Summary property of a flow's ledger. Pipeline and sink names hold no slash, so that no two flows share one.</summary>
    public static string Property(FlowName flow) => Property(flow.ToString());

    /// <summary>The same for a flow's name as <see cref="Writer"/> has it.</summary>
    public static string Property(string flow) => LedgerPrefix + flow;

    public static bool IsLedger(string property) => property.StartsWith(LedgerPrefix, StringComparison.Ordinal);

    /// <summary>The flow that a ledger property belongs to.</summary>
    public static FlowName FlowOf(string property)
    {
        var name = property[LedgerPrefix.Length..];
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? new FlowName(name, "") : new FlowName(name[..slash], name[(slash + 1)..]);
    }

    /// <summary>The ledger property that a snapshot took over, or null.</summary>
    public static string? AdoptedBy(Iceberg.Snapshot snapshot) =>
        snapshot.Summary.TryGetValue(Adopted, out var flow) ? $"{LedgerPrefix}{flow}" : null;

    /// <summary>The tag that pins the flow's newest snapshot against expiry.</summary>
    public static string Tag(FlowName flow) => $"matih-{flow.Pipeline}-{flow.Sink}";
}
