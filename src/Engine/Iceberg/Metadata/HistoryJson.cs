using System.Buffers;
using System.Text.Json;

namespace Matih.Iceberg.Metadata;

/// <summary>
/// The arrays of a table's metadata that grow with its history, taken out of the JSON before the rest is parsed. Elements
/// that a known version has are compared byte for byte, which costs a fraction of parsing them, and kept as they are there.
/// </summary>
public sealed class HistoryJson
{
    private HistoryJson(SnapshotList snapshots, SnapshotLog log, ReadOnlyMemory<byte> rest) => (Snapshots, Log, Rest) = (snapshots, log, rest);

    internal SnapshotList Snapshots { get; }

    internal SnapshotLog Log { get; }

    /// <summary>The document with those arrays empty.</summary>
    public ReadOnlyMemory<byte> Rest { get; }

    /// <summary><see cref="Rest"/> as a document, which the caller disposes.</summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public JsonDocument ParseRest() => JsonDocument.Parse(Rest, SchemaJson.DocumentOptions);

    /// <param name="json">A metadata file's content, or a catalog's answer. It is kept where <paramref name="known"/> is null.</param>
    /// <param name="member">The answer's member that is the metadata; null where the whole document is.</param>
    /// <param name="known">An earlier version of the same table, or of any other.</param>
    /// <param name="location">Where it comes from, for messages.</param>
    /// <exception cref="JsonException">It is no JSON.</exception>
    /// <exception cref="InvalidTableException">An element contradicts the format.</exception>
    public static HistoryJson Cut(ReadOnlyMemory<byte> json, string? member, TableMetadata? known, string location)
    {
        var (snapshots, log) = ((SnapshotList)[], (SnapshotLog)[]);
        var rest = new ArrayBufferWriter<byte>();
        var reader = new Utf8JsonReader(json.Span, SchemaJson.ReaderOptions);
        var (readFrom, copiedTo) = (0, 0);
        var isMetadata = member is null;
        var depth = isMetadata ? 1 : 2;
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName) continue;
            if (member is not null && reader.CurrentDepth == 1) isMetadata = reader.ValueTextEquals(member);
            if (!isMetadata || reader.CurrentDepth != depth) continue;
            var isSnapshots = reader.ValueTextEquals("snapshots"u8);
            if (!isSnapshots && !reader.ValueTextEquals("snapshot-log"u8)) continue;
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray) continue;
            var start = readFrom + (int)reader.BytesConsumed;
            int length;
            if (isSnapshots)
            {
                (var journal, length) = new HistoryArray<Snapshot>(known?.Snapshots.Journal, (item, text) => new Snapshot(item, text), snapshot => snapshot.Id, location).Read(json[start..]);
                snapshots = SnapshotList.Of(journal);
            }
            else
            {
                (var journal, length) = new HistoryArray<SnapshotLogEntry>(known?.SnapshotLog.Journal, (item, _) => new SnapshotLogEntry(item), entry => entry.SnapshotId, location).Read(json[start..]);
                log = SnapshotLog.Of(journal);
            }
            rest.Write(json.Span[copiedTo..start]);
            readFrom = copiedTo = start + length;
            reader = new Utf8JsonReader(json.Span[readFrom..], isFinalBlock: true, reader.CurrentState);
        }
        rest.Write(json.Span[copiedTo..]);
        return new HistoryJson(snapshots, log, rest.WrittenMemory);
    }
}
