using Matih.Fixtures;

namespace Matih.Bench;

/// <summary>Workload W1 by <c>matih run --until-caught-up</c>, from a topic that is full already into a new table.</summary>
/// <param name="folder">Where definition and warehouse lie.</param>
public sealed class PipelineProcess(KafkaBroker broker, string folder, DuckDbBaseline duckDb, WorkloadFacts facts, int partitions)
{
    // A group of its own per round: the engine refuses to begin a new table under a group that remembers another.
    private int _run;

    /// <summary>CPU seconds of the whole process, whose table is checked.</summary>
    /// <param name="options">Options beside the definition, the mode and the warehouse.</param>
    public async Task<double> RunAsync(string matih, params string[] options)
    {
        var warehouse = Path.Combine(folder, "warehouse");
        TemporaryDirectory.Delete(warehouse);
        var definition = Path.Combine(folder, "w1.yaml");
        await File.WriteAllTextAsync(definition, ClickPipeline.Definition(broker.Bootstrap, partitions, $"bench-{++_run}", "60s"));

        var (seconds, _) = await CpuTime.OfProcessAsync(matih, ["run", definition, "--until-caught-up", "--warehouse", warehouse, .. options], folder);

        await duckDb.VerifyAsync(Path.Combine(warehouse, "**", "*.parquet"), facts);
        return seconds;
    }
}
