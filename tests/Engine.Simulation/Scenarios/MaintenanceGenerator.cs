namespace Matih.Engine.Simulation.Scenarios;

/// <summary>Adds maintenance to a scenario. It draws from a stream of its own, so that the rest of the scenario does not change.</summary>
internal static class MaintenanceGenerator
{
    public static void Extend(int seed, Setup setup, TimeSpan span, List<(TimeSpan At, WorldAction Action)> actions)
    {
        var random = new Random(unchecked(seed * 69621) ^ 0x4a31);
        if (random.Next(5) != 0) return;
        var tables = setup.Pipelines.SelectMany(pipeline => pipeline.Tables).Distinct().ToArray();
        for (var i = random.Next(1, 5); i > 0; i--)
            actions.Add((span * (0.1 + 0.9 * random.NextDouble()), new WorldAction.Maintain(tables[random.Next(tables.Length)], random.Next(2) == 0 ? random.Next(0, 60) : null, Sleep(random), random.Next())));
    }

    /// <summary>Long enough for every orphan file to be old, now and then.</summary>
    private static TimeSpan? Sleep(Random random) => random.Next(3) == 0 ? TimeSpan.FromHours(random.Next(20, 40)) : null;
}
