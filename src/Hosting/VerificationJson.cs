using System.Text.Json;
using Matih.Verification;

namespace Matih.Hosting;

/// <summary>What verification found, as one JSON object.</summary>
public static class VerificationJson
{
    /// <summary>What no check looks at, of any table.</summary>
    public const string NotRead =
        "What rows and delete files hold is not looked at: other bytes of the same length, wrong values, and wrong partition values or column bounds in manifests, by which readers skip files, are not noticed.";

    public static void Write(VerificationReport report, TimeProvider clock, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("result", report.HasViolations ? "violated" : report.HasUnreachable ? "unreachable" : "proven");
        json.WriteNumber("exit_code", report.ExitCode);
        json.WriteStartArray("flows");
        foreach (var flow in report.Flows) Write(flow, clock, json);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(FlowVerification flow, TimeProvider clock, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("pipeline", flow.Flow.Pipeline);
        json.WriteString("sink", flow.Flow.Sink);
        json.WriteString("table", flow.Table.ToString());
        json.WriteId("snapshot_id", flow.SnapshotId);
        json.WriteString("commit", flow.Ledger?.Commit.ToString());
        json.WriteString("oldest_commit", flow.OldestCommit?.ToString());
        json.WriteNumber("commits", flow.CommitCount);
        if (flow.Ledger is { } ledger)
        {
            json.WriteString("state", ledger.IsOpen ? "open" : "closed");
            json.WriteNumber("epoch", ledger.Epoch.Value);
            json.WriteNumber("generation", ledger.Generation);
            json.WriteNumber("records", ledger.Totals.RecordCount);
            json.WriteNumber("added_rows", ledger.Totals.AddedRowCount);
            json.WriteNumber("filtered", ledger.Totals.FilteredCount);
            json.WriteNumber("skipped", ledger.Totals.SkippedCount);
            json.WriteNumber("lost_offsets", ledger.Totals.LostCount);
            json.WriteNumber("empty_offsets", flow.EmptyOffsetCount);
            json.WriteStartObject("skipped_records");
            SkippedJson.WriteMembers(flow.Skipped, json);
            json.WriteNumber("unlisted", flow.UnlistedSkippedCount);
            json.WriteEndObject();
        }
        WriteLag(flow, clock, json);
        WriteAll("proved", flow.Findings.OfType<VerificationFinding.Proved>(), json, static (finding, json) => json.WriteString("text", finding.Text));
        WriteAll("not_provable", flow.Findings.OfType<VerificationFinding.NotProvable>(), json, static (finding, json) =>
        {
            json.WriteString("text", finding.Text);
            json.WriteString("reason", finding.Reason);
        });
        json.WriteString("not_read", flow.Ledger is null ? null : NotRead);
        WriteAll("warnings", flow.Findings.OfType<VerificationFinding.Warning>(), json, static (finding, json) =>
        {
            json.WriteString("text", finding.Text);
            json.WriteString("remedy", finding.Remedy);
        });
        WriteAll("unreachable", flow.Findings.OfType<VerificationFinding.Unreachable>(), json, static (finding, json) =>
        {
            json.WriteString("text", finding.Text);
            json.WriteString("remedy", finding.Remedy);
        });
        WriteAll("violations", flow.Violations, json, static (finding, json) =>
        {
            json.WriteString("object", finding.Object);
            json.WriteString("expected", finding.Expected);
            json.WriteString("found", finding.Found);
            json.WriteString("remedy", finding.Remedy);
        });
        json.WriteEndObject();
    }

    /// <summary>As health has it, by partition; null where Kafka was not asked. What is unread only a running process knows.</summary>
    private static void WriteLag(FlowVerification flow, TimeProvider clock, Utf8JsonWriter json)
    {
        if (flow.Lag.IsEmpty)
        {
            json.WriteNull("lag");
            return;
        }
        json.WriteStartObject("lag");
        json.WriteNumber("uncommitted", flow.Lag.Sum(place => place.Uncommitted));
        json.WriteString("as_of", Moment.Of(flow.LagAsOf, clock)?.Text);
        json.WriteStartArray("partitions");
        foreach (var place in flow.Lag)
        {
            json.WriteStartObject();
            json.WriteNumber("partition", place.Partition);
            if (place.NextOffset is { } next) json.WriteNumber("next_offset", next);
            else json.WriteNull("next_offset");
            json.WriteNumber("log_start", place.LogStart);
            json.WriteNumber("end", place.End);
            json.WriteNumber("uncommitted", place.Uncommitted);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteAll<T>(string name, IEnumerable<T> findings, Utf8JsonWriter json, Action<T, Utf8JsonWriter> write) where T : VerificationFinding
    {
        json.WriteStartArray(name);
        foreach (var finding in findings)
        {
            json.WriteStartObject();
            json.WriteString("code", finding.Code);
            write(finding, json);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
