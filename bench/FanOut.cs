using System.Globalization;
using Matih.Fixtures;

namespace Matih.Bench;

/// <summary>
/// Workload W11: the click events of W1 from a real broker into a table of many partitions, against the same into a table
/// without partitions. Both are <c>matih run --until-caught-up</c>, the whole process; the broker's CPU is not counted.
/// </summary>
public sealed class FanOut(string matih, DuckDbBaseline duckDb, string input, WorkloadFacts facts, int partitions) : IDisposable
{
    private readonly List<string> _folders = [];
    private int _run;

    public async Task RunAsync(int rounds, IReadOnlyList<int> tablePartitionCounts)
    {
        await using var broker = await KafkaBroker.StartAsync();
        var client = await broker.ClientAsync();
        await client.CreateTopicAsync(ClickPipeline.Topic, partitions);
        await client.ProduceFileAsync(ClickPipeline.Topic, input, partitions);
        foreach (var count in tablePartitionCounts)
        {
            var fileCount = 0;
            await new Comparison(
                $"W11, {count} table partitions against none",
                new Contender($"{count}", async () =>
                {
                    (var seconds, fileCount) = await MeasureAsync(broker, $"'bucket({count}, event_id)'");
                    return seconds;
                }),
                new Contender("none", async () => (await MeasureAsync(broker, "")).Seconds),
                facts.Records).RunAsync(rounds);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"   FILES: {fileCount} for {count} table partitions"));
        }
    }

    /// <summary>
    /// Deletes the tables of all rounds. Not between the rounds: ext4 leaves the places of files alone that were deleted a moment
    /// ago, and searches past all of them for each new file, which then counts as the next round's work.
    /// </summary>
    public void Dispose()
    {
        foreach (var folder in _folders) TemporaryDirectory.Delete(folder);
    }

    private async Task<(double Seconds, int FileCount)> MeasureAsync(KafkaBroker broker, string partitionBy)
    {
        var folder = TemporaryDirectory.NewUnowned();
        _folders.Add(folder);
        var definition = Path.Combine(folder, "w11.yaml");
        await File.WriteAllTextAsync(definition, ClickPipeline.Definition(broker.Bootstrap, partitions, $"bench-{++_run}", "60s", partitionBy));
        var (seconds, _) = await CpuTime.OfProcessAsync(matih, ["run", definition, "--until-caught-up", "--warehouse", folder], folder);
        await duckDb.VerifyAsync(Path.Combine(folder, "**", "*.parquet"), facts);
        return (seconds, Directory.EnumerateFiles(folder, "*.parquet", SearchOption.AllDirectories).Count());
    }
}
