using System.Text.Json;
using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Status;

namespace Matih.Hosting;

/// <summary>Where a pipeline stands, as one JSON object: the same from the command and from every host that serves it.</summary>
public static class StatusJson
{
    /// <param name="writeHost">Writes the members of <c>host</c>, what only a running host knows; null where there is none.</param>
    public static void Write(PipelineStatus status, Utf8JsonWriter json, Action<Utf8JsonWriter>? writeHost = null)
    {
        json.WriteStartObject();
        json.WriteString("name", status.Name);
        json.WriteString("version", status.Version);
        json.WriteInstant("read_at", status.ReadAt);
        json.WriteBoolean("offline", status.IsOffline);
        json.WriteNumber("exit_code", status.ExitCode);
        json.WriteStartArray("flows");
        foreach (var flow in status.Flows) Write(flow, status.ReadAt, json);
        json.WriteEndArray();
        if (writeHost is not null)
        {
            json.WriteStartObject("host");
            writeHost(json);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void Write(FlowStatus flow, DateTimeOffset now, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("flow", flow.Flow.ToString());
        json.WriteString("pipeline", flow.Flow.Pipeline);
        json.WriteString("sink", flow.Flow.Sink);
        json.WriteString("state", FlowStatus.Name(flow.Condition));
        json.WriteString("topic", flow.Topic);
        json.WriteStartObject("table");
        json.WriteString("name", flow.Table.ToString());
        if (flow.TableExists is { } exists) json.WriteBoolean("exists", exists);
        else json.WriteNull("exists");
        json.WriteId("snapshot_id", flow.SnapshotId);
        json.WriteEndObject();
        WriteLedger(flow, now, json);
        WriteRates(flow.Rates, json);
        WriteStaged(flow.Staged, null, now, json);
        WriteLag(flow, json);
        json.WriteStartArray("partitions");
        foreach (var partition in flow.Partitions) WritePartition(partition, now, json);
        json.WriteEndArray();
        WriteRefusal(flow.Refusal, json);
        json.WriteStartArray("unread");
        foreach (var part in flow.Unread) WriteUnread(part, json);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>The members <c>ledger</c>, <c>last_commit</c> and <c>totals</c>; each is null where there is no ledger.</summary>
    private static void WriteLedger(FlowStatus flow, DateTimeOffset now, Utf8JsonWriter json)
    {
        if (flow.Ledger is not { } found)
        {
            foreach (var name in (string[])["ledger", "last_commit", "totals"]) json.WriteNull(name);
            return;
        }
        var ledger = found.Ledger;
        json.WriteStartObject("ledger");
        json.WriteString("state", ledger.IsOpen ? "open" : "closed");
        json.WriteNumber("epoch", ledger.Epoch.Value);
        json.WriteNumber("generation", ledger.Generation);
        if (ledger.Writer is { } writer)
        {
            json.WriteStartObject("writer");
            json.WriteString("host", writer.Host);
            json.WriteNumber("process_id", writer.ProcessId);
            json.WriteBoolean("known_gone", flow.IsWriterKnownGone);
            json.WriteEndObject();
        }
        else json.WriteNull("writer");
        json.WriteEndObject();
        WriteLastCommit(found, now, json);
        json.WriteStartObject("totals");
        WriteBooks(ledger.Totals, json);
        json.WriteEndObject();
    }

    private static void WriteLastCommit(FlowLedger found, DateTimeOffset now, Utf8JsonWriter json)
    {
        json.WriteStartObject("last_commit");
        json.WriteString("commit", found.Ledger.Commit.ToString());
        json.WriteId("snapshot_id", found.SnapshotId);
        WriteMoment(json, "", DateTimeOffset.FromUnixTimeMilliseconds(found.Ledger.WrittenAtMillis), now);
        WriteBooks(found.Ledger.Books, json);
        json.WriteEndObject();
    }

    private static void WriteBooks(Books books, Utf8JsonWriter json)
    {
        json.WriteNumber("records", books.RecordCount);
        json.WriteNumber("added_rows", books.AddedRowCount);
        json.WriteNumber("filtered", books.FilteredCount);
        json.WriteNumber("skipped", books.SkippedCount);
        json.WriteNumber("lost_offsets", books.LostCount);
    }

    private static void WriteRates(CommitRates? rates, Utf8JsonWriter json)
    {
        if (rates is null)
        {
            json.WriteNull("rates");
            return;
        }
        json.WriteStartObject("rates");
        json.WriteNumber("commits", rates.CommitCount);
        json.WriteInstant("from", rates.From);
        json.WriteInstant("to", rates.To);
        json.WriteNumber("records_per_second", Math.Round(rates.RecordsPerSecond, 3));
        json.WriteNumber("rows_per_second", Math.Round(rates.RowsPerSecond, 3));
        json.WriteEndObject();
    }

    /// <param name="toOffset">Where the ranges of one partition end; null for a sum.</param>
    private static void WriteStaged(StagedRanges? staged, long? toOffset, DateTimeOffset now, Utf8JsonWriter json)
    {
        if (staged is null)
        {
            json.WriteNull("staged");
            return;
        }
        json.WriteStartObject("staged");
        if (toOffset is { } to) json.WriteNumber("to_offset", to);
        json.WriteNumber("ranges", staged.RangeCount);
        json.WriteNumberOrNull("records", staged.Content?.RecordCount);
        json.WriteNumberOrNull("rows", staged.Content?.RowCount);
        json.WriteNumberOrNull("bytes", staged.Content?.Bytes);
        WriteMoment(json, "oldest_", staged.OldestAt, now);
        json.WriteNumber("detached_ranges", staged.DetachedCount);
        json.WriteEndObject();
    }

    private static void WriteLag(FlowStatus flow, Utf8JsonWriter json)
    {
        if (flow is not { TopicReadAt: { } at, Uncommitted: { } uncommitted })
        {
            json.WriteNull("lag");
            return;
        }
        json.WriteStartObject("lag");
        json.WriteNumber("uncommitted", uncommitted);
        json.WriteNumberOrNull("unstaged", flow.Unstaged);
        json.WriteInstant("as_of", at);
        json.WriteEndObject();
    }

    private static void WritePartition(PartitionStatus partition, DateTimeOffset now, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("partition", partition.Partition);
        json.WriteNumberOrNull("next_offset", partition.NextOffset);
        json.WriteNumberOrNull("log_start", partition.LogStart);
        json.WriteNumberOrNull("end", partition.End);
        json.WriteNumberOrNull("uncommitted", partition.Uncommitted);
        json.WriteNumberOrNull("unstaged", partition.Unstaged);
        WriteStaged(partition.Staged, partition.StagedTo, now, json);
        json.WriteEndObject();
    }

    private static void WriteRefusal(FlowRefusal? refusal, Utf8JsonWriter json)
    {
        if (refusal is null)
        {
            json.WriteNull("refusal");
            return;
        }
        json.WriteStartObject("refusal");
        json.WriteString("kind", FailureWord.Of(refusal.Kind));
        json.WriteNumber("exit_code", refusal.ExitCode);
        json.WriteString("message", refusal.Message);
        json.WriteString("remedy", refusal.Remedy);
        json.WriteEndObject();
    }

    private static void WriteUnread(UnreadPart part, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("part", part.Part.ToString().ToLowerInvariant());
        json.WriteString("kind", part.Kind is { } kind ? FailureWord.Of(kind) : null);
        json.WriteString("message", part.Message);
        json.WriteString("remedy", part.Remedy);
        json.WriteEndObject();
    }

    /// <summary>The members <c>at</c> and <c>age_seconds</c>, behind a prefix. A clock that was set back makes no age below zero.</summary>
    private static void WriteMoment(Utf8JsonWriter json, string prefix, DateTimeOffset? at, DateTimeOffset now)
    {
        if (at is not { } moment)
        {
            json.WriteNull($"{prefix}at");
            json.WriteNull($"{prefix}age_seconds");
            return;
        }
        json.WriteInstant($"{prefix}at", moment);
        json.WriteNumber($"{prefix}age_seconds", Math.Round(Math.Max(0, (now - moment).TotalSeconds), 3));
    }
}
