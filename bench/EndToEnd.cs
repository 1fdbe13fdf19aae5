using Matih.Fixtures;

namespace Matih.Bench;

/// <summary>
/// Workload W1 end to end: a topic on a real broker, already full, into an Iceberg table by <c>matih run
/// --until-caught-up</c>, against DuckDB converting the same records from a file. The broker's CPU is not counted.
/// </summary>
public sealed class EndToEnd(string matih, DuckDbBaseline duckDb, string input, WorkloadFacts facts, int partitions)
{
    // A group of its own per round: the engine refuses to begin a new table under a group that remembers another.
    private int _run;

    public async Task RunAsync(int rounds)
    {
        await using var broker = await KafkaBroker.StartAsync();
        var client = await broker.ClientAsync();
        await client.CreateTopicAsync("w1", partitions);
        await client.ProduceFileAsync("w1", input, partitions);
        var folder = TemporaryDirectory.NewUnowned();
        try
        {
            var comparison = new Comparison(
                $"W1 end to end, {partitions} partitions, against DuckDB file to Parquet",
                new Contender("matih", () => RunPipelineAsync(broker, folder)),
                new Contender("duckdb", () => ConvertAsync(folder)),
                facts.Records);
            await comparison.RunAsync(rounds);
        }
        finally
        {
            TemporaryDirectory.Delete(folder);
        }
    }

    private async Task<double> RunPipelineAsync(KafkaBroker broker, string folder)
    {
        var warehouse = Path.Combine(folder, "warehouse");
        TemporaryDirectory.Delete(warehouse);
        var definition = Path.Combine(folder, "w1.yaml");
        await File.WriteAllTextAsync(definition, ClickPipeline.Definition(broker.Bootstrap, partitions, $"bench-{++_run}", "60s"));

        var (seconds, _) = await CpuTime.OfProcessAsync(matih, ["run", definition, "--until-caught-up", "--warehouse", warehouse], folder);

        await duckDb.VerifyAsync(Path.Combine(warehouse, "**", "*.parquet"), facts);
        return seconds;
    }

    private async Task<double> ConvertAsync(string folder)
    {
        var output = Path.Combine(folder, "duckdb.parquet");
        var seconds = await duckDb.ConvertAsync(input, output);
        await duckDb.VerifyAsync(output, facts);
        return seconds;
    }
}
