using System.Buffers;
using System.Text.Json;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;
using Matih.Delivery.Tables;

namespace Matih.Delivery.Staging;

/// <summary>
/// A staged range as a JSON object: the key in full (the file's name holds its hash), the ledger entry and books as a
/// ledger has them, each file's path, length and rows for people, and all of the descriptions as a manifest in base64.
/// </summary>
internal static class StagedRangeFormat
{
    private const int Version = 1;

    public static byte[] Write(StagedRange range, StagingKey key, ITableVersion table)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("v", Version);
            json.WriteString("key", key.Text);
            json.WriteString("run", range.Run);
            json.WriteNumber("at", range.StagedAtMillis);
            json.WritePropertyName("range");
            LedgerFormat.WritePartition(json, range.Entry);
            LedgerFormat.WriteBooks(json, "books", range.Books);
            if (!range.Skipped.IsEmpty)
            {
                json.WriteStartObject("skipped");
                SkippedFormat.WriteMembers(json, range.Skipped);
                json.WriteEndObject();
            }
            json.WriteStartArray("files");
            foreach (var file in range.Files)
            {
                json.WriteStartObject();
                json.WriteString("path", file.Location);
                json.WriteNumber("length", file.LengthBytes);
                json.WriteNumber("rows", file.RowCount);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteBase64String("manifest", table.WriteDescriptions(range.Files));
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The data files that a range names, whatever key it was staged under.</summary>
    /// <exception cref="FormatException">The bytes are no staged range that this program knows.</exception>
    public static IReadOnlyList<string> ReadPaths(byte[] bytes)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes);
            RequireVersion(document.RootElement);
            return [.. document.RootElement.GetProperty("files").EnumerateArray().Select(file => file.GetProperty("path").GetString() ?? throw new FormatException("it names a file without a path"))];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new FormatException(e.Message, e);
        }
    }

    private static void RequireVersion(JsonElement root)
    {
        var version = root.GetProperty("v").GetInt32();
        if (version != Version) throw new FormatException($"it has format version {version}, this program knows {Version}");
    }

    /// <exception cref="FormatException">The bytes are no staged range of that name and key, or contradict themselves.</exception>
    public static StagedRange Read(byte[] bytes, RangeName name, StagingKey key, ITableVersion table)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes);
            var root = document.RootElement;
            RequireVersion(root);
            if (root.GetProperty("key").GetString() != key.Text) throw new FormatException("it was staged under another key");
            var files = table.ReadDescriptions(key.Shape, root.GetProperty("manifest").GetBytesFromBase64(), name.Location);
            var range = new StagedRange(
                LedgerFormat.ReadPartition(root.GetProperty("range")), LedgerFormat.ReadBooks(root.GetProperty("books")),
                [.. files], root.GetProperty("run").GetGuid(), root.GetProperty("at").GetInt64());
            range = range with { Skipped = root.TryGetProperty("skipped", out var skipped) ? SkippedFormat.Read(skipped) : Unlisted(range) };
            return Checked(range, name);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or InvalidTableException or UnsupportedTableException or OverflowException)
        {
            throw new FormatException(e.Message, e);
        }
    }

    /// <summary>A member of an older version only counted what it skipped: it lies somewhere in the range.</summary>
    private static SkippedRecords Unlisted(StagedRange range)
    {
        var entry = range.Entry;
        return range.Books.SkippedCount == 0 ? SkippedRecords.None : new SkippedRecords([new SkippedRange(entry.Partition, entry.FromOffset, entry.NextOffset, range.Books.SkippedCount)], []);
    }

    private static StagedRange Checked(StagedRange range, RangeName name)
    {
        var (entry, books) = (range.Entry, range.Books);
        if (entry.Partition != name.Partition || entry.FromOffset != name.FromOffset || entry.NextOffset != name.ToOffset)
            throw new FormatException($"it holds offsets {entry.FromOffset} to {entry.NextOffset} of partition {entry.Partition}, its name says otherwise");
        if (books.RecordCount != entry.RecordCount) throw new FormatException($"it holds {Quantity.Of(entry.RecordCount, "record")}, of which the fates of {Quantity.Count(books.RecordCount)} are known");
        if (books.SkippedCount != range.Skipped.RecordCount) throw new FormatException($"its books say {Quantity.Of(books.SkippedCount, "skipped record")}, and it lists {Quantity.Count(range.Skipped.RecordCount)}");
        if (range.Skipped.Ranges.Any(skipped => skipped.Partition != entry.Partition || skipped.FromOffset < entry.FromOffset || skipped.ToOffset > entry.NextOffset))
            throw new FormatException("it lists skipped records outside of its offsets");
        var rows = range.Files.Sum(file => file.RowCount);
        if (books.RowCount != rows || books.AddedRowCount != rows || books.AddedFileCount != range.Files.Length)
            throw new FormatException($"its books say {Quantity.Of(books.RowCount, "row")} in {Quantity.Of(books.AddedFileCount, "file")}, and it lists {Quantity.Count(rows)} in {Quantity.Count(range.Files.Length)}");
        return range;
    }
}
