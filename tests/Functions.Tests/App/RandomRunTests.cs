using System.Globalization;
using Matih.Fixtures;

namespace Matih.Functions.Tests.App;

/// <summary>
/// The promise under whatever a seed draws: every record is in the table once. <c>MATIH_SEED</c> is the first seed (else 1, and one that
/// is drawn in a soak), <c>MATIH_RUNS</c> the number of runs; a failure names its seed.
/// </summary>
public sealed class RandomRunTests(SharedStorage storage)
{
    /// <summary>Runs wait for leases and timeouts most of their time.</summary>
    private const int RunsAtOnce = 5;

    private static readonly int RunCount = Number("MATIH_RUNS") ?? (Environment.GetEnvironmentVariable("MATIH_SOAK") == "1" ? 200 : 10);

    [Fact, LongTest]
    public async Task Every_record_is_in_the_table_once_after_runs_that_a_seed_draws()
    {
        var first = Number("MATIH_SEED") ?? (Environment.GetEnvironmentVariable("MATIH_SOAK") == "1" ? Random.Shared.Next(1_000_000) : 1);
        TestContext.Current.SendDiagnosticMessage($"seeds {first} to {first + RunCount - 1}");
        await Parallel.ForEachAsync(
            Enumerable.Range(first, RunCount),
            new ParallelOptions { MaxDegreeOfParallelism = RunsAtOnce, CancellationToken = TestContext.Current.CancellationToken },
            async (seed, _) => await RunAsync(seed));
    }

    private async Task RunAsync(int seed)
    {
        await using var run = await RandomRun.StartAsync(storage, seed);
        try
        {
            await run.GoAsync();
            await run.AssertExactAsync();
        }
        catch (Exception failure)
        {
            throw new InvalidOperationException($"Seed {seed} (MATIH_SEED={seed} MATIH_RUNS=1 repeats what it draws): {failure.Message}\n{run.Story}", failure);
        }
    }

    private static int? Number(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
