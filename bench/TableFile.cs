using Matih.Batches;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Writing;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Parquet;

namespace Matih.Bench;

/// <summary>Writes data files of a table one by one, as a pipeline writes them, for benchmarks that need a table of many files.</summary>
internal static class TableFile
{
    /// <summary>One file, which no snapshot names yet.</summary>
    /// <param name="fill">Appends row <c>i</c>, of <paramref name="rows"/>, to the table's columns.</param>
    public static async Task<DataFile> WriteAsync(Table table, EngineEnvironment environment, MemoryAccount memory, long targetBytes, int rows, Action<Column[], int> fill)
    {
        var binding = IcebergBinding.OfWholeTable(table);
        var writing = new FileWriting(binding.StoredRows, binding, ParquetWriterSettings.Default, targetBytes, new GatheringLimits(1 << 20), table.Store, environment.Ids, memory, environment.Scratch);
        Column[] columns = [.. binding.Columns.Select(column => Column.Create(column.Type.ReadAs, memory))];
        try
        {
            for (var i = 0; i < rows; i++) fill(columns, i);
            await using var writer = new SinkWriter(new FileSets(writing, 1, environment.Tasks), isAlone: true);
            await writer.WriteAsync(new ColumnBatch(binding.StoredRows, columns, rows), default);
            return ((IcebergFile)(await writer.FinishAsync(default)).Single()).File;
        }
        finally
        {
            foreach (var column in columns) column.Dispose();
        }
    }
}
