using Matih.Engine.Simulation.Functions;
using Matih.Hosting.Serverless;

namespace Matih.Engine.Simulation.Scenarios;

/// <summary>Makes the functions apps of a scenario. It draws from a stream of its own, so that the rest of the scenario does not change.</summary>
internal static class FunctionsGenerator
{
    /// <summary>Actions in the order of their times; none for most seeds.</summary>
    public static IEnumerable<(TimeSpan At, WorldAction Action)> Generate(int seed, Setup setup, TimeSpan span)
    {
        var random = new Random(unchecked(seed * 39373) ^ 0x4fa3);
        if (random.Next(4) != 0) return [];
        // Nobody gives an app answers.
        var served = Enumerable.Range(0, setup.Pipelines.Length).Where(index => setup.Pipelines[index].Habits is { RenamedFrom: null, From: null }).ToList();
        if (served.Count == 0) return [];
        var pipeline = served[random.Next(served.Count)];
        var app = App(random);
        var actions = new List<(TimeSpan At, WorldAction Action)>();
        switch (random.Next(20))
        {
            case < 10:
                actions.Add((TimeSpan.Zero, new WorldAction.LeaveToFunctions(pipeline, Retirement.Forgotten)));
                actions.Add((0.1 * At(), new WorldAction.Deploy(pipeline, app)));
                if (random.Next(3) == 0) Redeploy(0.2 + 0.6 * random.NextDouble());
                break;
            case < 13:
                actions.Add((0.5 * At(), new WorldAction.Deploy(pipeline, app)));
                break;
            default:
                var goneAt = 0.5 * At();
                actions.Add((goneAt, new WorldAction.LeaveToFunctions(pipeline, (Retirement)random.Next(3))));
                // The two overlap now and then.
                actions.Add((TimeSpan.FromTicks(Math.Max(0, (goneAt + TimeSpan.FromSeconds(8 * random.NextDouble() - 3)).Ticks)), new WorldAction.Deploy(pipeline, app)));
                if (random.Next(5) >= 2)
                {
                    var backAt = span * (0.5 + 0.5 * random.NextDouble());
                    actions.Add((backAt, new WorldAction.Undeploy(pipeline, random.Next(2) == 0)));
                    actions.Add((TimeSpan.FromTicks(Math.Max(0, (backAt + TimeSpan.FromSeconds(8 * random.NextDouble() - 3)).Ticks)), new WorldAction.TakeBack(pipeline)));
                }
                else if (random.Next(3) == 0) Redeploy(0.5 + 0.4 * random.NextDouble());
                break;
        }
        if (random.Next(3) == 0) actions.Add((TimeSpan.Zero, new WorldAction.TroubleHub(0.05 + 0.3 * random.NextDouble(), span)));
        for (var i = random.Next(0, 12); i > 0; i--) actions.Add((At(), Disturbance(random, pipeline)));
        for (var i = random.Next(2) == 0 ? random.Next(1, 7) : 0; i > 0; i--) actions.Add((At(), Command(random, pipeline)));
        if (random.Next(4) == 0) actions.Add((span * 0.6, new WorldAction.DropBatches(pipeline, span)));
        if (random.Next(6) == 0) actions.Add((span, new WorldAction.Produce(setup.Pipelines[pipeline].Topic, random.Next(1, 20), random.Next())));
        return actions.OrderBy(item => item.At);

        TimeSpan At() => span * random.NextDouble();

        void Redeploy(double at)
        {
            actions.Add((span * at, new WorldAction.Undeploy(pipeline, random.Next(2) == 0)));
            actions.Add((span * at + TimeSpan.FromSeconds(10 * random.NextDouble()), new WorldAction.Deploy(pipeline, App(random))));
        }
    }

    private static AppSetup App(Random random) => new(
        InstanceCount: random.Next(3) == 0 ? 1 : 2,
        BatchMax: random.Next(1, 80),
        RetryCount: random.Next(0, 3),
        IdleTimeout: random.Next(3) == 0 ? TimeSpan.FromMinutes(5) : TimeSpan.FromSeconds(random.Next(2, 20)),
        FailureLimit: random.Next(3) == 0 ? TimeSpan.FromSeconds(random.Next(1, 20)) : TimeSpan.FromMinutes(30),
        RecordCountMax: random.Next(3) == 0 ? 1 : 100_000,
        WatchInterval: random.Next(3) == 0 ? TimeSpan.FromMinutes(5) : TimeSpan.FromSeconds(random.Next(5, 60)),
        InvocationMax: random.Next(3) == 0 ? TimeSpan.FromSeconds(random.Next(1, 30)) : TimeSpan.FromMinutes(5),
        Mischief: random.Next(3) == 0 ? 0 : 0.5 * random.NextDouble(),
        KeepsHostNames: random.Next(2) == 0,
        Skew: random.Next(3) == 0 ? TimeSpan.FromSeconds(random.Next(-3600, 3600)) : TimeSpan.Zero,
        Seed: random.Next());

    private static WorldAction Disturbance(Random random, int pipeline)
    {
        var host = random.Next(2);
        return random.Next(14) switch
        {
            0 or 1 or 2 => new WorldAction.KillWorker(pipeline, host, random.Next(0, 60)),
            3 or 4 => new WorldAction.KillHost(pipeline, host, random.Next(0, 60), LeavesZombie: false),
            5 or 6 => new WorldAction.KillHost(pipeline, host, random.Next(0, 60), LeavesZombie: true),
            7 => new WorldAction.PauseWorker(pipeline, host, random.Next(0, 60), TimeSpan.FromSeconds(Math.Pow(10, 1.7 * random.NextDouble()))),
            8 => new WorldAction.RebalanceTrigger(pipeline),
            9 => new WorldAction.DropBatches(pipeline, TimeSpan.FromSeconds(20 * random.NextDouble())),
            10 => new WorldAction.SleepTrigger(pipeline, TimeSpan.FromSeconds(20 * random.NextDouble())),
            _ => new WorldAction.TroubleHub(0.05 + 0.4 * random.NextDouble(), TimeSpan.FromSeconds(random.Next(1, 40))),
        };
    }

    private static WorldAction.TellLoop Command(Random random, int pipeline) => new(pipeline, random.Next(8) switch
    {
        0 or 1 => LoopCommand.Pause,
        2 or 3 => LoopCommand.Resume,
        4 => LoopCommand.Stop,
        5 => LoopCommand.Start,
        _ => LoopCommand.Checkpoint,
    });
}
