using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Delivery.Committing;

/// <summary>
/// What a run has skipped, commit by commit: warns where most records of a commit were bad, once for each fault, and keeps
/// what they have in common for the end of the run. Used by the coordinator alone.
/// </summary>
internal sealed class RunSkips(FlowPlan plan, FlowProgress progress, IEngineLog log)
{
    /// <summary>A commit of fewer records says little; the end of the run counts them all the same.</summary>
    private const int RecordCountMin = 100;

    private readonly HashSet<string> _reported = new(StringComparer.Ordinal);
    private SkippedRecords _all = SkippedRecords.None;

    /// <summary>Takes note of what a commit skipped, once it stands.</summary>
    public void Note(Ledger ledger)
    {
        if (ledger.Skipped is not { } skipped) return;
        _all = SkippedRecords.Merge([_all, skipped.Records]);
        if (_all.Kinds is [var most, ..]) progress.NoteSkipReason(most.Describe());

        var books = ledger.Books;
        if (books.RecordCount < RecordCountMin || books.SkippedCount <= books.RecordCount / 2) return;
        if (skipped.Records.Kinds is not [var kind, ..] || !_reported.Add(kind.Text)) return;
        log.Warning("many-skipped",
            $"Flow {plan.Name}: {books.SkippedCount:N0} of the {books.RecordCount:N0} records of commit {ledger.Commit} were skipped. The most frequent reason, of {kind.RecordCount:N0} of them: {kind.Describe()}. They gave no rows: check the producer, the schema and the SQL. `matih table skipped {plan.Table.Identifier}` lists their offsets; `matih replay` reads them again once the definition fits.",
            ("flow", plan.Name.ToString()), ("commit", ledger.Commit.ToString()), ("records", books.RecordCount), ("skipped", books.SkippedCount), ("kind", kind.Text), ("kind_records", kind.RecordCount),
            ("topic", plan.Topic), ("partition", kind.Partition), ("offset", kind.Offset), ("example", kind.Example));
    }
}
