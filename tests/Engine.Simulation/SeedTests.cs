using System.Diagnostics;
using System.Globalization;
using Matih.Engine.Simulation.Scenarios;

namespace Matih.Engine.Simulation;

/// <summary>
/// The promise, under thousands of random scenarios. Dials (environment): MATIH_SIM_SEEDS (how many, default 300, under
/// MATIH_SOAK 20,000), MATIH_SIM_FIRST (the first, default 1), MATIH_SIM_FOR (try seeds for that long, e.g. 10m), MATIH_SIM_SEED
/// (replay exactly one, with a trace), MATIH_SIM_KEEP (of that one, only these actions, e.g. 3,7,9).
/// </summary>
public sealed class SeedTests(ITestOutputHelper output)
{
    /// <summary>Shrinking takes as long as hundreds of seeds: the others are only named.</summary>
    private const int FailuresShrunk = 3;

    [Fact]
    public void Every_seed_holds_every_record_once()
    {
        if (Dials.Seed is { } only)
        {
            Replay(only);
            return;
        }
        var watch = Stopwatch.StartNew();
        var (next, count, audits, refused, steps) = (Dials.First - 1, 0, 0L, 0, 0L);
        var longest = (Seed: 0, Steps: 0L);
        var functions = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var failures = new List<(Scenario Scenario, Exception Violation)>();
        var threads = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(Work)).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());

        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{count} seeds from {Dials.First}, {audits} audits, {refused} with a refusal, {steps} steps (seed {longest.Seed} took {longest.Steps}), {watch.Elapsed.TotalSeconds:0.0} s, {watch.Elapsed.TotalMilliseconds * threads.Count / Math.Max(1, count):0.0} ms of a core a seed."));
        output.WriteLine($"Functions: {string.Join(", ", functions.Select(item => string.Create(CultureInfo.InvariantCulture, $"{item.Key} {item.Value}")))}.");
        if (failures.Count != 0 && Dials.IsHunt) Assert.Fail($"Caught by seed {failures[0].Scenario.Seed} of {count}: {failures[0].Violation.Message}");
        if (failures.Count != 0)
            Assert.Fail(string.Join("\n", failures.OrderBy(item => item.Scenario.Seed).Select((item, index) => index < FailuresShrunk ? SeedReport.Describe(item.Scenario, item.Violation) : $"Seed {item.Scenario.Seed}: {item.Violation.Message}")));

        void Work()
        {
            while (Dials.Duration is { } duration ? watch.Elapsed < duration : Volatile.Read(ref next) < Dials.First + Dials.Count - 1)
            {
                if (Dials.IsHunt && failures.Count != 0) return;
                var seed = Interlocked.Increment(ref next);
                if (Dials.Duration is null && seed >= Dials.First + Dials.Count) return;
                var scenario = ScenarioGenerator.Generate(seed);
                var result = ScenarioRun.Run(scenario);
                Interlocked.Increment(ref count);
                Interlocked.Add(ref audits, result.AuditCount);
                Interlocked.Add(ref steps, result.StepCount);
                if (result.WasRefused) Interlocked.Increment(ref refused);
                lock (failures)
                {
                    foreach (var (what, times) in result.FunctionCounts) functions[what] = functions.GetValueOrDefault(what) + times;
                    if (result.StepCount > longest.Steps) longest = (seed, result.StepCount);
                    if (result.Violation is not { } violation) continue;
                    failures.Add((scenario, violation));
                    if (Dials.IsHunt || failures.Count >= Dials.FailuresShown) return;
                }
            }
        }
    }

    private void Replay(int seed)
    {
        var scenario = ScenarioGenerator.Generate(seed);
        if (Dials.Keep is { } keep) scenario = scenario.Keeping(keep);
        var result = ScenarioRun.Run(scenario, keepsTrace: true);
        output.WriteLine(scenario.ToString());
        foreach (var line in result.Trace) output.WriteLine(line);
        if (Dials.TracePath is { } path) File.WriteAllLines(path, result.Trace.Prepend(scenario.ToString()));
        if (result.Violation is { } violation) Assert.Fail(Dials.Keep is null ? SeedReport.Describe(scenario, violation) : violation.ToString());
    }
}
