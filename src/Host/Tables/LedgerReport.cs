using System.Globalization;
using System.Text.Json;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Host.Output;
using Matih.Hosting;

namespace Matih.Host.Tables;

/// <summary>Where each pipeline that writes a table stands in it.</summary>
internal static class LedgerReport
{
    public static void WriteText(IReadOnlyList<FlowLedger> ledgers, TextWriter output)
    {
        if (ledgers.Count == 0) output.WriteLine("No pipeline has a ledger in this table.");
        for (var i = 0; i < ledgers.Count; i++)
        {
            if (i > 0) output.WriteLine();
            WriteText(ledgers[i], output);
        }
    }

    private static void WriteText(FlowLedger flow, TextWriter output)
    {
        var ledger = flow.Ledger;
        output.WriteLine($"flow      {flow.Flow}");
        output.WriteLine($"state     {StateOf(ledger)}, epoch {ledger.Epoch}, generation {ledger.Generation}{(ledger.TakeoverCount == 0 ? "" : $", taken over {Quantity.Of(ledger.TakeoverCount, "time")} in a row")}");
        output.WriteLine($"written   {Quantity.Instant(ledger.WrittenAtMillis)}{(ledger.Writer is { } writer ? $" by process {writer.ProcessId} on {writer.Host}" : "")}, commit {ledger.Commit}, snapshot {flow.SnapshotId}");
        output.WriteLine($"watermark {(ledger.WatermarkMillis is { } watermark ? Quantity.Instant(watermark) : "none yet")}");
        foreach (var source in ledger.Sources)
        {
            output.WriteLine($"source    {source.Name}: topic {source.Topic}{(source.TopicId is { } id ? $" ({id})" : "")}{(source.ClusterId is { } cluster ? $", cluster {cluster}" : "")}, {source.IsolationLevel}");
            var positions = new TextTable("partition#", "next offset#", "in last commit#", "last record");
            foreach (var entry in source.Partitions)
            {
                positions.Add(
                    Plain(entry.Partition), Plain(entry.NextOffset), Quantity.Count(entry.NextOffset - entry.FromOffset),
                    entry.Last is { } last ? $"offset {Plain(last.Offset)}{(last.TimestampMillis >= 0 ? $" of {Quantity.Instant(last.TimestampMillis)}" : "")}" : "none read");
            }
            positions.WriteTo(output, "  ");
        }
        var books = new TextTable("records", "produced#", "filtered#", "absorbed#", "rejected#", "skipped#", "lost#", "rows added#", "files added#");
        AddBooks(books, "last commit", ledger.Books);
        AddBooks(books, "in all", ledger.Totals);
        books.WriteTo(output);
        if (ledger.Replay is { } replay)
        {
            output.WriteLine($"replayed  {Quantity.Of(replay.Commits.Length, "commit")}, from {replay.Commits[0]} to {replay.Commits[^1]}");
            foreach (var range in replay.Ranges)
                output.WriteLine($"          {range.Source} partition {range.Partition}: offsets {range.FromOffset} to {range.ToOffset - 1}, {Quantity.Of(range.RecordCount, "record")}");
        }
        if (ledger.Skipped is { Records: var skipped })
        {
            foreach (var range in skipped.Ranges) output.WriteLine($"skipped   {range}");
            foreach (var kind in skipped.Kinds) output.WriteLine($"          reason: {kind.Describe()}");
        }
        foreach (var lost in ledger.Lost) output.WriteLine($"lost      {lost.Source} partition {lost.Partition}: offsets {lost.FromOffset} to {lost.ToOffset - 1}");
    }

    private static void AddBooks(TextTable table, string name, Books books) => table.Add(
        name, Quantity.Count(books.ProducedCount), Quantity.Count(books.FilteredCount), Quantity.Count(books.AbsorbedCount), Quantity.Count(books.RejectedCount),
        Quantity.Count(books.SkippedCount), Quantity.Count(books.LostCount), Quantity.Count(books.AddedRowCount), Quantity.Count(books.AddedFileCount));

    public static void WriteJson(IReadOnlyList<FlowLedger> ledgers, Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach (var flow in ledgers) WriteJson(flow, json);
        json.WriteEndArray();
    }

    private static void WriteJson(FlowLedger flow, Utf8JsonWriter json)
    {
        var ledger = flow.Ledger;
        json.WriteStartObject();
        json.WriteString("flow", flow.Flow.ToString());
        json.WriteString("pipeline", flow.Flow.Pipeline);
        json.WriteString("sink", flow.Flow.Sink);
        json.WriteId("snapshot_id", flow.SnapshotId);
        json.WriteString("commit", ledger.Commit.ToString());
        json.WriteString("base", ledger.Base?.ToString());
        json.WriteString("state", StateOf(ledger));
        json.WriteNumber("epoch", ledger.Epoch.Value);
        json.WriteNumber("generation", ledger.Generation);
        json.WriteNumber("takeovers", ledger.TakeoverCount);
        json.WriteString("definition_hash", ledger.DefinitionHash);
        json.WriteNumber("written_at_ms", ledger.WrittenAtMillis);
        json.WritePropertyName("writer");
        if (ledger.Writer is { } writer)
        {
            json.WriteStartObject();
            json.WriteString("host", writer.Host);
            json.WriteNumber("process_id", writer.ProcessId);
            json.WriteEndObject();
        }
        else json.WriteNullValue();
        if (ledger.WatermarkMillis is { } watermark) json.WriteNumber("watermark_ms", watermark);
        else json.WriteNull("watermark_ms");
        json.WriteStartArray("sources");
        foreach (var source in ledger.Sources) WriteSource(source, json);
        json.WriteEndArray();
        WriteBooks("last_commit", ledger.Books, json);
        WriteBooks("totals", ledger.Totals, json);
        json.WriteStartArray("lost");
        foreach (var lost in ledger.Lost)
        {
            json.WriteStartObject();
            json.WriteString("source", lost.Source);
            json.WriteNumber("partition", lost.Partition);
            json.WriteNumber("from_offset", lost.FromOffset);
            json.WriteNumber("to_offset", lost.ToOffset);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (ledger.Skipped is { } skipped)
        {
            json.WriteStartObject("skipped");
            json.WriteString("source", skipped.Source);
            SkippedJson.WriteMembers(skipped.Records, json);
            json.WriteEndObject();
        }
        if (ledger.Replay is { } replay) WriteReplay(replay, json);
        else json.WriteNull("replay");
        json.WriteEndObject();
    }

    private static void WriteReplay(ReplayLedger replay, Utf8JsonWriter json)
    {
        json.WriteStartObject("replay");
        json.WriteStartArray("commits");
        foreach (var commit in replay.Commits) json.WriteStringValue(commit.ToString());
        json.WriteEndArray();
        json.WriteStartArray("ranges");
        foreach (var range in replay.Ranges)
        {
            json.WriteStartObject();
            json.WriteString("source", range.Source);
            json.WriteNumber("partition", range.Partition);
            json.WriteNumber("from_offset", range.FromOffset);
            json.WriteNumber("to_offset", range.ToOffset);
            json.WriteNumber("records", range.RecordCount);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        WriteBooks("replaced", replay.Replaced, json);
        json.WriteEndObject();
    }

    private static void WriteSource(SourceLedger source, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("name", source.Name);
        json.WriteString("topic", source.Topic);
        json.WriteString("topic_id", source.TopicId);
        json.WriteString("cluster_id", source.ClusterId);
        json.WriteString("isolation_level", source.IsolationLevel);
        json.WriteStartArray("partitions");
        foreach (var entry in source.Partitions)
        {
            json.WriteStartObject();
            json.WriteNumber("partition", entry.Partition);
            json.WriteNumber("from_offset", entry.FromOffset);
            json.WriteNumber("next_offset", entry.NextOffset);
            json.WriteNumber("records", entry.RecordCount);
            json.WritePropertyName("last_record");
            if (entry.Last is { } last)
            {
                json.WriteStartObject();
                json.WriteNumber("offset", last.Offset);
                if (last.TimestampMillis >= 0) json.WriteNumber("timestamp_ms", last.TimestampMillis);
                else json.WriteNull("timestamp_ms");
                json.WriteEndObject();
            }
            else json.WriteNullValue();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteBooks(string name, Books books, Utf8JsonWriter json)
    {
        json.WriteStartObject(name);
        json.WriteNumber("produced", books.ProducedCount);
        if (books.ExpandedCount != 0) json.WriteNumber("expanded", books.ExpandedCount);
        json.WriteNumber("filtered", books.FilteredCount);
        json.WriteNumber("absorbed", books.AbsorbedCount);
        json.WriteNumber("rejected", books.RejectedCount);
        json.WriteNumber("skipped", books.SkippedCount);
        json.WriteNumber("lost", books.LostCount);
        json.WriteNumber("added_rows", books.AddedRowCount);
        json.WriteNumber("added_files", books.AddedFileCount);
        json.WriteEndObject();
    }

    private static string StateOf(Ledger ledger) => ledger.IsOpen ? "open" : "closed";

    private static string Plain(long number) => number.ToString(CultureInfo.InvariantCulture);
}
