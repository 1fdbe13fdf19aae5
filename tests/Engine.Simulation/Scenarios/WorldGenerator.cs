using System.Globalization;

namespace Matih.Engine.Simulation.Scenarios;

/// <summary>Adds to a scenario what other engines do, accidents, and unusual tables. It draws from a stream of its own, so that the rest of the scenario does not change.</summary>
internal static class WorldGenerator
{
    public static Setup Extend(int seed, Setup setup, TimeSpan span, List<(TimeSpan At, WorldAction Action)> actions)
    {
        var random = new Random(unchecked(seed * 69621) ^ 0x51c7);
        setup = Reshape(seed, random, setup);
        if (random.Next(3) == 0)
            for (var i = random.Next(1, 4); i > 0; i--) Disturb(random, setup, At, actions);
        if (random.Next(12) == 0) Endanger(random, setup, At, actions);
        if (random.Next(12) == 0) actions.Add((At(0), new WorldAction.HideTables(random.Next(setup.Pipelines.Length), random.Next(3), random.Next(4) == 0)));
        var orders = new Random(unchecked(seed * 16807) ^ 0x3d0f);
        if (orders.Next(4) == 0)
            for (var i = orders.Next(1, 4); i > 0; i--) actions.Add((span * orders.NextDouble(), new WorldAction.ChangeOrder(AnyTable(orders, setup), orders.Next(5))));
        var hosts = new Random(unchecked(seed * 16807) ^ 0x57e9);
        if (hosts.Next(5) == 0)
        {
            var driven = hosts.Next(setup.Pipelines.Length);
            // Some flows are driven alone; a run comes at the end only.
            if (hosts.Next(2) == 0) actions.RemoveAll(item => item.Action is WorldAction.Start(var replica, _) && setup.Replicas[replica].Pipeline == driven);
            for (var i = hosts.Next(1, 4); i > 0; i--)
                actions.Add((span * hosts.NextDouble(), new WorldAction.Drive(driven, hosts.Next(setup.Pipelines[driven].Tables.Length), hosts.Next(20, 120), hosts.Next())));
        }
        return setup;

        TimeSpan At(double from) => span * (from + (1 - from) * random.NextDouble());
    }

    private static Setup Reshape(int seed, Random random, Setup setup)
    {
        var partitionBy = random.Next(4) != 0 ? "" : random.Next(4) switch
        {
            0 => "partition",
            1 => "'truncate(16, offset)'",
            2 => "'bucket(3, id)'",
            _ => "partition, 'truncate(32, offset)'",
        };
        var group = random.Next(2) == 0 ? "shared-group" : null;
        // Drawn apart from the rest, so that a seed's other choices stay what they are.
        var files = new Random(unchecked(seed * 48271) ^ 0x2f1e5);
        if (files.Next(4) == 0) partitionBy = files.Next(2) == 0 ? "offset" : "'bucket(40, id)'";
        var fileProperties = setup.Pipelines[0].TableProperties;
        if (files.Next(3) == 0) fileProperties = fileProperties.SetItem("write.target-file-size-bytes", files.Next(300, 3000).ToString(CultureInfo.InvariantCulture));
        if (files.Next(3) == 0) fileProperties = fileProperties.SetItem("write.distribution-mode", files.Next(3) switch { 0 => "none", 1 => "hash", _ => "range" });
        long? memory = files.Next(3) == 0 ? files.Next(1, 64) << 10 : null;
        var smallRange = random.Next(2) == 0 ? random.Next(1, 4000) : (long?)null;
        var isWide = random.Next(40) == 0;
        var width = random.Next(60, 110);
        var readsOn = random.Next(2) == 0;
        return setup with
        {
            Habits = setup.Habits with { ReadsOn = readsOn },
            PartitionCount = isWide ? width : setup.PartitionCount,
            Pipelines = [.. setup.Pipelines.Select(pipeline => pipeline with { PartitionBy = partitionBy, TableProperties = fileProperties, MemoryBytes = memory, SharedGroup = group, SmallRangeBytes = smallRange, HasMembers = pipeline.HasMembers && !isWide })],
        };
    }

    /// <summary>Something that delivery has to get through.</summary>
    private static void Disturb(Random random, Setup setup, Func<double, TimeSpan> at, List<(TimeSpan At, WorldAction Action)> actions)
    {
        var table = AnyTable(random, setup);
        switch (random.Next(10))
        {
            case 0 or 1:
                Add(new WorldAction.AppendRows(table, random.Next(1, 30)));
                break;
            case 2:
                Add(new WorldAction.StageRows(table, random.Next(1, 10)));
                Add(new WorldAction.PublishStaged(table, random.Next(4)));
                break;
            case 3:
                Add(new WorldAction.AddColumn(table));
                break;
            case 4:
                Add(new WorldAction.ReplaceColumn(table));
                break;
            case 5:
                Add(new WorldAction.ChangeSpec(table, random.Next(4)));
                break;
            case 6:
                Add(Property(random, table));
                break;
            case 7:
                Add(random.Next(2) == 0 ? new WorldAction.ReplaceColumn(table) : new WorldAction.ChangeSpec(table, random.Next(4)));
                Add(new WorldAction.ForgetShapes(table));
                break;
            default:
                for (var i = random.Next(1, 4); i > 0; i--) Add(new WorldAction.ExpireUnderReader(table, random.Next(setup.Replicas.Length), random.Next(0, 60)));
                break;
        }

        void Add(WorldAction action) => actions.Add((at(0.1), action));
    }

    private static WorldAction.SetProperty Property(Random random, string table)
    {
        var (name, value) = random.Next(5) switch
        {
            0 or 1 => ("write.parquet.compression-codec", random.Next(2) == 0 ? "gzip" : "uncompressed"),
            2 => ("write.target-file-size-bytes", random.Next(500, 5000).ToString(CultureInfo.InvariantCulture)),
            3 => ("commit.manifest.min-count-to-merge", random.Next(2, 6).ToString(CultureInfo.InvariantCulture)),
            _ => ("write.data.path", "mem://lake/elsewhere"),
        };
        return new WorldAction.SetProperty(table, name, value);
    }

    /// <summary>Something after which delivery may have to refuse.</summary>
    private static void Endanger(Random random, Setup setup, Func<double, TimeSpan> at, List<(TimeSpan At, WorldAction Action)> actions)
    {
        var (table, topic) = (AnyTable(random, setup), setup.Pipelines[0].Topic);
        switch (random.Next(6))
        {
            case 0 or 1:
                var pickedAt = at(0.3);
                actions.Add((pickedAt, new WorldAction.CherryPick(table, random.Next(1, 4), random.Next(2) == 0, TimeSpan.FromSeconds(random.Next(3) == 0 ? 0 : 15 * random.NextDouble()), random.Next(8))));
                break;
            case 2 or 3:
                var lost = random.Next(1, 30);
                actions.Add((at(0.2), new WorldAction.Truncate(topic, random.Next(Math.Min(4, setup.PartitionCount)), lost, random.Next(3) == 0 ? 0 : random.Next(lost, lost + 30), random.Next())));
                break;
            case 4:
                actions.Add((at(0.3), new WorldAction.RecreateTopic(topic, random.Next(0, 300), random.Next())));
                break;
            default:
                actions.Add((at(0.3), new WorldAction.LoseSideFile(table, random.Next(8), random.Next(2) == 0)));
                break;
        }
    }

    private static string AnyTable(Random random, Setup setup)
    {
        var tables = setup.Pipelines[random.Next(setup.Pipelines.Length)].Tables;
        return tables[random.Next(tables.Length)];
    }
}
