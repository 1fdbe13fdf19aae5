using Matih.Fixtures;

namespace Matih.Bench;

/// <summary>
/// Workload W1 end to end: a topic on a real broker, already full, into an Iceberg table by <c>matih run
/// --until-caught-up</c>, against DuckDB converting the same records from a file. The broker's CPU is not counted.
/// </summary>
public sealed class EndToEnd(string matih, DuckDbBaseline duckDb, string input, WorkloadFacts facts, int partitions)
{
    public async Task RunAsync(int rounds)
    {
        await using var broker = await KafkaBroker.StartAsync();
        var client = await broker.ClientAsync();
        await client.CreateTopicAsync("w1", partitions);
        await client.ProduceFileAsync("w1", input, partitions);
        var folder = TemporaryDirectory.NewUnowned();
        try
        {
            var pipeline = new PipelineProcess(broker, folder, duckDb, facts, partitions);
            var comparison = new Comparison(
                $"W1 end to end, {partitions} partitions, against DuckDB file to Parquet",
                new Contender("matih", () => pipeline.RunAsync(matih)),
                new Contender("duckdb", () => ConvertAsync(folder)),
                facts.Records);
            await comparison.RunAsync(rounds);
        }
        finally
        {
            TemporaryDirectory.Delete(folder);
        }
    }

    private async Task<double> ConvertAsync(string folder)
    {
        var output = Path.Combine(folder, "duckdb.parquet");
        var seconds = await duckDb.ConvertAsync(input, output);
        await duckDb.VerifyAsync(output, facts);
        return seconds;
    }
}
