using System.Text;
using Matih.Batches;
using Matih.Engine.Simulation.Auditing;
using Matih.Engine.Simulation.World;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Parquet;
using FileContent = Matih.Iceberg.Manifests.FileContent;

namespace Matih.Engine.Simulation.Scenarios;

/// <summary>Another engine that deletes rows of its own with position delete files. Each deletion is one moment.</summary>
internal sealed class ForeignDeletes(SimulatedWorld world, TableHistory history)
{
    private readonly TableContent _content = new(world.Store);

    private static readonly ParquetColumn[] Columns = [new(DeleteScope.FilePathFieldId, "file_path", new ParquetType.String(), true), new(DeleteScope.PositionFieldId, "pos", new ParquetType.Long(), true)];

    /// <summary>Deletes one of the rows of other engines that the table holds; nothing where it holds none.</summary>
    public void DeleteRow(Table table, int pick)
    {
        // Version 3 takes deletion vectors alone.
        if (table.Metadata.CurrentSnapshot is not { } head || table.Metadata.HasRowIds) return;
        var entries = _content.Entries(table, head);
        var deleted = _content.DeletedPositions(entries);
        var rows = entries.Where(entry => entry.IsLive && entry.File.Content == FileContent.Data)
            .SelectMany(entry => _content.Read(entry.File).Rows.Select((row, position) => (entry.File, Row: row, Position: (long)position)))
            .Where(item => item.Row.Flow == TableRows.ForeignFlow && !deleted.Contains((item.File.Path, item.Position))).ToList();
        if (rows.Count == 0) return;
        var (file, origin, at) = rows[pick % rows.Count];
        var spec = table.Metadata.FindSpec(file.SpecId)!;
        var snapshotId = new SnapshotId(world.Ids.NewSnapshotId());
        var writer = new ManifestWriter(table.Metadata.CurrentSchema, spec, [.. table.Metadata.PartitionTypes(spec).Select(type => type!)], ManifestContent.Deletes, snapshotId);
        writer.Add(DeleteFile(table, file, at));
        var location = $"{table.Metadata.Location}/metadata/{world.Ids.NewUuid():D}-m0.avro";
        var (bytes, manifest) = writer.Complete(location, world.Ids.NewUuid());
        world.Store.Put(location, bytes);

        var sequence = table.Metadata.LastSequenceNumber + 1;
        var list = $"{table.Metadata.Location}/metadata/snap-{snapshotId}-1-{world.Ids.NewUuid():D}.avro";
        world.Store.Put(list, ManifestListFile.Write([.. SimulatedWorld.Completed(SnapshotReader.ManifestsAsync(table, head, default)), manifest], snapshotId, head.Id, sequence, world.Ids.NewUuid()));
        var summary = new OrderedDictionary<string, string>(StringComparer.Ordinal) { ["operation"] = "delete", ["engine-name"] = "another", ["added-delete-files"] = "1", ["added-position-deletes"] = "1" };
        history.NoteDeleted(snapshotId, origin.Id);
        world.Commit(table, [new TableRequirement.AssertTableUuid(table.Metadata.TableUuid)],
        [
            new TableUpdate.AddSnapshot(new Snapshot(snapshotId, head.Id, sequence, table.Metadata.NextTimestampMillis(world.Now), list, summary, table.Metadata.CurrentSchemaId)),
            new TableUpdate.SetSnapshotRef(SnapshotRef.Main, new SnapshotRef(snapshotId, SnapshotRefKind.Branch)),
        ]);
    }

    private DataFile DeleteFile(Table table, DataFile file, long position)
    {
        var account = MemoryAccount.Unlimited();
        using var paths = new BytesColumn(DataType.String, account);
        using var positions = new FixedColumn<long>(new DataType.BigInt(), account);
        paths.Append(Encoding.UTF8.GetBytes(file.Path));
        positions.Append(position);
        using var writer = new ParquetFileWriter(Columns, ParquetWriterSettings.Default, account);
        writer.Append(new ColumnBatch(new RowType([new Field("file_path", DataType.String), new Field("pos", new DataType.BigInt())]), [paths, positions], 1), [0, 1]);
        writer.Finish();
        var content = new MemoryStream();
        var drained = writer.DrainAsync((bytes, _) =>
        {
            content.Write(bytes.Span);
            return default;
        }, default);
        if (!drained.IsCompletedSuccessfully) throw new InvalidOperationException("Draining into memory completes at once.");
        var location = $"{table.Metadata.Location}/data/{world.Ids.NewUuid():N}-deletes.parquet";
        world.Store.Put(location, content.ToArray());
        return new DataFile
        {
            Content = FileContent.PositionDeletes, Path = location, SpecId = file.SpecId, Partition = file.Partition, RecordCount = 1, FileSizeBytes = content.Length, ReferencedDataFile = file.Path,
        };
    }
}
