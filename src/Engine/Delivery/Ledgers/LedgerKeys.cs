using Matih.Planning;

namespace Matih.Delivery.Ledgers;

/// <summary>The names under which a flow's ledger lives in a table.</summary>
internal static class LedgerKeys
{
    private const string LedgerPrefix = "matih.ledger.";

    private const string TakenOverPrefix = "matih.taken-over.";

    private const string FlinkJobPrefix = "matih.flink.";

    /// <summary>Summary property that says whose commit a snapshot is: <c>pipeline/sink</c>.</summary>
    public const string Writer = "matih.writer";

    /// <summary>
    /// What <see cref="Writer"/> says of a commit that maintains the table: no flow's, and yet it carries the ledgers of all. A
    /// flow's name has a slash.
    /// </summary>
    public const string MaintenanceWriter = "maintenance";

    /// <summary>Summary property of every commit of our own maintenance, with what it did: <c>compaction</c>.</summary>
    public const string Maintenance = "matih.maintenance";

    /// <summary>
    /// Summary property of the commit that took another flow's ledger over, with that flow's name: further back its ledger
    /// no longer counts, neither for the flow itself nor to be copied forward.
    /// </summary>
    public const string Adopted = "matih.adopted";

    /// <summary>
    /// Summary property of a commit that a person's answer let stand on a history that had expired, and of every commit after
    /// it, with the id of the missing snapshot: that such a commit holds no ledger of a flow does not prove that there is none.
    /// </summary>
    public const string Unproven = "matih.unproven";

    /// <summary>
    /// Table property that says which Flink job was last given the flow's records to write. It counts as long as the flow has no
    /// ledger: Flink's commits carry none, and a run that knew nothing of them would write every row a second time.
    /// </summary>
    public static string FlinkJob(FlowName flow) => $"{FlinkJobPrefix}{flow}";

    /// <summary>Whether a table property is one of <see cref="FlinkJob"/>, of whatever flow.</summary>
    public static bool IsFlinkJob(string property) => property.StartsWith(FlinkJobPrefix, StringComparison.Ordinal);

    /// <summary>Table property beside <see cref="FlinkJob"/>, for statements that only Flink runs: see <see cref="DeployedStatements"/>.</summary>
    public static string FlinkStatements(FlowName flow) => $"matih.flink-statements.{flow}";

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

    /// <summary>
    /// Summary property with which the taker's commit, and every commit after it, says who took a flow's ledger over: the
    /// taker's name. It stands where the ledger stood, and ends when the flow has a ledger of its own again.
    /// </summary>
    public static string TakenOver(FlowName flow) => $"{TakenOverPrefix}{flow}";

    /// <summary>
    /// The flow that a property is about which every commit of ours copies forward: its ledger, or who took it over. Null for
    /// every other property.
    /// </summary>
    public static FlowName? CarriedFlowOf(string property) =>
        IsLedger(property) ? FlowOf(property)
        : property.StartsWith(TakenOverPrefix, StringComparison.Ordinal) ? Parse(property[TakenOverPrefix.Length..])
        : null;

    /// <summary>Which flows' ledgers were taken over, and by whom, according to properties that are carried forward.</summary>
    public static IEnumerable<(FlowName Flow, FlowName Taker)> TakersIn(IEnumerable<KeyValuePair<string, string>> properties)
    {
        foreach (var (key, taker) in properties)
            if (key.StartsWith(TakenOverPrefix, StringComparison.Ordinal)) yield return (Parse(key[TakenOverPrefix.Length..]), Parse(taker));
    }

    /// <summary>The flow of a name as <see cref="Writer"/> has it.</summary>
    public static FlowName Parse(string flow) => FlowOf(Property(flow));

    /// <summary>The ledger property that the commit of a snapshot's summary took over, or null.</summary>
    public static string? AdoptedBy(IReadOnlyDictionary<string, string> summary) =>
        summary.TryGetValue(Adopted, out var flow) ? $"{LedgerPrefix}{flow}" : null;

    /// <summary>The tag that pins the flow's newest snapshot against expiry.</summary>
    public static string Tag(FlowName flow) => $"{TagPrefix}{flow.Pipeline}-{flow.Sink}";

    /// <summary>Whether a flow's tag may have that name.</summary>
    public static bool IsTag(string name) => name.StartsWith(TagPrefix, StringComparison.Ordinal);

    private const string TagPrefix = "matih-";
}
