using System.Text.Json;
using Matih.Delivery.Skipping;
using Matih.Delivery.Tables;
using Matih.Hosting;

namespace Matih.Host.Tables;

/// <summary>Which records the pipelines of a table have skipped, commit by commit, oldest first.</summary>
internal static class SkippedReport
{
    public static void WriteText(SkippedHistory history, TextWriter output)
    {
        if (history.Commits.IsEmpty && history.UnlistedCount == 0) output.WriteLine("No record was skipped.");
        foreach (var commit in history.Commits)
        {
            var topic = commit.Topic is null ? "" : $" of topic {commit.Topic}";
            output.WriteLine($"{Quantity.Instant(commit.WrittenAtMillis)} {commit.Flow}, commit {commit.Commit}: {Quantity.Count(commit.Books.SkippedCount)} of {Quantity.Count(commit.Books.RecordCount)} records{topic}");
            if (commit.Records is not { } records)
            {
                output.WriteLine("  not listed: the commit only counted them, or the side file of its ledger is gone");
                continue;
            }
            foreach (var range in records.Ranges) output.WriteLine($"  {range}");
            foreach (var kind in records.Kinds) output.WriteLine($"  reason: {kind.Describe()}, {Quantity.Of(kind.RecordCount, "time")}");
        }
        if (history.UnlistedCount > 0) output.WriteLine($"{Quantity.Count(history.UnlistedCount)} more were skipped by commits whose snapshots have expired.");
    }

    public static void WriteJson(SkippedHistory history, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartArray("commits");
        foreach (var commit in history.Commits)
        {
            json.WriteStartObject();
            json.WriteString("pipeline", commit.Flow.Pipeline);
            json.WriteString("sink", commit.Flow.Sink);
            json.WriteString("commit", commit.Commit.ToString());
            json.WriteString("snapshot_id", commit.SnapshotId.ToString());
            json.WriteNumber("written_at_ms", commit.WrittenAtMillis);
            json.WriteString("topic", commit.Topic);
            json.WriteNumber("records", commit.Books.RecordCount);
            json.WriteNumber("skipped", commit.Books.SkippedCount);
            json.WriteBoolean("is_listed", commit.Records is not null);
            SkippedJson.WriteMembers(commit.Records ?? SkippedRecords.None, json);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNumber("unlisted", history.UnlistedCount);
        json.WriteEndObject();
    }
}
