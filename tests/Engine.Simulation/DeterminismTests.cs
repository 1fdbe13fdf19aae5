using Matih.Engine.Simulation.Scenarios;

namespace Matih.Engine.Simulation;

/// <summary>A failure that cannot be replayed is worth little.</summary>
public sealed class DeterminismTests
{
    [Fact]
    public void The_same_seed_gives_the_same_run()
    {
        for (var seed = 1; seed <= 20; seed++)
        {
            var first = ScenarioRun.Run(ScenarioGenerator.Generate(seed));
            var second = ScenarioRun.Run(ScenarioGenerator.Generate(seed));

            Assert.Equal(first.TraceHash, second.TraceHash);
            Assert.Equal(first.StepCount, second.StepCount);
        }
    }

    [Fact]
    public void Other_seeds_give_other_runs()
    {
        var hashes = Enumerable.Range(1, 20).Select(seed => ScenarioRun.Run(ScenarioGenerator.Generate(seed)).TraceHash);

        Assert.Equal(20, hashes.Distinct().Count());
    }
}
