using System.Collections.Immutable;
using System.Text;
using Matih.Batches;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Lanes;
using Matih.Delivery.Opening;
using Matih.Delivery.Tables;
using Matih.Delivery.Writing;
using Matih.Engine.Simulation.World;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Parquet;
using Matih.Planning;
using Matih.Storage;

namespace Matih.Engine.Simulation.Scenarios;

/// <summary>Writes data files as another engine does: for the table as it stands at that moment.</summary>
internal static class TableRows
{
    public const string ForeignFlow = "foreign";

    /// <summary>Files with the rows of several, as a compaction makes them.</summary>
    public static ImmutableArray<DataFile> Merge(SimulatedWorld world, Table table, TablePlan plan, IReadOnlyList<byte[]> files) => Write(world, table, plan, columns =>
    {
        var rowCount = 0;
        foreach (var bytes in files)
        {
            var reader = new ParquetFileReader(bytes);
            for (var rowGroup = 0; rowGroup < reader.Metadata.RowGroups.Length; rowGroup++)
            {
                for (var i = 0; i < columns.Length; i++) reader.ReadColumn(rowGroup, i, columns[i]);
                rowCount += (int)reader.Metadata.RowGroups[rowGroup].RowCount;
            }
        }
        return rowCount;
    });

    /// <summary>Files with rows that no pipeline wrote, one for each id.</summary>
    public static ImmutableArray<DataFile> Foreign(SimulatedWorld world, Table table, TablePlan plan, IReadOnlyList<long> ids) => Write(world, table, plan, columns =>
    {
        foreach (var id in ids)
        {
            ((BytesColumn)columns[0]).Append(Encoding.UTF8.GetBytes(ForeignFlow));
            ((FixedColumn<int>)columns[1]).Append(0);
            ((FixedColumn<int>)columns[2]).Append((int)(id % 4));
            ((FixedColumn<long>)columns[3]).Append(id);
            ((FixedColumn<long>)columns[4]).Append(id);
            ((FixedColumn<long>)columns[5]).Append(id);
        }
        return ids.Count;
    });

    private static ImmutableArray<DataFile> Write(SimulatedWorld world, Table table, TablePlan plan, Func<Column[], int> fill)
    {
        var account = MemoryAccount.Unlimited();
        var binding = IcebergBinding.Bind(plan, table);
        Column[] columns = [.. binding.Columns.Select(column => Column.Create(column.Type.ReadAs, account))];
        try
        {
            var rowCount = fill(columns);
            return SimulatedWorld.Completed(WriteAsync(rowCount));
        }
        finally
        {
            foreach (var column in columns) column.Dispose();
        }

        async ValueTask<ImmutableArray<DataFile>> WriteAsync(int rowCount)
        {
            var writing = new FileWriting(
                binding.StoredRows, binding.OfStoredRows(), ParquetWriterSettings.Default with { Compression = ParquetCompression.None }, long.MaxValue, new GatheringLimits(1 << 20),
                table.Store, world.Ids, account, new MemoryScratch());
            await using var writer = new SinkWriter(new FileSets(writing, 1, null!), isAlone: true);
            await writer.WriteAsync(new ColumnBatch(binding.StoredRows, columns, rowCount), default);
            return [.. (await writer.FinishAsync(default)).Select(file => ((IcebergFile)file).File)];
        }
    }
}
