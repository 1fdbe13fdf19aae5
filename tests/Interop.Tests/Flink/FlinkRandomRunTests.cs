using System.Globalization;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Flink;

/// <summary>
/// The promise that one definition gives equal tables on both engines, for whatever a seed draws. <c>MATIH_SEED</c> is the first seed (else 1,
/// and one that is drawn in a soak), <c>MATIH_RUNS</c> the number of pipelines; a failure names its seed.
/// </summary>
public sealed class FlinkRandomRunTests(SharedFlink flink, SharedKafka kafka)
{
    /// <summary>Pipelines of one definition and job: starting a job costs more than all that these few records do.</summary>
    private const int GroupSize = 5;

    private int _rowCount;

    private static readonly int PipelineCount = Number("MATIH_RUNS") ?? (Soak.IsOn ? 100 : GroupSize);

    [Fact, LongTest]
    public async Task Pipelines_that_a_seed_draws_give_equal_tables_here_and_on_flink()
    {
        var first = Number("MATIH_SEED") ?? (Soak.IsOn ? Random.Shared.Next(1_000_000) : 1);
        TestContext.Current.SendDiagnosticMessage($"seeds {first} to {first + PipelineCount - 1}");
        var failures = new List<string>();

        foreach (var seeds in Enumerable.Range(first, PipelineCount).Chunk(GroupSize)) failures.AddRange(await FailuresAsync(seeds));

        TestContext.Current.SendDiagnosticMessage($"{_rowCount} rows are equal");
        Assert.True(failures.Count == 0, string.Join("\n\n", failures));
        Assert.True(_rowCount > 0 || PipelineCount < GroupSize, $"No table of seeds {first} to {first + PipelineCount - 1} has a row: nothing was compared.");
    }

    /// <summary>Where a whole group fails, each of its pipelines is run alone, to find the one.</summary>
    private async Task<IReadOnlyList<string>> FailuresAsync(int[] seeds)
    {
        var run = new RandomFlinkRun(await flink.SessionAsync(), await kafka.BrokerAsync(), [.. seeds.Select(seed => new RandomFlinkPipeline(seed))]);
        try
        {
            var differences = await run.CompareAsync();
            _rowCount += run.EqualRowCount;
            return differences;
        }
        catch (Exception failure) when (failure is InvalidOperationException or Xunit.Sdk.XunitException)
        {
            var alone = new List<string>();
            if (seeds.Length > 1) foreach (var seed in seeds) alone.AddRange(await FailuresAsync([seed]));
            return alone.Count != 0 ? alone : [$"Seeds {seeds[0]} to {seeds[^1]} (MATIH_SEED={seeds[0]} MATIH_RUNS={seeds.Length} repeats them): {failure.Message}\n{run.Definition}"];
        }
    }

    private static int? Number(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
