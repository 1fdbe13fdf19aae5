using System.Text;
using Matih.Batches;
using Matih.Engine.Simulation.World;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Parquet;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>A row of a table, by the record that it was made of.</summary>
internal readonly record struct RowOrigin(string Flow, int Incarnation, int Partition, long Offset, long Id);

/// <summary>What a data file holds.</summary>
/// <param name="Columns">Field ids and names.</param>
/// <param name="Codec">How its pages are compressed.</param>
/// <param name="HasEqualTwins">The column that repeats another holds the same values.</param>
internal sealed record FileContent(RowOrigin[] Rows, (int FieldId, string Name)[] Columns, string Codec, bool HasEqualTwins);

/// <summary>Reads what tables hold. Files never change, so each manifest and each data file is read once.</summary>
internal sealed class TableContent(StoreServer store)
{
    private readonly Dictionary<string, IReadOnlyList<ManifestEntry>> _manifests = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FileContent> _files = new(StringComparer.Ordinal);

    /// <summary>Every entry of the snapshot's manifests.</summary>
    public IReadOnlyList<ManifestEntry> Entries(Table table, Snapshot snapshot)
    {
        var entries = new List<ManifestEntry>();
        foreach (var manifest in SimulatedWorld.Completed(SnapshotReader.ManifestsAsync(table, snapshot, default)))
        {
            if (store.Read(manifest.Path) is null) throw new AuditException($"Snapshot {snapshot.Id} names manifest {manifest.Path}, which is gone.");
            if (!_manifests.TryGetValue(manifest.Path, out var found))
                _manifests.Add(manifest.Path, found = SimulatedWorld.Completed(SnapshotReader.EntriesAsync(table, manifest, default)));
            entries.AddRange(found);
        }
        return entries;
    }

    public FileContent Read(DataFile file)
    {
        if (store.Read(file.Path) is not { } bytes) throw new AuditException($"The table names data file {file.Path}, which is gone.");
        if (bytes.Length != file.FileSizeBytes) throw new AuditException($"{file.Path} has {bytes.Length} bytes, its manifest says {file.FileSizeBytes}.");
        if (_files.TryGetValue(file.Path, out var content)) return content;
        content = Read(bytes);
        if (content.Rows.Length != file.RecordCount) throw new AuditException($"{file.Path} has {content.Rows.Length} rows, its manifest says {file.RecordCount}.");
        _files.Add(file.Path, content);
        return content;
    }

    /// <summary>The rows that position delete files among the entries have taken out, by file and position.</summary>
    public HashSet<(string Path, long Position)> DeletedPositions(IReadOnlyList<ManifestEntry> entries)
    {
        var deleted = new HashSet<(string, long)>();
        foreach (var entry in entries)
        {
            if (!entry.IsLive || entry.File.Content != Matih.Iceberg.Manifests.FileContent.PositionDeletes) continue;
            var reader = new ParquetFileReader(store.Read(entry.File.Path) ?? throw new AuditException($"The table names delete file {entry.File.Path}, which is gone."));
            using var paths = (BytesColumn)reader.ReadColumn(0, MemoryAccount.Unlimited());
            using var positions = (FixedColumn<long>)reader.ReadColumn(1, MemoryAccount.Unlimited());
            for (var i = 0; i < positions.Count; i++) deleted.Add((Encoding.UTF8.GetString(paths[i]), positions.Values[i]));
        }
        return deleted;
    }

    /// <summary>A rewritten file has the columns in the order of the table's schema, which others have changed.</summary>
    private static int PlaceOf(ParquetFileReader reader, string name) => Enumerable.Range(0, reader.Metadata.Columns.Length).First(place => reader.Metadata.Columns[place].Name == name);

    private static FileContent Read(byte[] bytes)
    {
        var reader = new ParquetFileReader(bytes);
        var account = MemoryAccount.Unlimited();
        using var flows = (BytesColumn)reader.ReadColumn(PlaceOf(reader, "flow"), account);
        using var incarnations = (FixedColumn<int>)reader.ReadColumn(PlaceOf(reader, "inc"), account);
        using var partitions = (FixedColumn<int>)reader.ReadColumn(PlaceOf(reader, "partition"), account);
        using var offsets = (FixedColumn<long>)reader.ReadColumn(PlaceOf(reader, "offset"), account);
        using var ids = (FixedColumn<long>)reader.ReadColumn(PlaceOf(reader, "id"), account);
        using var twins = (FixedColumn<long>)reader.ReadColumn(PlaceOf(reader, "twin"), account);
        var rows = new RowOrigin[offsets.Count];
        var (name, last) = ("", -1);
        for (var i = 0; i < rows.Length; i++)
        {
            if (last < 0 || !flows[i].SequenceEqual(flows[last])) (name, last) = (Encoding.UTF8.GetString(flows[i]), i);
            rows[i] = new RowOrigin(name, incarnations.Values[i], partitions.Values[i], offsets.Values[i], ids.Values[i]);
        }
        return new FileContent(rows, [.. reader.Metadata.Columns.Select(column => (column.FieldId, column.Name))],
            reader.Metadata.RowGroups[0].Chunks[0].Codec, twins.NullCount == 0 && twins.Values.SequenceEqual(ids.Values));
    }
}
