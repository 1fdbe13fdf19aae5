using System.Globalization;
using Matih.Batches;
using Matih.Parquet;

namespace Matih.Bench;

/// <summary>Parquet encoding alone: columns in memory to a zstd file, against DuckDB's table in memory to a zstd file.</summary>
public sealed class EncodeStage(DuckDbBaseline duckDb, string input, WorkloadFacts facts, string folder)
{
    private static readonly int[] ColumnMap = [0, 1, 2, 3, 4];
    private long _ourBytes;
    private long _theirBytes;

    public async Task RunAsync(int rounds)
    {
        var (ours, theirs) = (Path.Combine(folder, "matih.parquet"), Path.Combine(folder, "duckdb.parquet"));
        var batches = LoadColumns();
        await using var loaded = await duckDb.LoadAsync(input, theirs);
        await new Comparison(
            "Parquet zstd encode against DuckDB memory to Parquet",
            new Contender("matih", async () =>
            {
                var seconds = await CpuTime.OfWorkAsync(() => WriteAsync(batches, ours));
                _ourBytes = new FileInfo(ours).Length;
                await duckDb.VerifyAsync(ours, facts);
                return seconds;
            }),
            new Contender("duckdb", async () =>
            {
                (var seconds, _theirBytes) = await loaded.EncodeAsync();
                await duckDb.VerifyAsync(theirs, facts);
                return seconds;
            }),
            facts.Records).RunAsync(rounds);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"   SIZE: {_ourBytes} bytes against {_theirBytes}: {(double)_ourBytes / _theirBytes:F3} times (at most 1.02 is good)"));
    }

    private static async Task WriteAsync(List<ColumnBatch> batches, string path)
    {
        await using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 0);
        using var writer = new ParquetFileWriter(ClickColumns.Parquet, ParquetWriterSettings.Default, MemoryAccount.Unlimited());
        foreach (var batch in batches)
        {
            writer.Append(batch, ColumnMap);
            if (writer.HasOutput) await writer.DrainAsync(file.WriteAsync, default);
        }
        writer.Finish();
        await writer.DrainAsync(file.WriteAsync, default);
    }

    private List<ColumnBatch> LoadColumns()
    {
        using var records = new MemoryRecords(input);
        using var decoder = ClickColumns.Decoder();
        var batches = new List<ColumnBatch>();
        ClickColumns.Decode(records, decoder, batch =>
        {
            var columns = new Column[batch.Columns.Length];
            for (var i = 0; i < columns.Length; i++)
            {
                columns[i] = Column.Create(batch[i].Type, MemoryAccount.Unlimited());
                columns[i].AppendRange(batch[i], 0, batch.Count);
            }
            batches.Add(new ColumnBatch(batch.Type, columns, batch.Count));
        });
        return batches;
    }
}
