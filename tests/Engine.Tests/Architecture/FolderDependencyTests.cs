using Matih.Delivery;

namespace Matih.Engine.Tests.Architecture;

/// <summary>Holds which folder of src/Engine may use which: the way of a record has two ends, and only its runner sees both.</summary>
public sealed class FolderDependencyTests
{
    /// <summary>A folder and the folders that it may use; <see cref="Foundations"/> are open to all.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Batches"] = [],
        ["Storage"] = [],
        ["Telemetry"] = [],
        ["Json"] = ["Batches"],
        ["Registry"] = ["Batches", "Json"],
        ["Kafka"] = ["Batches"],
        ["Decoding"] = ["Batches", "Json", "Registry"],
        ["Sql"] = ["Batches", "Json"],
        ["Changes"] = ["Batches"],
        ["Parquet"] = ["Batches"],
        ["Iceberg"] = ["Batches", "Storage"],
        ["Delta"] = ["Batches", "Storage"],
        ["Definition"] = ["Batches", "Sql"],
        ["Planning"] = ["Batches", "Sql", "Definition", "Iceberg"],
        ["Flink"] = ["Batches", "Sql", "Definition", "Planning"],
    };

    /// <summary>The folders that see both ends; the types beside the folders (PipelineRunner) do as well.</summary>
    private static readonly string[] SeeEverything = ["Delivery", "Maintenance", "Verification"];

    /// <summary>Types beside the folders that hold no rules of a pipeline, so that every folder may use them.</summary>
    private static readonly string[] Foundations = ["Matih.EngineEnvironment", "Matih.ITaskStarter", "Matih.PipelineException", "Matih.PipelineErrorKind", "Matih.Quantity", "Matih.NearestName", "Matih.TableIdentifier"];

    [Fact]
    public void A_folder_uses_only_the_folders_below_it()
    {
        var violations = AssemblyReferences.Read(EnginePath)
            .Where(use => !Foundations.Contains(use.Used) && !IsAllowed(FolderOf(use.User), FolderOf(use.Used)))
            .Select(use => $"{use.User} uses {use.Used}")
            .Order(StringComparer.Ordinal);

        Violations.AssertNone(violations);
    }

    [Fact]
    public void A_using_directive_names_only_a_folder_below()
    {
        // Folded constants leave no trace in the metadata; the directive that brought them does.
        var violations =
            from file in EngineSources.Files
            from line in File.ReadLines(file.Path)
            where line.StartsWith("using Matih.", StringComparison.Ordinal)
            let used = line["using Matih.".Length..].TrimEnd(';').Split('.')[0]
            where file.Folder.Length != 0 && !IsAllowed(file.Folder, used)
            select $"{file.RelativePath}: {line}";

        Violations.AssertNone(violations);
    }

    /// <summary>The folders of Delivery, each above all that it may use; what lies beside them is open to all.</summary>
    private static readonly string[] DeliveryFloors =
        ["", "Skipping", "Ledgers", "Tables", "Topics", "Writing", "Lanes", "Opening", "Staging", "Committing", "Members", "Running", "Replaying", "Steps"];

    [Fact]
    public void A_folder_of_Delivery_uses_only_those_below_it()
    {
        var violations = AssemblyReferences.Read(EnginePath)
            .Where(use => FolderOf(use.User) == "Delivery" && FolderOf(use.Used) == "Delivery" && FloorOf(use.User) < FloorOf(use.Used))
            .Select(use => $"{use.User} uses {use.Used}")
            .Order(StringComparer.Ordinal);

        Violations.AssertNone(violations);
    }

    private static int FloorOf(string type)
    {
        var parts = type.Split('.');
        var folder = parts.Length > 3 ? parts[2] : "";
        var floor = Array.IndexOf(DeliveryFloors, folder);
        return floor >= 0 ? floor : throw new InvalidOperationException($"Folder {folder} of Delivery has no floor; say which it may use.");
    }

    [Fact]
    public void Every_folder_is_in_the_table()
    {
        var unknown = EngineSources.Files.Select(file => file.Folder)
            .Where(folder => folder.Length != 0 && !Allowed.ContainsKey(folder) && !SeeEverything.Contains(folder));

        Violations.AssertNone(unknown);
    }

    [Fact]
    public void References_in_method_bodies_are_seen()
    {
        var uses = AssemblyReferences.Read(typeof(FolderDependencyTests).Assembly.Location);

        Assert.Contains(new TypeUse(typeof(BodyOnlyUser).FullName!, typeof(UsedInBody).FullName!), uses);
        Assert.Contains(new TypeUse(typeof(BodyOnlyUser).FullName!, typeof(UsedAsGenericArgument).FullName!), uses);
        Assert.DoesNotContain(new TypeUse(typeof(UsedInBody).FullName!, typeof(BodyOnlyUser).FullName!), uses);
    }

    private static string EnginePath => typeof(EngineEnvironment).Assembly.Location;

    private static bool IsAllowed(string user, string used) =>
        user == used || user.Length == 0 || SeeEverything.Contains(user) || (Allowed.TryGetValue(user, out var below) && below.Contains(used));

    /// <summary>The folder of a type is its namespace's second part; empty for the types beside the folders.</summary>
    private static string FolderOf(string type) => type.Split('.') is [_, var folder, _, ..] ? folder : "";
}

internal static class BodyOnlyUser
{
    public static string Run() => UsedInBody.Value() + new List<UsedAsGenericArgument>().Count;
}

internal static class UsedInBody
{
    public static string Value() => "";
}

internal sealed class UsedAsGenericArgument;
