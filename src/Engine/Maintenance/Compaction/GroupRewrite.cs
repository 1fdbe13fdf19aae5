using System.Collections.Immutable;
using Matih.Batches;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Tables;
using Matih.Delivery.Writing;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Maintenance.Compaction;

/// <summary>A group whose rows stand in new files, which no table names yet.</summary>
/// <param name="Added">The new files; none where every row was deleted.</param>
/// <param name="WrittenAt">When the first of them was begun.</param>
internal sealed record RewrittenGroup(CompactionGroup Group, ImmutableArray<DataFile> Added, DateTimeOffset WrittenAt)
{
    public long AddedRowCount { get; } = Added.Sum(file => file.RecordCount);

    public long AddedBytes { get; } = Added.Sum(file => file.FileSizeBytes);
}

/// <summary>
/// Writes the rows of groups into new files, in the table's sort order, without those that delete files have taken out. Where rows
/// have ids, they keep them.
/// </summary>
/// <param name="binding">Of the whole table; with lineage where its rows have ids.</param>
/// <param name="paceAsync">Called between batches: where it waits, the work is done at a lower pace.</param>
internal sealed class GroupRewrite(Table table, IcebergBinding binding, CompactionTerms terms, EngineEnvironment environment, MemoryAccount memory, Func<CancellationToken, ValueTask> paceAsync)
{
    /// <summary>Files of a group may be encoded again to a little more than they were; none shall be cut for that.</summary>
    private const double Slack = 1.25;

    /// <exception cref="UnreadableFileException">A file of the group cannot be read by this build.</exception>
    /// <exception cref="InvalidTableException">A file is gone, damaged, or holds other rows than the table says.</exception>
    public async ValueTask<RewrittenGroup> RunAsync(CompactionGroup group, CancellationToken cancellationToken)
    {
        var begunAt = environment.Clock.GetUtcNow();
        var deleted = new DeletedRows(table, binding.Columns, memory);
        await deleted.ReadAsync(group, cancellationToken);
        using var rows = new DataFileRows(table.Store, binding.Columns, OnlyInPartition(group.Files[0].SpecId), binding.InitialDefaults, memory) { Names = NameMapping.Find(table.Metadata) };
        await using var writer = new SinkWriter(new FileSets(WritingOf(group), 1, environment.Tasks), isAlone: true);
        var written = 0L;
        using var left = new Selection(binding.StoredRows, memory);
        using var lineage = table.Metadata.HasRowIds ? new RowLineage(memory) : null;
        foreach (var file in group.Files)
        {
            await foreach (var (firstRow, batch) in rows.ReadAsync(file.Path, file.LengthBytes, file.RowCount, cancellationToken))
            {
                var whole = lineage?.Fill(batch, file, firstRow) ?? batch;
                var taken = file.Deletes.IsEmpty ? whole : left.Of(whole, deleted, file, firstRow);
                await writer.WriteAsync(taken, cancellationToken);
                written += taken.Count;
                if (memory.IsScarce) await writer.RelieveAsync(cancellationToken);
                await paceAsync(cancellationToken);
            }
        }
        var files = await writer.FinishAsync(cancellationToken);
        ImmutableArray<DataFile> added = [.. files.Select(file => ((IcebergFile)file).File)];
        if (added.Sum(file => file.RecordCount) != written)
            throw new InvalidOperationException($"{written} rows of table {table.Identifier} went into files that hold {added.Sum(file => file.RecordCount)}.");
        return new RewrittenGroup(group, added, begunAt);
    }

    private FileWriting WritingOf(CompactionGroup group)
    {
        var settings = new TableSettings(table.Metadata.Properties);
        var fileCount = Math.Max(1, Math.Round((double)group.LengthBytes / terms.TargetBytes));
        var targetBytes = (long)Math.Max(terms.TargetBytes, group.LengthBytes / fileCount * Slack);
        return new FileWriting(binding.StoredRows, binding, IcebergVersion.ParquetSettings(settings), targetBytes, new GatheringLimits(memory.CeilingBytes / 4), table.Store, environment.Ids, memory, environment.Scratch);
    }

    /// <summary>Columns that files of the spec need not hold, since the partition has their value.</summary>
    private HashSet<int> OnlyInPartition(int specId) => table.Metadata.FindSpec(specId) is not { } spec ? []
        : [.. spec.Fields.Where(field => field.Transform is Iceberg.Metadata.Transform.Identity).Select(field => field.SourceId)];

    /// <summary>The rows of a batch that are left, copied.</summary>
    private sealed class Selection(RowType type, MemoryAccount memory) : IDisposable
    {
        private readonly Column[] _columns = [.. type.Fields.Select(field => Column.Create(field.Type, memory))];
        private int[] _rows = [];

        public ColumnBatch Of(ColumnBatch batch, DeletedRows deleted, CompactableFile file, long firstRow)
        {
            if (_rows.Length < batch.Count) _rows = new int[batch.Count];
            var count = deleted.Select(file, firstRow, batch, _rows);
            if (count == batch.Count) return batch;
            for (var i = 0; i < _columns.Length; i++)
            {
                _columns[i].Clear();
                _columns[i].AppendRows(batch[i], _rows.AsSpan(0, count));
            }
            return new ColumnBatch(type, _columns, count);
        }

        public void Dispose()
        {
            foreach (var column in _columns) column.Dispose();
        }
    }
}
