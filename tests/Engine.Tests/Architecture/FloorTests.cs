using System.Reflection;
using Matih.Host.Output;

namespace Matih.Engine.Tests.Architecture;

/// <summary>
/// Holds the order of the folders within a folder: each uses only those below it, so that none can be part of a circle. A type
/// that lies beside them stands where what it uses puts it: above the highest folder that it needs, itself or through others.
/// </summary>
public sealed class FloorTests
{
    /// <summary>The folders of each folder, the lowest first. An empty name is for what lies beside them, where that may use none of them.</summary>
    private static readonly Dictionary<string, string[]> Floors = new()
    {
        ["Connectors"] = ["Registry", "Sql"],
        ["Decoding"] = ["", "Avro"],
        ["Definition"] = ["Yaml", "Shapes", "Format", "Reading"],
        ["Delivery"] = ["", "Skipping", "Ledgers", "Tables", "IcebergTables", "Topics", "Writing", "Lanes", "Opening", "Staging", "Committing", "Members", "Running", "Replaying", "Steps"],
        ["Host"] = ["Runtime", "Output", "Health", "Telemetry", "Statements", "Testing", "Tables", "Status", "Verification", "Demo", "Commands"],
        ["Hosting"] = ["Telemetry", "Flink", "Serverless"],
        ["Iceberg"] = ["Metadata", "Partitioning", "Avro", "Catalogs", "Manifests"],
        ["Kafka"] = ["Native"],
        ["Maintenance"] = ["Compaction", "Orphans"],
        ["Parquet"] = ["Format", "Compression", "Encodings", "Reading", "Writing"],
        ["Sql"] = ["Syntax", "Values", "Kernels", "Expressions", "Execution", "Casting", "Functions", "Nested", "Strings", "Temporal", "Numbers", "Conditions", "Binding"],
    };

    private static readonly Assembly[] Assemblies = [typeof(EngineEnvironment).Assembly, typeof(Matih.Hosting.HostSettings).Assembly, typeof(Terminal).Assembly];

    public static TheoryData<string> Folders => [.. Floors.Keys];

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_folder_within_a_folder_uses_only_those_below_it(string folder)
    {
        var uses = Assemblies.SelectMany(assembly => AssemblyReferences.Read(assembly))
            .Where(use => TypeFolder.First(use.User) == folder && TypeFolder.First(use.Used) == folder).ToArray();
        var order = new FloorOrder(Floors[folder], uses);

        Violations.AssertNone(uses.Select(order.Fault).OfType<string>().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_folder_within_a_folder_has_a_floor()
    {
        var unknown =
            from type in Assemblies.SelectMany(assembly => AssemblyReferences.Read(assembly)).SelectMany(use => new[] { use.User, use.Used })
            let inner = TypeFolder.Second(type)
            where inner.Length != 0 && !(Floors.TryGetValue(TypeFolder.First(type), out var floors) && floors.Contains(inner))
            select $"Folder {inner} of {TypeFolder.First(type)} has no floor; say which it may use.";

        Violations.AssertNone(unknown);
    }

    [Theory]
    [InlineData("Low.A>High.B", "Matih.F.Low.A uses Matih.F.High.B")]
    [InlineData("High.B>Low.A", null)]
    [InlineData("Low.A>Plain", null)]
    [InlineData("Low.A>Entry Entry>High.B", "Matih.F.Low.A uses Matih.F.Entry, which needs High")]
    [InlineData("Low.A>Step Step>Entry Entry>Low.C", "Matih.F.Low.A uses Matih.F.Step, which needs Low")]
    [InlineData("High.B>Step Step>Entry Entry>Step Entry>Low.C", null)]
    public void A_circle_is_found_through_the_types_beside_the_folders_too(string pairs, string? expected)
    {
        var uses = pairs.Split(' ').Select(pair => pair.Split('>')).Select(pair => new TypeUse($"Matih.F.{pair[0]}", $"Matih.F.{pair[1]}")).ToArray();
        var order = new FloorOrder(["Low", "High"], uses);

        Assert.Equal(expected is null ? [] : [expected], uses.Select(order.Fault).OfType<string>());
    }
}

/// <summary>Where the folders and types of one folder stand, by what they use of each other.</summary>
internal sealed class FloorOrder(string[] floors, TypeUse[] uses)
{
    private const int Ground = -1;

    private readonly ILookup<string, string> _usedBy = uses.ToLookup(use => use.User, use => use.Used);

    /// <summary>What is wrong with one use; null where nothing is.</summary>
    public string? Fault(TypeUse use)
    {
        if (FloorOf(use.User) is not { } user) return null;
        if (FloorOf(use.Used) is { } used) return used > user ? $"{use.User} uses {use.Used}" : null;
        var needed = NeededBy(use.Used);
        return needed >= user ? $"{use.User} uses {use.Used}, which needs {floors[needed]}" : null;
    }

    /// <summary>The floor of a type's folder; null for a type beside the folders that has none of its own.</summary>
    private int? FloorOf(string type) => Array.IndexOf(floors, TypeFolder.Second(type)) is >= 0 and var floor ? floor : null;

    /// <summary>The highest floor that a type beside the folders uses, itself or through others beside them.</summary>
    private int NeededBy(string type)
    {
        var highest = Ground;
        var seen = new HashSet<string> { type };
        var open = new Stack<string>(seen);
        while (open.TryPop(out var next))
            foreach (var used in _usedBy[next])
                if (FloorOf(used) is { } floor) highest = Math.Max(highest, floor);
                else if (seen.Add(used)) open.Push(used);
        return highest;
    }
}
