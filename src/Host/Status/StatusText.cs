using System.Globalization;
using Matih.Delivery.Ledgers;
using Matih.Host.Output;
using Matih.Host.Runtime;
using Matih.Hosting;
using Matih.Status;

namespace Matih.Host.Status;

/// <summary>Where a pipeline stands, for people: a block for each flow.</summary>
internal static class StatusText
{
    private const int ShownPartitionsMax = 64;

    private const string Indent = "            ";

    /// <param name="width">Columns to break lines for; null where a program may read them.</param>
    public static void Write(PipelineStatus status, TextWriter output, int? width = null)
    {
        output.WriteLine($"pipeline    {status.Name}{(status.Version is { } version ? $" {version}" : "")}");
        foreach (var flow in status.Flows)
        {
            output.WriteLine();
            foreach (var line in Lines(flow, status.ReadAt).SelectMany(line => TextWrap.Lines(line, width, Indent.Length))) output.WriteLine(line);
            WritePartitions(flow, output);
        }
    }

    private static IEnumerable<string> Lines(FlowStatus flow, DateTimeOffset now)
    {
        yield return $"flow        {flow.Flow}";
        yield return $"state       {FlowStatus.Name(flow.Condition)}: {Meaning(flow)}";
        yield return $"table       {flow.Table}{(flow.TableExists == false ? ", which does not exist yet" : flow.SnapshotId is { } id ? $", snapshot {id}" : "")}";
        foreach (var line in LedgerLines(flow, now)) yield return line;
        if (flow.Staged is { } staged && (staged.RangeCount > 0 || staged.DetachedCount > 0)) yield return $"staged      {Show(staged, now)}";
        if (LagOf(flow) is { } lag) yield return $"lag         {lag}";
        if (flow.Refusal is { } refusal)
        {
            yield return $"refused     {refusal.Message}";
            yield return $"{Indent}next: {refusal.Remedy}";
        }
        foreach (var part in flow.Unread)
        {
            yield return $"{(part.Kind is null ? "left out" : "unreachable"),-11} {part.Message}";
            yield return $"{Indent}next: {part.Remedy}";
        }
    }

    private static string Meaning(FlowStatus flow) => flow.Condition switch
    {
        FlowCondition.NeverStarted => "the first start will begin it.",
        FlowCondition.UpToDate => "the table holds all that the topic holds.",
        FlowCondition.StagedWaiting => "all that the topic holds is in the table or staged; a commit is missing.",
        FlowCondition.Behind => "the topic holds records that are neither in the table nor staged.",
        FlowCondition.Refused => $"a start would end with exit code {flow.Refusal!.ExitCode}.",
        FlowCondition.Unreachable => "not everything could be read.",
        FlowCondition.NotCompared => "nothing in the table stands in the way of a start; Kafka was left out.",
        _ => throw new InvalidOperationException($"Unknown condition {flow.Condition}."),
    };

    private static IEnumerable<string> LedgerLines(FlowStatus flow, DateTimeOffset now)
    {
        if (flow.Ledger is not { Ledger: var ledger } found) yield break;
        var at = DateTimeOffset.FromUnixTimeMilliseconds(ledger.WrittenAtMillis);
        yield return $"last commit {Quantity.Instant(ledger.WrittenAtMillis)}, {Ago(at, now)}: {Fates.Show(ledger.Books, 0)}";
        yield return $"{Indent}commit {ledger.Commit}, snapshot {found.SnapshotId}";
        var writer = ledger.Writer is { } known ? $"process {known.ProcessId} on {known.Host}" : "its writer";
        yield return $"ledger      epoch {ledger.Epoch}, generation {ledger.Generation}, {(ledger.IsOpen
            ? $"open: {writer} has not closed it{(flow.IsWriterKnownGone ? ", and is gone" : "; it runs, or it died")}"
            : ledger.Flink is FlinkLedger.Given { Job: var job } ? $"given to Flink job {job}: what that commits is not counted here" : $"closed: {writer} ended cleanly")}";
        yield return $"in all      {Fates.Show(ledger.Totals, 0)}";
        if (flow.Rates is { } rates)
            yield return string.Create(CultureInfo.InvariantCulture, $"rates       {rates.RecordsPerSecond:0.#} records and {rates.RowsPerSecond:0.#} rows a second, over {Quantity.Of(rates.CommitCount, "commit")} in {DurationText.Show(rates.To - rates.From)}");
    }

    private static string Show(StagedRanges staged, DateTimeOffset now)
    {
        var text = staged.RangeCount == 0 ? "nothing that a commit could take in"
            : $"{Quantity.Of(staged.RangeCount, "range")}{(staged.Content is { } held ? $" with {Quantity.Of(held.RecordCount, "record")}, {Quantity.Of(held.RowCount, "row")}, {Quantity.Bytes(held.Bytes)}" : "")}, the oldest {Ago(staged.OldestAt!.Value, now)}";
        return staged.DetachedCount == 0 ? text : $"{text}; {Quantity.Of(staged.DetachedCount, "range")} behind offsets that nobody has staged";
    }

    private static string? LagOf(FlowStatus flow) => flow is not { TopicReadAt: { } at, Uncommitted: { } uncommitted } ? null
        : $"{Quantity.Of(uncommitted, "offset")} uncommitted{(flow.Unstaged is { } unstaged ? $", {Quantity.Count(unstaged)} of them not staged" : "")}, as of {new Moment(default, at).TimeOfDay}";

    private static string Ago(DateTimeOffset at, DateTimeOffset now) => now - at < TimeSpan.FromSeconds(1) ? "just now" : $"{DurationText.Show(now - at)} ago";

    private static void WritePartitions(FlowStatus flow, TextWriter output)
    {
        if (flow.Partitions.IsEmpty) return;
        var rows = new TextTable("partition#", "next offset#", "staged to#", "log start#", "end#", "uncommitted#", "unstaged#");
        foreach (var partition in flow.Partitions.Take(ShownPartitionsMax))
        {
            rows.Add(
                Plain(partition.Partition), Plain(partition.NextOffset), Plain(partition.StagedTo), Plain(partition.LogStart), Plain(partition.End),
                partition.Uncommitted is { } uncommitted ? Quantity.Count(uncommitted) : Unknown, partition.Unstaged is { } unstaged ? Quantity.Count(unstaged) : Unknown);
        }
        rows.WriteTo(output, "  ");
        if (flow.Partitions.Length > ShownPartitionsMax) output.WriteLine($"  and {Quantity.Of(flow.Partitions.Length - ShownPartitionsMax, "more partition")}; --json has them all");
    }

    private const string Unknown = "-";

    private static string Plain(long? offset) => offset?.ToString(CultureInfo.InvariantCulture) ?? Unknown;
}
