using System.Collections.Immutable;
using System.Globalization;
using Matih.Engine.Simulation.World;

namespace Matih.Engine.Simulation.Scenarios;

/// <summary>Makes a scenario from a seed. What could end in a refusal is rare, so that most seeds get to the end of their road.</summary>
internal static class ScenarioGenerator
{
    private const string Topic = "shop.orders";

    public static Scenario Generate(int seed)
    {
        var random = new Random(seed);
        var setup = WithFormatVersion(GenerateSetup(random), seed);
        var span = TimeSpan.FromSeconds(random.Next(15, 70));
        var actions = new List<(TimeSpan At, WorldAction Action)>();
        for (var replica = 0; replica < setup.Replicas.Length; replica++)
            actions.Add((TimeSpan.FromSeconds(replica * 10 * random.NextDouble()), new WorldAction.Start(replica, (RunKind)Math.Max(0, random.Next(-3, 3)))));
        for (var i = random.Next(2, 7); i > 0; i--) actions.Add((At(), new WorldAction.Produce(Topic, random.Next(1, 60), random.Next())));
        for (var i = random.Next(1, 9); i > 0; i--) actions.Add((At(), Disturbance(random, setup)));
        if (random.Next(8) == 0) actions.Add((At(), Danger(random, setup)));
        setup = WorldGenerator.Extend(seed, setup, span, actions);
        setup = PeopleGenerator.Extend(seed, setup, span, actions);
        MaintenanceGenerator.Extend(seed, setup, span, actions);
        var ordered = actions.OrderBy(item => item.At).Select((item, index) => new PlannedAction(index, item.At, item.Action));
        // Their numbers come last, so that those of the others stay; they stand first, because a pipeline may be left to functions from the beginning.
        var functions = FunctionsGenerator.Generate(seed, setup, span).Select((item, index) => new PlannedAction(actions.Count + index, item.At, item.Action));
        return new Scenario(seed, setup, [.. functions, .. ordered]);

        TimeSpan At() => span * random.NextDouble();
    }

    /// <summary>Tables of a quarter of the seeds have version 3 of Iceberg's format. No draw of the generator is spent on it, so that all seeds stay what they are.</summary>
    private static Setup WithFormatVersion(Setup setup, int seed) => seed % 4 != 3 ? setup
        : setup with { Pipelines = [.. setup.Pipelines.Select(pipeline => pipeline with { TableProperties = pipeline.TableProperties.SetItem("format-version", "3") })] };

    private static Setup GenerateSetup(Random random)
    {
        var properties = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        properties["write.parquet.compression-codec"] = random.Next(20) == 0 ? "zstd" : "uncompressed";
        if (random.Next(2) == 0) properties["commit.manifest.min-count-to-merge"] = random.Next(2, 5).ToString(CultureInfo.InvariantCulture);
        if (random.Next(3) == 0) properties["write.metadata.previous-versions-max"] = random.Next(1, 6).ToString(CultureInfo.InvariantCulture);
        if (random.Next(3) == 0) properties["commit.retry.num-retries"] = random.Next(0, 3).ToString(CultureInfo.InvariantCulture);
        var pipelines = ImmutableArray.CreateBuilder<PipelineSetup>();
        var replicas = ImmutableArray.CreateBuilder<ReplicaSetup>();
        var pipelineCount = random.Next(4) == 0 ? 2 : 1;
        for (var i = 0; i < pipelineCount; i++)
        {
            ImmutableArray<string> tables = random.Next(6) == 0 ? ["shop.orders", random.Next(2) == 0 ? "shop.orders" : "shop.copies"] : ["shop.orders"];
            var memberCount = random.Next(3) == 0 ? random.Next(2, 4) : 0;
            pipelines.Add(new PipelineSetup(
                i == 0 ? "orders" : "refunds", Topic, tables, random.Next(4) == 0, random.Next(4) == 0, random.Next(1, 6), random.Next(1, 4), random.Next(0, 6), memberCount != 0, properties.ToImmutable()));
            for (var replica = memberCount != 0 ? memberCount : random.Next(4) == 0 ? 2 : 1; replica > 0; replica--)
            {
                var skew = random.Next(3) == 0 ? TimeSpan.FromSeconds(random.Next(-3600, 3600)) : default;
                replicas.Add(new ReplicaSetup(i, random.Next(2) == 0 ? "ant" : "bee", skew));
            }
        }
        var habits = new ClientHabits(random.Next(3) == 0 ? random.Next(1, 20) : 0, random.Next(6) == 0);
        return new Setup(random.Next(2) == 0, random.Next(3) != 0, random.Next(2) == 0, random.Next(1, 5), habits, pipelines.ToImmutable(), replicas.ToImmutable());
    }

    /// <summary>Something that delivery has to get through.</summary>
    private static WorldAction Disturbance(Random random, Setup setup)
    {
        var replica = random.Next(setup.Replicas.Length);
        var table = AnyTable(random, setup);
        switch (random.Next(24))
        {
            case 0 or 1 or 2:
                return new WorldAction.Kill(replica, random.Next(0, 60));
            case 3:
                return new WorldAction.Stop(replica);
            case 4 or 5:
                return new WorldAction.Pause(replica, random.Next(0, 60), TimeSpan.FromSeconds(Math.Pow(10, (random.Next(10) == 0 ? 3 : 1.7) * random.NextDouble())));
            case 6 or 7 or 8:
                return new WorldAction.Break(setup.HasCatalogServer && random.Next(2) == 0 ? Service.Catalog : Service.Store,
                    (Trouble)random.Next((int)Trouble.FalseAnswers + 1), 0.02 + 0.4 * random.NextDouble(), Seconds(1, 40));
            case 9:
                return new WorldAction.Break((Service)random.Next(3), Trouble.Outage, 1, TimeSpan.FromSeconds(Math.Pow(10, 2.3 * random.NextDouble())));
            case 10:
                return new WorldAction.Break((Service)random.Next(2), random.Next(2) == 0 ? Trouble.DiskFull : Trouble.Slow, 1, Seconds(1, 40));
            case 11:
                return new WorldAction.Break(Service.Kafka, Trouble.Mixed, 0.3 * random.NextDouble(), Seconds(1, 40));
            case 12 or 13:
                return new WorldAction.Transact(Topic, random.Next(1, 20), random.Next(2) == 0, Seconds(0, 15), random.Next());
            case 14:
                return new WorldAction.WriteControls(Topic, random.Next(setup.PartitionCount), random.Next(1, 6));
            case 15:
                return random.Next(2) == 0 ? new WorldAction.Compact(Topic, random.NextDouble(), random.Next()) : new WorldAction.Retain(Topic, random.Next(setup.PartitionCount), random.NextDouble(), false);
            case 16:
                return new WorldAction.AddPartition(Topic);
            case 17:
                return new WorldAction.JumpClock(replica, Seconds(-7200, 7200));
            case 18:
                return new WorldAction.AppendForeign(table);
            case 19:
                return new WorldAction.Expire(table, random.Next(1, 4));
            case 20:
                return new WorldAction.RollBack(table, random.Next(1, 4));
            case 21:
                return new WorldAction.Rebalance();
            case 22:
                return new WorldAction.CompactFiles(table);
            default:
                return random.Next(2) == 0 ? new WorldAction.RemoveOrphans(table, TimeSpan.FromHours(13)) : new WorldAction.LimitRefAge(table);
        }

        TimeSpan Seconds(int min, int max) => TimeSpan.FromMilliseconds(random.Next(min * 1000, max * 1000));
    }

    /// <summary>Something after which delivery may have to refuse.</summary>
    private static WorldAction Danger(Random random, Setup setup) => random.Next(4) switch
    {
        0 => new WorldAction.Retain(Topic, random.Next(setup.PartitionCount), 1, true),
        1 => new WorldAction.RecreateTopic(Topic, random.Next(0, 200), random.Next()),
        2 => new WorldAction.RollBack(AnyTable(random, setup), random.Next(1, 40)),
        _ => new WorldAction.Suspend(random.Next(setup.Replicas.Length), random.Next(0, 60), TimeSpan.FromHours(random.Next(1, 24)), AnyTable(random, setup), TimeSpan.FromHours(16)),
    };

    private static string AnyTable(Random random, Setup setup)
    {
        var tables = setup.Pipelines[random.Next(setup.Pipelines.Length)].Tables;
        return tables[random.Next(tables.Length)];
    }
}
