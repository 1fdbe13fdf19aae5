using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Planning;

namespace Matih.Delivery.Opening;

/// <summary>What a table says about a flow that is to be opened, all of it of one state of the table.</summary>
/// <param name="TableUuid">The table.</param>
/// <param name="Reading">What its history says.</param>
/// <param name="Tagged">
/// The ledger that the flow's tag pins, without its positions; null where there is none. Generation, epoch and totals stand in the
/// tagged snapshot itself, so that a lost side file is in nobody's way.
/// </param>
/// <param name="HasTagText">Whether the tag pins a ledger at all, readable or not.</param>
/// <param name="GivenOut">The highest generation and epoch that were given out to the flow; null where nothing says.</param>
/// <param name="TagOwner">Another flow that the tag of that name belongs to.</param>
internal sealed record OpeningFacts(string TableUuid, InheritedLedgers Reading, Ledger? Tagged, bool HasTagText, Ledger? GivenOut, FlowName? TagOwner)
{
    /// <summary>The Flink job that was last given the flow's records to write; null where none was.</summary>
    public string? FlinkJob { get; init; }

    /// <param name="reading">What the table's history says.</param>
    public static OpeningFacts Of(TableLedger ledgers, ITableVersion table, InheritedLedgers reading, FlowName flow) => new(
        table.TableUuid, reading, ledgers.ReadHeadOfTag(table), ledgers.HasTagText(table), ledgers.ReadGivenOut(table), LedgerLineage.OwnerOfTag(table, flow))
    {
        FlinkJob = table.FindProperty(LedgerKeys.FlinkJob(flow)),
    };
}

/// <summary>On what ground a flow continues.</summary>
internal abstract record LedgerStanding
{
    private LedgerStanding() { }

    /// <summary>There is no ledger, and nothing says that there ever was one.</summary>
    public sealed record Start : LedgerStanding;

    public sealed record Resume(Ledger Found, bool IsRolledBack) : LedgerStanding;

    /// <summary>A person takes the tagged ledger although the history does not prove it.</summary>
    public sealed record AcceptTag(LineageFinding.Unproven Finding) : LedgerStanding;

    /// <summary>A person lets the flow take another flow's ledger over.</summary>
    /// <param name="Above">What generation and epoch must not lie below, where the flow had a ledger before.</param>
    public sealed record Adopt(FlowName From, Ledger? Above, bool IsRolledBack) : LedgerStanding;

    /// <summary>The records are taken back from the Flink job that they were given to.</summary>
    /// <param name="Found">What the history says; its ledger gives them to a job.</param>
    public sealed record TakeBack(LineageFinding.Found Found, FlinkEnd End) : LedgerStanding;

    /// <param name="Finding">What is left behind.</param>
    /// <param name="Old">The ledger that is left behind; null where there is none, or it cannot be read.</param>
    /// <param name="GivenOut">What the new generation and epoch must lie above, where there is no such ledger.</param>
    public sealed record Reset(LineageFinding Finding, Ledger? Old, Ledger? GivenOut) : LedgerStanding;
}

/// <summary>Decides, from what a table says and what a person answered, how a flow continues. Reads nothing and changes nothing.</summary>
internal static class OpeningDecision
{
    /// <exception cref="PipelineException">Continuing would lose or double records, or the answers do not fit what the table says.</exception>
    public static LedgerStanding Decide(FlowPlan plan, OpeningFacts facts, OpenAnswers answers)
    {
        var finding = facts.Reading.Finding;
        if (finding is LineageFinding.Unreadable unreadable)
        {
            return answers.Reset
                ? new LedgerStanding.Reset(unreadable, LedgerFormat.ReadHead(unreadable.Text), null)
                : throw PipelineException.Refused(unreadable.Message, unreadable.Remedy);
        }
        if (answers.Reset)
        {
            var old = finding is LineageFinding.Found { Ledger: var nearest } ? nearest.NotBelow(facts.GivenOut) : facts.Tagged;
            return new LedgerStanding.Reset(finding, old, finding is LineageFinding.TakenOver ? LedgerLineage.HighestOf(facts.Reading.Others) : facts.GivenOut);
        }
        if (answers.Flink is not null && finding is not LineageFinding.Found { Ledger.Flink: FlinkLedger.Given })
        {
            throw PipelineException.Refused(
                $"{(answers.Flink is FlinkEnd.WithSavepoint ? "--from-savepoint" : "--from-ended-job")} was given, but table {plan.Table.Identifier} holds no ledger of {plan.Name} that gives its records to a Flink job{(facts.FlinkJob is { } known ? $": the deployment of job {known} could not ask the brokers where it begins" : finding is LineageFinding.Found ? ": a run has taken them back already, or they never were" : "")}.",
                facts.FlinkJob is null ? "Leave it out." : "Deploy again with --replace, from a machine that reaches the brokers, then stop the job and start with its new savepoint.");
        }
        return finding switch
        {
            LineageFinding.Found found => Resume(plan, facts, answers, found),
            LineageFinding.Reapplied reapplied => throw Reapplied(plan, reapplied, plan.Name),
            LineageFinding.Unproven unproven => Unproven(plan, facts, answers, unproven),
            LineageFinding.Absent { HasTag: true } => RolledBack(plan, facts, answers),
            _ => Absent(plan, facts, answers),
        };
    }

    private static LedgerStanding Resume(FlowPlan plan, OpeningFacts facts, OpenAnswers answers, LineageFinding.Found found)
    {
        if (answers.Start is not null)
        {
            throw PipelineException.Refused($"--from {answers.Start} was given, but table {plan.Table.Identifier} already holds a ledger of {plan.Name} and resumes from it.",
                "Leave --from out; to start over at another place use --reset together with --from.");
        }
        if (AdoptionChoice.NotTaken(plan, answers.Adopt, facts.Reading) is { } still)
        {
            throw PipelineException.Refused(
                $"--adopt {answers.Adopt} was given, but table {plan.Table.Identifier} already holds a ledger of {plan.Name} and resumes from it: the ledger of {still} is not taken over.",
                $"To continue from the ledger of {plan.Name}, leave --adopt out. To take over that of {still}, give the pipeline a name of which the table holds no ledger.");
        }
        if (found.Ledger.TableUuid != facts.TableUuid)
        {
            throw PipelineException.Refused(
                $"Table {plan.Table.Identifier} (UUID {facts.TableUuid}) holds a ledger of {plan.Name} that was written to table {found.Ledger.TableUuid}: it is a copy of that table.",
                "Point the pipeline at the original table, or start over on the copy with --reset.");
        }
        if (answers.Flink is { } end) return new LedgerStanding.TakeBack(found, end);
        if (found.RollbackSeen && facts.Tagged?.Flink is FlinkLedger.Given later)
        {
            throw PipelineException.Refused(
                $"Table {plan.Table.Identifier} was rolled back to before {plan.Name} was given to Flink job {later.Job}, which may still write to it.",
                "Roll the table forward again and take the records back with --from-savepoint, or start over with --reset when the job has ended.");
        }
        return new LedgerStanding.Resume(found.RollbackSeen ? found.Ledger.NotBelow(facts.GivenOut) : found.Ledger, found.RollbackSeen);
    }

    private static LedgerStanding Unproven(FlowPlan plan, OpeningFacts facts, OpenAnswers answers, LineageFinding.Unproven unproven)
    {
        if (facts.Tagged is { } tagged && answers.AcceptedTags.Contains(tagged.Commit.Value)) return new LedgerStanding.AcceptTag(unproven);
        if (facts.Tagged is null && AdoptionChoice.Choose(plan, answers.Adopt, facts.Reading) is { } from) return new LedgerStanding.Adopt(from, null, false);
        var (written, remedy) = (facts.Tagged, facts.HasTagText) switch
        {
            ({ Commit: var pinned }, _) => ($"its tag {LedgerKeys.Tag(plan.Name)} says (commit {pinned})",
                $"If the table was never rolled back past that commit, accept it with --accept-tag {pinned}; otherwise start over with --reset."),
            (null, true) => ($"its tag {LedgerKeys.Tag(plan.Name)} says, whose ledger cannot be read",
                "If a newer matih wrote it, use that one. Otherwise start over with --reset."),
            _ => ("the pipeline wrote", "If the pipeline never wrote to this table, start it with --reset."),
        };
        throw PipelineException.Refused(
            $"The history of table {plan.Table.Identifier} ends at the expired snapshot {unproven.MissingSnapshotId}, before a ledger of {plan.Name} is met, so it is not proven that the table still holds what {written}.{NotAccepted(answers)}",
            remedy);
    }

    private static string NotAccepted(OpenAnswers answers) => answers.AcceptedTags is []
        ? ""
        : $" --accept-tag names another commit: {string.Join(", ", answers.AcceptedTags)}.";

    /// <summary>The flow's tag is there, and its ledger is not.</summary>
    private static LedgerStanding RolledBack(FlowPlan plan, OpeningFacts facts, OpenAnswers answers)
    {
        if (facts.TagOwner is { } owner)
        {
            throw PipelineException.Refused(
                $"Pipeline {owner} writes to table {plan.Table.Identifier} too, and its tag has the name that {plan.Name}'s would have, {LedgerKeys.Tag(plan.Name)}: one tag cannot hold the snapshots of both.",
                $"Rename the pipeline or the sink of {plan.Name}, so that pipeline and sink joined by '-' give another name.");
        }
        // The rollback brought back the ledger that this flow had taken over: taking it over again loses and doubles nothing.
        if (AdoptionChoice.Choose(plan, answers.Adopt, facts.Reading) is { } from) return new LedgerStanding.Adopt(from, facts.Tagged, true);
        var others = string.Join(", ", facts.Reading.Others.Keys.Where(LedgerKeys.IsLedger).Select(LedgerKeys.FlowOf));
        throw PipelineException.Refused(
            $"Table {plan.Table.Identifier} holds tag {LedgerKeys.Tag(plan.Name)} but no ledger of {plan.Name} in its current history: it was rolled back to before the pipeline's first commit, or replaced.",
            $"Roll the table forward again, or start over with --reset.{(others.Length == 0 ? "" : $" If the pipeline began by taking a ledger over that the table holds now ({others}), give --adopt again.")}");
    }

    private static LedgerStanding Absent(FlowPlan plan, OpeningFacts facts, OpenAnswers answers)
    {
        if (AdoptionChoice.Choose(plan, answers.Adopt, facts.Reading) is { } from) return new LedgerStanding.Adopt(from, null, false);
        if (facts.Reading.Finding is LineageFinding.TakenOver(var taker))
        {
            throw PipelineException.Refused(
                $"{taker} has taken over the ledger of {plan.Name} in table {plan.Table.Identifier} (--adopt {plan.Name.Pipeline}), and continues in its place.",
                $"Run {taker.Pipeline}, and remove the definition of {plan.Name.Pipeline}. To take the ledger back, stop {taker.Pipeline} and start with --adopt {taker.Pipeline}; --reset would write the rows a second time.");
        }
        if (facts.FlinkJob is { } job)
        {
            throw PipelineException.Refused(
                $"Table {plan.Table.Identifier} is written by a Flink job of {plan.Name} ({job}, by `matih deploy`), whose commits say nothing of offsets: a run that starts here writes its rows a second time.",
                "Continue with `matih deploy`. To start over here beside the rows that Flink wrote, stop the job and start with --reset, from the place that you know with --from.");
        }
        return new LedgerStanding.Start();
    }

    /// <summary>A Flink job writes the records, whose commits say nothing of offsets.</summary>
    /// <param name="owner">The flow whose ledger gives them.</param>
    public static PipelineException GivenToFlink(FlowPlan plan, FlowName owner, FlinkLedger.Given given) => PipelineException.Refused(
        $"Table {plan.Table.Identifier}: the records of {owner} were given to Flink job {given.Job} (`matih deploy`), whose commits say nothing of offsets. A run that continues here would write them a second time.",
        $"Continue with `matih deploy`. To take them back: stop the job with `matih flink stop {given.Job}`, and start with --from-savepoint and the folder that it prints; where the job ended before its first commit, with --from-ended-job {given.Job}. --reset starts over beside the rows that Flink wrote.");

    /// <summary>Somebody applied a commit again, of this flow or of one whose ledger it is to take over.</summary>
    public static PipelineException Reapplied(FlowPlan plan, LineageFinding.Reapplied found, FlowName owner) => PipelineException.Refused(
        $"Snapshot {found.SnapshotId} of table {plan.Table.Identifier} re-applies {found.Source}, which carried records of {owner} or is gone (a cherry-pick, or a published staged write): the ledger below it does not tell what the table holds.",
        "Roll the table back to before that snapshot, or start over with --reset.");
}
