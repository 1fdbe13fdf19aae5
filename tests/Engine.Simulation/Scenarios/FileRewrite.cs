using Matih.Batches;
using Matih.Delivery;
using Matih.Engine.Simulation.Scheduling;
using Matih.Engine.Simulation.World;
using Matih.Iceberg;
using Matih.Parquet;

namespace Matih.Engine.Simulation.Scenarios;

/// <summary>Makes one data file with the rows of several, as a compaction does.</summary>
internal static class FileRewrite
{
    public static (byte[] Bytes, DataFile File) Merge(Table table, TablePlan plan, SeededIds ids, IReadOnlyList<byte[]> files)
    {
        var account = MemoryAccount.Unlimited();
        var binding = TableBinding.Bind(plan, table, Telemetry.EngineLog.None);
        var columns = new Column?[binding.Columns.Length];
        var rowCount = 0L;
        try
        {
            foreach (var bytes in files)
            {
                var reader = new ParquetFileReader(bytes);
                for (var rowGroup = 0; rowGroup < reader.Metadata.RowGroups.Length; rowGroup++)
                {
                    for (var i = 0; i < columns.Length; i++)
                        reader.ReadColumn(rowGroup, i, columns[i] ??= Column.Create(reader.Metadata.Columns[i].Type.ReadAs, account));
                    rowCount += reader.Metadata.RowGroups[rowGroup].RowCount;
                }
            }
            using var encoder = new ParquetFileWriter(binding.Columns, ParquetWriterSettings.Default with { Compression = ParquetCompression.None }, account);
            encoder.Append(new ColumnBatch(plan.Rows, [.. columns.Select(column => column!)], (int)rowCount), binding.ColumnMap.AsSpan());
            var summary = encoder.Finish();
            var content = new MemoryStream();
            SimulatedWorld.Completed(DrainAsync());
            var key = PartitionKey.Of(table.Metadata.DefaultSpec, [], []);
            var factory = new DataFileFactory(table, ids);
            return (content.ToArray(), factory.Describe(factory.NewLocation(key), key, summary));

            async ValueTask<bool> DrainAsync()
            {
                await encoder.DrainAsync((part, _) =>
                {
                    content.Write(part.Span);
                    return default;
                }, default);
                return true;
            }
        }
        finally
        {
            foreach (var column in columns) column?.Dispose();
        }
    }
}
