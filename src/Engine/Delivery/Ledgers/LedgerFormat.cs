using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Matih.Delivery.Skipping;

namespace Matih.Delivery.Ledgers;

/// <summary>
/// A ledger as the text of one snapshot summary property. What grows with the partitions (sources, lost and skipped ranges, a replay) is the body;
/// it moves to a side file where the property would pass <see cref="PropertyBytesMax"/>.
/// </summary>
/// <remarks>
/// Partition entries are arrays: <c>[partition, from, next, records, lastOffset, lastTimestamp, lastCrc32c, maxTimestamp]</c>,
/// with null in the three "last" places before the first record, and a ninth element <c>1</c> for an unread earliest start.
/// Only a hand-over has <c>flink</c>: the job, and the checkpoint where it takes back (<see cref="FlinkLedger"/>).
/// Only a replay has <c>replay</c>: the replaced commits, their books, and ranges <c>[source, partition, from, to, records,
/// lastOffset, lastTimestamp, lastCrc32c]</c>. Only a commit that skipped records has <c>skipped</c>: the source's name, and what
/// <see cref="SkippedFormat"/> says.
/// </remarks>
internal static class LedgerFormat
{
    /// <summary>Readers load every snapshot's summary with the table's metadata, so a ledger must stay small.</summary>
    public const int PropertyBytesMax = 4096;

    /// <summary>The body by itself: what a side file holds.</summary>
    public static byte[] WriteBody(Ledger ledger)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            WriteBodyMembers(json, ledger);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The property's text: with the body inside, or with a reference to the side file that holds it.</summary>
    public static string Write(Ledger ledger, SideFile? sideFile)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("v", ledger.Flink is FlinkLedger.Given ? Ledger.GivenFormatVersion : Ledger.FormatVersion);
            json.WriteString("table", ledger.TableUuid);
            json.WriteString("commit", ledger.Commit.Value);
            if (ledger.Base is { } id) json.WriteString("base", id.Value);
            json.WriteString("run", ledger.Run);
            json.WriteNumber("epoch", ledger.Epoch.Value);
            json.WriteNumber("generation", ledger.Generation);
            json.WriteString("state", ledger.IsOpen ? "open" : "closed");
            json.WriteNumber("takeovers", ledger.TakeoverCount);
            if (ledger.Writer is { } writer)
            {
                json.WriteString("host", writer.Host);
                json.WriteNumber("pid", writer.ProcessId);
            }
            json.WriteString("definition", ledger.DefinitionHash);
            json.WriteNumber("at", ledger.WrittenAtMillis);
            if (ledger.WatermarkMillis is { } watermark) json.WriteNumber("watermark", watermark);
            if (ledger.Flink is { } flink) WriteFlink(json, flink);
            WriteBooks(json, "books", ledger.Books);
            WriteBooks(json, "totals", ledger.Totals);
            if (sideFile is null)
            {
                WriteBodyMembers(json, ledger);
            }
            else
            {
                json.WriteStartObject("body");
                json.WriteString("file", sideFile.Location);
                json.WriteNumber("length", sideFile.LengthBytes);
                json.WriteString("sha256", sideFile.Sha256);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>The reference to a side file, where the property has one instead of its body.</summary>
    /// <exception cref="FormatException">The text is not a ledger.</exception>
    public static SideFile? ReadSideFile(string property) => Guarded(property, root =>
        root.TryGetProperty("body", out var body)
            ? new SideFile(Text(body, "file"), body.GetProperty("length").GetInt64(), Text(body, "sha256"))
            : null);

    /// <summary>The commit that wrote the ledger, without its side file.</summary>
    /// <exception cref="FormatException">The text is not a ledger.</exception>
    public static CommitId ReadCommit(string property) => Guarded(property, root => new CommitId(root.GetProperty("commit").GetGuid()));

    /// <summary>The same, or null where the text is not a ledger that this program can read.</summary>
    public static CommitId? TryReadCommit(string property)
    {
        try
        {
            return ReadCommit(property);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>The ledger in a property's text and, where it has a side file, that file's content.</summary>
    /// <exception cref="FormatException">The text is not a ledger, or one of a newer format.</exception>
    public static Ledger Read(string property, ReadOnlyMemory<byte>? sideFileContent)
    {
        return Guarded(property, root =>
        {
            if (sideFileContent is not { } content) return ReadMembers(root, root);
            using var body = JsonDocument.Parse(content);
            return ReadMembers(root, body.RootElement);
        });
    }

    /// <summary>A ledger without its body, so without sources: what is left where a side file is gone. Null where the text is no ledger at all.</summary>
    public static Ledger? ReadHead(string property)
    {
        try
        {
            return Read(property, """{"sources":[]}"""u8.ToArray());
        }
        catch (FormatException)
        {
            return null;
        }
    }

    public static string Sha256(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private static T Guarded<T>(string property, Func<JsonElement, T> read)
    {
        try
        {
            using var document = JsonDocument.Parse(property);
            var version = document.RootElement.GetProperty("v").GetInt32();
            if (version is not (Ledger.FormatVersion or Ledger.GivenFormatVersion))
                throw new FormatException($"The ledger has format version {version}; this program knows {Ledger.FormatVersion} and {Ledger.GivenFormatVersion}. Use a newer matih.");
            return read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or OverflowException)
        {
            throw new FormatException($"The ledger cannot be read: {e.Message} Its text begins: {property[..Math.Min(80, property.Length)]}", e);
        }
    }

    private static Ledger ReadMembers(JsonElement root, JsonElement body) => new()
    {
        TableUuid = Text(root, "table"),
        Commit = new CommitId(root.GetProperty("commit").GetGuid()),
        Base = root.TryGetProperty("base", out var id) ? new CommitId(id.GetGuid()) : null,
        Run = root.GetProperty("run").GetGuid(),
        Epoch = new WriterEpoch(root.GetProperty("epoch").GetInt64()),
        Generation = root.GetProperty("generation").GetInt64(),
        IsOpen = Text(root, "state") == "open",
        TakeoverCount = root.GetProperty("takeovers").GetInt32(),
        Writer = root.TryGetProperty("host", out var host) ? new WriterHint(host.GetString()!, root.GetProperty("pid").GetInt32()) : null,
        DefinitionHash = Text(root, "definition"),
        WrittenAtMillis = root.GetProperty("at").GetInt64(),
        WatermarkMillis = root.TryGetProperty("watermark", out var watermark) ? watermark.GetInt64() : null,
        Flink = root.TryGetProperty("flink", out var flink) ? ReadFlink(flink) : null,
        Books = ReadBooks(root.GetProperty("books")),
        Totals = ReadBooks(root.GetProperty("totals")),
        Sources = [.. body.GetProperty("sources").EnumerateArray().Select(ReadSource)],
        Lost = body.TryGetProperty("lost", out var lost) ? [.. lost.EnumerateArray().Select(ReadLost)] : [],
        Skipped = body.TryGetProperty("skipped", out var skipped) ? new SkippedLedger(Text(skipped, "source"), SkippedFormat.Read(skipped)) : null,
        Replay = body.TryGetProperty("replay", out var replay) ? ReadReplay(replay) : null,
    };

    private static void WriteFlink(Utf8JsonWriter json, FlinkLedger flink)
    {
        json.WriteStartObject("flink");
        json.WriteString("job", flink.Job);
        if (flink is FlinkLedger.Given { Before: { } before }) json.WriteString("before", before);
        if (flink is FlinkLedger.Given { From: { } from }) json.WriteString("from", from);
        if (flink is FlinkLedger.TakenBack back) json.WriteNumber("checkpoint", back.Checkpoint);
        json.WriteEndObject();
    }

    private static FlinkLedger ReadFlink(JsonElement flink) => flink.TryGetProperty("checkpoint", out var checkpoint)
        ? new FlinkLedger.TakenBack(Text(flink, "job"), checkpoint.GetInt64())
        : new FlinkLedger.Given(Text(flink, "job"), OptionalText(flink, "before"), OptionalText(flink, "from"));

    private static void WriteBodyMembers(Utf8JsonWriter json, Ledger ledger)
    {
        json.WriteStartArray("sources");
        foreach (var source in ledger.Sources) WriteSource(json, source);
        json.WriteEndArray();
        if (!ledger.Lost.IsEmpty) WriteLost(json, ledger.Lost);
        if (ledger.Skipped is { } skipped)
        {
            json.WriteStartObject("skipped");
            json.WriteString("source", skipped.Source);
            SkippedFormat.WriteMembers(json, skipped.Records);
            json.WriteEndObject();
        }
        if (ledger.Replay is { } replay) WriteReplay(json, replay);
    }

    private static void WriteLost(Utf8JsonWriter json, ImmutableArray<LostRange> lost)
    {
        json.WriteStartArray("lost");
        foreach (var range in lost)
        {
            json.WriteStartArray();
            json.WriteStringValue(range.Source);
            json.WriteNumberValue(range.Partition);
            json.WriteNumberValue(range.FromOffset);
            json.WriteNumberValue(range.ToOffset);
            json.WriteEndArray();
        }
        json.WriteEndArray();
    }

    private static void WriteReplay(Utf8JsonWriter json, ReplayLedger replay)
    {
        json.WriteStartObject("replay");
        json.WriteStartArray("commits");
        foreach (var commit in replay.Commits) json.WriteStringValue(commit.Value);
        json.WriteEndArray();
        json.WriteStartArray("ranges");
        foreach (var range in replay.Ranges)
        {
            json.WriteStartArray();
            json.WriteStringValue(range.Source);
            json.WriteNumberValue(range.Partition);
            json.WriteNumberValue(range.FromOffset);
            json.WriteNumberValue(range.ToOffset);
            json.WriteNumberValue(range.RecordCount);
            json.WriteNumberValue(range.Last.Offset);
            json.WriteNumberValue(range.Last.TimestampMillis);
            json.WriteNumberValue(range.Last.Crc32C);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        WriteBooks(json, "replaced", replay.Replaced);
        json.WriteEndObject();
    }

    private static ReplayLedger ReadReplay(JsonElement replay) => new(
        [.. replay.GetProperty("commits").EnumerateArray().Select(commit => new CommitId(commit.GetGuid()))],
        [.. replay.GetProperty("ranges").EnumerateArray().Select(range => new ReplayedRange(
            range[0].GetString()!, range[1].GetInt32(), range[2].GetInt64(), range[3].GetInt64(), range[4].GetInt64(),
            new Fingerprint(range[5].GetInt64(), range[6].GetInt64(), range[7].GetUInt32())))],
        ReadBooks(replay.GetProperty("replaced")));

    private static void WriteSource(Utf8JsonWriter json, SourceLedger source)
    {
        json.WriteStartObject();
        json.WriteString("name", source.Name);
        json.WriteString("topic", source.Topic);
        if (source.ClusterId is not null) json.WriteString("cluster", source.ClusterId);
        if (source.TopicId is not null) json.WriteString("topic_id", source.TopicId);
        json.WriteString("isolation", source.IsolationLevel);
        json.WriteStartArray("partitions");
        foreach (var partition in source.Partitions) WritePartition(json, partition);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    internal static void WritePartition(Utf8JsonWriter json, PartitionLedger partition)
    {
        json.WriteStartArray();
        json.WriteNumberValue(partition.Partition);
        json.WriteNumberValue(partition.FromOffset);
        json.WriteNumberValue(partition.NextOffset);
        json.WriteNumberValue(partition.RecordCount);
        if (partition.Last is { } last)
        {
            json.WriteNumberValue(last.Offset);
            json.WriteNumberValue(last.TimestampMillis);
            json.WriteNumberValue(last.Crc32C);
        }
        else
        {
            for (var i = 0; i < 3; i++) json.WriteNullValue();
        }
        json.WriteNumberValue(partition.MaxTimestampMillis);
        if (partition.IsUnreadEarliest) json.WriteNumberValue(1);
        json.WriteEndArray();
    }

    private static SourceLedger ReadSource(JsonElement source) => new(
        Text(source, "name"), Text(source, "topic"), OptionalText(source, "cluster"), OptionalText(source, "topic_id"), Text(source, "isolation"),
        [.. source.GetProperty("partitions").EnumerateArray().Select(ReadPartition)]);

    internal static PartitionLedger ReadPartition(JsonElement entry) => new(
        entry[0].GetInt32(), entry[1].GetInt64(), entry[2].GetInt64(), entry[3].GetInt64(),
        entry[4].ValueKind == JsonValueKind.Null ? null : new Fingerprint(entry[4].GetInt64(), entry[5].GetInt64(), entry[6].GetUInt32()),
        entry[7].GetInt64(), entry.GetArrayLength() > 8);

    private static LostRange ReadLost(JsonElement entry) => new(entry[0].GetString()!, entry[1].GetInt32(), entry[2].GetInt64(), entry[3].GetInt64());

    internal static void WriteBooks(Utf8JsonWriter json, string name, Books books)
    {
        json.WriteStartObject(name);
        json.WriteNumber("produced", books.ProducedCount);
        if (books.ExpandedCount != 0) json.WriteNumber("expanded", books.ExpandedCount);
        json.WriteNumber("filtered", books.FilteredCount);
        json.WriteNumber("absorbed", books.AbsorbedCount);
        json.WriteNumber("rejected", books.RejectedCount);
        json.WriteNumber("skipped", books.SkippedCount);
        json.WriteNumber("lost", books.LostCount);
        json.WriteNumber("rows", books.AddedRowCount);
        json.WriteNumber("files", books.AddedFileCount);
        json.WriteEndObject();
    }

    internal static Books ReadBooks(JsonElement books) => new(
        Number(books, "produced"), Number(books, "filtered"), Number(books, "absorbed"), Number(books, "rejected"), Number(books, "skipped"),
        Number(books, "lost"), Number(books, "rows"), Number(books, "files"))
    {
        ExpandedCount = books.TryGetProperty("expanded", out var expanded) ? expanded.GetInt64() : 0,
    };

    private static long Number(JsonElement element, string name) => element.GetProperty(name).GetInt64();

    private static string Text(JsonElement element, string name) =>
        element.GetProperty(name).GetString() ?? throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"'{name}' of the ledger is null."));

    private static string? OptionalText(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetString() : null;
}

/// <summary>Where a large ledger's body lies; the name holds the commit and the hash, so that it can be written before the commit and twice.</summary>
internal sealed record SideFile(string Location, long LengthBytes, string Sha256);
