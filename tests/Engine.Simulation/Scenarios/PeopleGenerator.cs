using Matih.Definition;
using Matih.Engine.Simulation.Scheduling;

namespace Matih.Engine.Simulation.Scenarios;

/// <summary>Adds to a scenario what people decide and do. It draws from a stream of its own, so that the rest of the scenario does not change.</summary>
internal static class PeopleGenerator
{
    private const string KeptVersions = "write.metadata.previous-versions-max";

    public static Setup Extend(int seed, Setup setup, TimeSpan span, List<(TimeSpan At, WorldAction Action)> actions)
    {
        var random = new Random(unchecked(seed * 48271) ^ 0x2f6b);
        setup = setup with
        {
            Pipelines = [.. setup.Pipelines.Select(pipeline => pipeline with { Habits = HabitsOf(random, span) })],
            People = new PeopleSetup
            {
                AnswersRefusals = random.Next(2) == 0,
                EndsByStop = random.Next(2) == 0,
                CatchesUpByOnce = random.Next(6) == 0,
                Idle = random.Next(50) == 0 ? (IdleTrial)random.Next(1, 3) : IdleTrial.None,
            },
        };
        var plot = random.Next(16);
        var pipelineIndex = random.Next(setup.Pipelines.Length);
        var chosen = setup.Pipelines[pipelineIndex];
        switch (plot)
        {
            case 0 or 1:
                for (var i = random.Next(1, 3); i > 0; i--) actions.Add((At(0.3), new WorldAction.Reset(pipelineIndex, random.Next(2) == 0)));
                break;
            case 2 or 3:
                setup = Rename(random, setup, span, actions);
                break;
            case 4 or 5:
                for (var i = random.Next(1, 4); i > 0; i--)
                {
                    actions.Add((At(0.3), new WorldAction.Replay(
                        pipelineIndex, random.Next(chosen.Tables.Length), random.NextDouble(), random.NextDouble(), random.Next(4) == 0 ? random.Next(5, 60) : null)));
                }
                break;
            case 6:
                setup = setup with { Pipelines = [.. setup.Pipelines.Select(pipeline => pipeline with { TableProperties = pipeline.TableProperties.SetItem(KeptVersions, "1") })] };
                for (var i = random.Next(1, 3); i > 0; i--) actions.Add((At(0.5), new WorldAction.Bury(chosen.Tables[random.Next(chosen.Tables.Length)])));
                break;
        }
        return setup;

        TimeSpan At(double from) => span * (from + (1 - from) * random.NextDouble());
    }

    private static PipelineHabits HabitsOf(Random random, TimeSpan span)
    {
        var habits = new PipelineHabits { FailsOnBadRecord = random.Next(14) == 0 };
        if (random.Next(3) == 0) habits = habits with { OnceCountMax = random.Next(1, 120), OnceIdleTimeout = TimeSpan.FromSeconds(random.Next(1, 12)) };
        return random.Next(10) != 0 ? habits : habits with
        {
            From = random.Next(3) switch
            {
                0 => new StartOffset.Earliest(),
                1 => new StartOffset.Latest(),
                _ => new StartOffset.AtTime(SimulatedClock.Epoch + span * (0.5 * random.NextDouble())),
            },
        };
    }

    /// <summary>The first pipeline gets a new name, or two: the second adopter comes too late.</summary>
    private static Setup Rename(Random random, Setup setup, TimeSpan span, List<(TimeSpan At, WorldAction Action)> actions)
    {
        var old = setup.Pipelines[0];
        var renamedAt = span * (0.3 + 0.5 * random.NextDouble());
        string[] names = random.Next(4) == 0 ? ["invoices", "bills"] : ["invoices"];
        var (pipelines, replicas) = (setup.Pipelines.ToBuilder(), setup.Replicas.ToBuilder());
        foreach (var name in names)
        {
            var renamed = old with { Name = name, Habits = old.Habits with { RenamedFrom = old.Name, From = null } };
            pipelines.Add(renamed);
            actions.Add((renamedAt + TimeSpan.FromSeconds(4 * random.NextDouble()), new WorldAction.Start(replicas.Count, (RunKind)Math.Max(0, random.Next(-3, 3)))));
            replicas.Add(new ReplicaSetup(pipelines.Count - 1, random.Next(2) == 0 ? "ant" : "bee", TimeSpan.Zero));
        }
        actions.Add((renamedAt + TimeSpan.FromSeconds(4 * random.NextDouble()), new WorldAction.Retire(0, (Retirement)random.Next(3))));
        return setup with { Pipelines = pipelines.ToImmutable(), Replicas = replicas.ToImmutable() };
    }
}
