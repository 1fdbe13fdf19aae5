using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Planning;

namespace Matih.Delivery.Opening;

/// <summary>
/// Which ledger a flow takes over, of those that its table holds. <c>--adopt orders</c> matches sink to sink by name;
/// <c>--adopt lake=orders/old_lake</c> (separated by commas, where there are several) says it sink by sink.
/// </summary>
internal static class AdoptionChoice
{
    /// <param name="answer">What was given with <c>--adopt</c>; null for nothing.</param>
    /// <param name="reading">What the table says: whose ledgers it holds, and who has taken over one that it no longer holds.</param>
    /// <returns>The flow to take over; null where this flow takes none over.</returns>
    /// <exception cref="PipelineException">There is none of that name, or it is not clear which one is meant.</exception>
    public static FlowName? Choose(FlowPlan plan, string? answer, InheritedLedgers reading)
    {
        if (answer is null) return null;
        var (name, isForSink) = NameFor(plan, answer);
        // Where some sinks are named, the others begin by themselves.
        if (name is null && answer.Contains('=', StringComparison.Ordinal)) return null;

        var others = reading.Others.Keys.Where(LedgerKeys.IsLedger).Select(LedgerKeys.FlowOf).OrderBy(other => other.ToString(), StringComparer.Ordinal).ToList();
        var named = others.Where(other => other.ToString() == name || other.Pipeline == name).ToList();
        if (named.Count == 0)
        {
            if (LedgerKeys.TakersIn(reading.Others).FirstOrDefault(pair => pair.Flow.ToString() == name || pair.Flow.Pipeline == name) is { Flow: { } taken, Taker: { } taker })
            {
                throw PipelineException.Refused($"--adopt {answer}: {taker} has taken over the ledger of {taken} in table {plan.Table.Identifier} before.",
                    $"Run {taker.Pipeline}. To continue from its ledger under another name, stop it and start with --adopt {taker.Pipeline}.");
            }
            throw PipelineException.Refused($"--adopt {answer}: table {plan.Table.Identifier} holds no ledger of that pipeline.",
                $"See which it holds with: matih table ledger {plan.Table.Identifier}.");
        }
        if (isForSink && named.Count == 1) return named[0];
        if (named.FirstOrDefault(other => other.Sink == plan.Name.Sink) is { } same) return same;
        if (named.Count == 1 && plan.SiblingSinks.IsEmpty) return named[0];
        throw PipelineException.Refused(
            $"--adopt {answer}: it is not clear which ledger sink '{plan.Name.Sink}' of {plan.Name.Pipeline} is to take over in table {plan.Table.Identifier}: it holds {string.Join(", ", named)}, and none of them has that sink's name.",
            $"Say it sink by sink: --adopt {plan.Name.Sink}={named[0]}, and so on for the others, separated by commas; a sink that is left out begins by itself.");
    }

    /// <summary>
    /// The ledger that the answer means and that this flow, which has a ledger of its own, has not taken over: it would resume
    /// beside it, and write its records a second time. Null where there is none.
    /// </summary>
    public static FlowName? NotTaken(FlowPlan plan, string? answer, InheritedLedgers reading)
    {
        if (NameFor(plan, answer).Name is not { } name || LedgerKeys.TakersIn(reading.Others).Any(pair => pair.Taker == plan.Name && IsMeant(pair.Flow))) return null;
        var named = reading.Others.Keys.Where(LedgerKeys.IsLedger).Select(LedgerKeys.FlowOf).Where(IsMeant).ToList();
        return named.Find(other => other.ToString() == name || other.Sink == plan.Name.Sink) ?? (named.Count == 1 && plan.SiblingSinks.IsEmpty ? named[0] : null);

        bool IsMeant(FlowName other) => other.ToString() == name || other.Pipeline == name;
    }

    /// <exception cref="PipelineException">The flow is to take a ledger over, and its table does not exist.</exception>
    public static void RequireTable(FlowPlan plan, string? answer)
    {
        if (NameFor(plan, answer).Name is null) return;
        throw PipelineException.Refused($"--adopt {answer}: table {plan.Table.Identifier} holds no ledger of that pipeline. It does not exist.",
            "Point the pipeline at the right warehouse. Where the sink is new, say for each of the others what it takes over: --adopt SINK=PIPELINE/SINK, separated by commas; a sink that is left out begins by itself.");
    }

    /// <summary>The pipeline or flow that the answer names for this sink, null where it names none, and whether it names it for this sink alone.</summary>
    private static (string? Name, bool IsForSink) NameFor(FlowPlan plan, string? answer)
    {
        var entries = (answer ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var bySink = entries.Where(entry => entry.Contains('=', StringComparison.Ordinal)).Select(entry => entry.Split('=', 2, StringSplitOptions.TrimEntries));
        return bySink.FirstOrDefault(entry => entry[0] == plan.Name.Sink)?[1] is { } name
            ? (name, true)
            : (entries.FirstOrDefault(entry => !entry.Contains('=', StringComparison.Ordinal)), false);
    }

    /// <summary>The sinks that an answer names and a pipeline does not have.</summary>
    public static IEnumerable<string> UnknownSinks(string? answer, IReadOnlyCollection<string> sinks) =>
        (answer ?? "").Split(',', StringSplitOptions.TrimEntries).Where(entry => entry.Contains('=', StringComparison.Ordinal)).Select(entry => entry.Split('=')[0].Trim()).Where(sink => !sinks.Contains(sink));
}
