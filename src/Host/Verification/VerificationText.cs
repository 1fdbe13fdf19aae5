using System.Globalization;
using Matih.Delivery.Ledgers;
using Matih.Host.Output;
using Matih.Hosting;
using Matih.Verification;

namespace Matih.Host.Verification;

/// <summary>What verification found, for people: a block for each flow, and one line in the end.</summary>
internal static class VerificationText
{
    /// <summary>A broken table can have as many violations as files; of each kind this many are printed. JSON has them all.</summary>
    private const int ShownOfKindMax = 20;

    private const int ShownPartitionsMax = 16;

    private const int ShownRangesMax = 16;

    private const string Indent = "            ";

    /// <param name="width">Columns to break lines for; null where a program may read them.</param>
    public static void Write(VerificationReport report, TimeProvider clock, TextWriter output, int? width = null)
    {
        foreach (var line in report.Flows.SelectMany(flow => Lines(flow, clock).Append("")).Append(Verdict(report)))
            foreach (var part in TextWrap.Lines(line, width, Indent.Length)) output.WriteLine(part);
    }

    private static IEnumerable<string> Lines(FlowVerification flow, TimeProvider clock)
    {
        yield return $"flow        {flow.Flow}";
        yield return $"table       {flow.Table}{(flow.SnapshotId is { } snapshot ? $", snapshot {snapshot}" : "")}";
        if (flow.Ledger is { } ledger)
            yield return $"ledger      commit {ledger.Commit}, {(ledger.IsOpen ? "open" : "closed")}, epoch {ledger.Epoch}, generation {ledger.Generation}, {Quantity.Instant(ledger.WrittenAtMillis)}";
        foreach (var line in FateLines(flow)) yield return line;
        foreach (var line in LagLines(flow, clock)) yield return line;
        var shown = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var finding in flow.Findings)
        {
            var count = shown[finding.Code] = shown.GetValueOrDefault(finding.Code) + 1;
            if (finding is VerificationFinding.Violation && count > ShownOfKindMax) continue;
            foreach (var line in Lines(finding)) yield return line;
        }
        foreach (var kind in flow.Violations.CountBy(violation => violation.Code).Where(kind => kind.Value > ShownOfKindMax))
            yield return $"VIOLATION   {kind.Key}: {Quantity.Count(kind.Value - ShownOfKindMax)} more; --json has them all";
        if (flow.Ledger is not null) yield return $"not read    {VerificationJson.NotRead}";
    }

    private static IEnumerable<string> FateLines(FlowVerification flow)
    {
        if (flow.Ledger is not { } ledger) yield break;
        yield return $"records     {Fates.Show(ledger.Totals, flow.EmptyOffsetCount)}";
        if (ledger.Totals.SkippedCount == 0) yield break;
        var skipped = flow.Skipped;
        var lines = skipped.Ranges.Take(ShownRangesMax).Select(range => range.ToString()).ToList();
        if (skipped.Ranges.Length > ShownRangesMax) lines.Add($"and {Quantity.Of(skipped.Ranges.Length - ShownRangesMax, "more range")}; matih table skipped {flow.Table} lists all, by commit");
        if (flow.UnlistedSkippedCount > 0) lines.Add($"{Quantity.Count(flow.UnlistedSkippedCount)} that no commit of the history lists (expired, before a reset, or of an older version)");
        lines.AddRange(skipped.Kinds.Select(kind => $"reason: {kind.Describe()}"));
        for (var i = 0; i < lines.Count; i++) yield return $"{(i == 0 ? "skipped     " : Indent)}{lines[i]}";
    }

    private static IEnumerable<string> LagLines(FlowVerification flow, TimeProvider clock)
    {
        if (flow.Lag.IsEmpty) yield break;
        var behind = flow.Lag.Where(place => place.Uncommitted > 0).ToArray();
        var asOf = Moment.Of(flow.LagAsOf, clock) is { } moment ? $", as of {moment.TimeOfDay}" : "";
        yield return $"lag         {Quantity.Of(flow.Lag.Sum(place => place.Uncommitted), "offset")} uncommitted in {Quantity.Count(behind.Length)} of {Quantity.Of(flow.Lag.Length, "partition")}{asOf}";
        foreach (var place in behind.OrderByDescending(place => place.Uncommitted).Take(ShownPartitionsMax))
            yield return $"{Indent}partition {Plain(place.Partition)}: {Quantity.Count(place.Uncommitted)} ({(place.NextOffset is { } next ? $"at {Plain(next)}" : "not read yet")}, end {Plain(place.End)})";
        if (behind.Length > ShownPartitionsMax) yield return $"{Indent}and {Quantity.Of(behind.Length - ShownPartitionsMax, "more partition")}";
    }

    private static string[] Lines(VerificationFinding finding) => finding switch
    {
        VerificationFinding.Proved proved => [$"proved      {proved.Code}: {proved.Text}"],
        VerificationFinding.NotProvable missing => [$"could not   {missing.Code}: {missing.Text}", $"{Indent}why: {missing.Reason}"],
        VerificationFinding.Warning warning => [$"warning     {warning.Code}: {warning.Text}", $"{Indent}next: {warning.Remedy}"],
        VerificationFinding.Unreachable unreachable => [$"unreachable {unreachable.Code}: {unreachable.Text}", $"{Indent}next: {unreachable.Remedy}"],
        VerificationFinding.Violation violation =>
        [
            $"VIOLATION   {violation.Code}: {violation.Object}", $"{Indent}expected: {violation.Expected}", $"{Indent}found: {violation.Found}", $"{Indent}next: {violation.Remedy}",
        ],
        _ => throw new InvalidOperationException($"Unknown finding {finding}."),
    };

    private static string Verdict(VerificationReport report)
    {
        if (report.HasViolations) return $"{Quantity.Of(report.Flows.Sum(flow => flow.Violations.Count()), "violation")}.";
        if (report.HasUnreachable) return "No violation, but not everything answered.";
        if (report.Flows.Any(flow => flow.Ledger?.Flink is FlinkLedger.Given)) return "Not proven: a Flink job writes these records since their hand-over.";
        return report.Flows.All(flow => flow.Findings.Any(finding => finding.Code == FindingCode.NeverRun))
            ? "Nothing to verify: never run."
            : report.Flows.Any(flow => flow.Findings.Any(finding => finding is VerificationFinding.NotProvable { Code: not FindingCode.Offline }))
                ? "Proven as far as table and topic still tell."
                : "Proven.";
    }

    private static string Plain(long number) => number.ToString(CultureInfo.InvariantCulture);
}
