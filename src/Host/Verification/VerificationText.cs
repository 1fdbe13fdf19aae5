using System.Globalization;
using Matih.Delivery;
using Matih.Host.Output;
using Matih.Verification;

namespace Matih.Host.Verification;

/// <summary>What verification found, for people: a block for each flow, and one line in the end.</summary>
internal static class VerificationText
{
    /// <summary>A broken table can have as many violations as files; of each kind this many are printed. JSON has them all.</summary>
    private const int ShownOfKindMax = 20;

    private const int ShownPartitionsMax = 16;

    /// <summary>What no check looks at, of any table.</summary>
    public const string NotRead =
        "What rows and delete files hold is not looked at: other bytes of the same length, wrong values, and wrong partition values or column bounds in manifests, by which readers skip files, are not noticed.";

    private const int ShownRangesMax = 16;

    private const string Indent = "            ";

    public static void Write(VerificationReport report, TextWriter output)
    {
        foreach (var flow in report.Flows)
        {
            Write(flow, output);
            output.WriteLine();
        }
        output.WriteLine(Verdict(report));
    }

    private static void Write(FlowVerification flow, TextWriter output)
    {
        output.WriteLine($"flow        {flow.Flow}");
        output.WriteLine($"table       {flow.Table}{(flow.SnapshotId is { } snapshot ? $", snapshot {snapshot}" : "")}");
        if (flow.Ledger is { } ledger)
            output.WriteLine($"ledger      commit {ledger.Commit}, {(ledger.IsOpen ? "open" : "closed")}, epoch {ledger.Epoch}, generation {ledger.Generation}, {Quantity.Instant(ledger.WrittenAtMillis)}");
        WriteFates(flow, output);
        WriteLag(flow, output);
        var shown = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var finding in flow.Findings)
        {
            var count = shown[finding.Code] = shown.GetValueOrDefault(finding.Code) + 1;
            if (finding is not VerificationFinding.Violation || count <= ShownOfKindMax) Write(finding, output);
        }
        foreach (var kind in flow.Violations.CountBy(violation => violation.Code).Where(kind => kind.Value > ShownOfKindMax))
            output.WriteLine($"VIOLATION   {kind.Key}: {Quantity.Count(kind.Value - ShownOfKindMax)} more; --json has them all");
        if (flow.Ledger is not null) output.WriteLine($"not read    {NotRead}");
    }

    private static void WriteFates(FlowVerification flow, TextWriter output)
    {
        if (flow.Ledger is not { } ledger) return;
        output.WriteLine($"records     {Fates.Show(ledger.Totals, flow.EmptyOffsetCount)}");
        if (ledger.Totals.SkippedCount == 0) return;
        var skipped = flow.Skipped;
        var lines = skipped.Ranges.Take(ShownRangesMax).Select(range => range.ToString()).ToList();
        if (skipped.Ranges.Length > ShownRangesMax) lines.Add($"and {Quantity.Count(skipped.Ranges.Length - ShownRangesMax)} more ranges; matih table skipped {flow.Table} lists all, by commit");
        if (flow.UnlistedSkippedCount > 0) lines.Add($"{Quantity.Count(flow.UnlistedSkippedCount)} that no commit of the history lists (expired, before a reset, or of an older version)");
        lines.AddRange(skipped.Kinds.Select(kind => $"reason: {kind.Describe()}"));
        for (var i = 0; i < lines.Count; i++) output.WriteLine($"{(i == 0 ? "skipped     " : Indent)}{lines[i]}");
    }

    private static void WriteLag(FlowVerification flow, TextWriter output)
    {
        if (flow.Lag.IsEmpty) return;
        var behind = flow.Lag.Where(place => place.OffsetCount > 0).ToArray();
        output.WriteLine($"lag         {Quantity.Count(flow.Lag.Sum(place => place.OffsetCount))} offsets in {Quantity.Count(behind.Length)} of {Quantity.Count(flow.Lag.Length)} partitions");
        foreach (var place in behind.OrderByDescending(place => place.OffsetCount).Take(ShownPartitionsMax))
            output.WriteLine($"{Indent}partition {Plain(place.Partition)}: {Quantity.Count(place.OffsetCount)} ({(place.NextOffset is { } next ? $"at {Plain(next)}" : "not read yet")}, end {Plain(place.End)})");
        if (behind.Length > ShownPartitionsMax) output.WriteLine($"{Indent}and {Quantity.Count(behind.Length - ShownPartitionsMax)} partitions more");
    }

    private static void Write(VerificationFinding finding, TextWriter output)
    {
        switch (finding)
        {
            case VerificationFinding.Proved proved:
                output.WriteLine($"proved      {proved.Code}: {proved.Text}");
                break;
            case VerificationFinding.NotProvable missing:
                output.WriteLine($"could not   {missing.Code}: {missing.Text}");
                output.WriteLine($"{Indent}why: {missing.Reason}");
                break;
            case VerificationFinding.Warning warning:
                output.WriteLine($"warning     {warning.Code}: {warning.Text}");
                output.WriteLine($"{Indent}next: {warning.Remedy}");
                break;
            case VerificationFinding.Unreachable unreachable:
                output.WriteLine($"unreachable {unreachable.Code}: {unreachable.Text}");
                output.WriteLine($"{Indent}next: {unreachable.Remedy}");
                break;
            case VerificationFinding.Violation violation:
                output.WriteLine($"VIOLATION   {violation.Code}: {violation.Object}");
                output.WriteLine($"{Indent}expected: {violation.Expected}");
                output.WriteLine($"{Indent}found: {violation.Found}");
                output.WriteLine($"{Indent}next: {violation.Remedy}");
                break;
            default:
                throw new InvalidOperationException($"Unknown finding {finding}.");
        }
    }

    private static string Verdict(VerificationReport report)
    {
        if (report.HasViolations) return report.Flows.Sum(flow => flow.Violations.Count()) is var count and > 1 ? $"{Quantity.Count(count)} violations." : "1 violation.";
        if (report.HasUnreachable) return "No violation, but not everything answered.";
        return report.Flows.All(flow => flow.Findings.Any(finding => finding.Code == FindingCode.NeverRun))
            ? "Nothing to verify: never run."
            : report.Flows.Any(flow => flow.Findings.Any(finding => finding is VerificationFinding.NotProvable { Code: not FindingCode.Offline }))
                ? "Proven as far as table and topic still tell."
                : "Proven.";
    }

    private static string Plain(long number) => number.ToString(CultureInfo.InvariantCulture);
}
