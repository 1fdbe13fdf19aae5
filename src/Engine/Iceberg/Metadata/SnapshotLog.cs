using System.Collections;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace Matih.Iceberg.Metadata;

/// <summary>When a snapshot became the current one.</summary>
public readonly record struct SnapshotLogEntry(long TimestampMillis, SnapshotId SnapshotId)
{
    internal SnapshotLogEntry(JsonElement json) : this(json.GetProperty("timestamp-ms").GetInt64(), new(json.GetProperty("snapshot-id").GetInt64())) { }
}

/// <summary>Which snapshot was current when, the newest last. Immutable; adding an entry copies none.</summary>
[CollectionBuilder(typeof(SnapshotLog), nameof(Create))]
public sealed class SnapshotLog : IReadOnlyList<SnapshotLogEntry>
{
    private SnapshotLog(JsonJournal<SnapshotLogEntry> journal) => Journal = journal;

    internal JsonJournal<SnapshotLogEntry> Journal { get; }

    public int Count => Journal.Count;

    public SnapshotLogEntry this[int index] => Journal[index];

    public static SnapshotLog Create(ReadOnlySpan<SnapshotLogEntry> entries)
    {
        var items = entries.ToArray();
        return new(JsonJournal<SnapshotLogEntry>.Create(items, [.. items.Select(Text)], entry => entry.SnapshotId));
    }

    internal static SnapshotLog Of(JsonJournal<SnapshotLogEntry> journal) => new(journal);

    public SnapshotLog Add(SnapshotLogEntry entry) => new(Journal.Add(entry, Text(entry)));

    public IEnumerator<SnapshotLogEntry> GetEnumerator()
    {
        for (var index = 0; index < Count; index++) yield return Journal[index];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static ReadOnlyMemory<byte> Text(SnapshotLogEntry entry) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"timestamp-ms\":{entry.TimestampMillis},\"snapshot-id\":{entry.SnapshotId}}}"));
}
