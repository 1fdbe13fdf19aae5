using System.Reflection;

namespace Matih.Engine.Tests.Architecture;

/// <summary>
/// Holds which folder of src/Engine may use which: the way of a record has two ends, and only its runner sees both. The folders
/// within each are in <see cref="FloorTests"/>, the hosts in <see cref="HostDependencyTests"/>.
/// </summary>
public sealed class FolderDependencyTests
{
    /// <summary>A folder and the folders that it may use; <see cref="Foundations"/> are open to all.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Avro"] = [],
        ["Batches"] = [],
        ["Storage"] = [],
        ["Telemetry"] = [],
        ["Json"] = ["Batches"],
        ["Registry"] = ["Batches", "Json"],
        ["Kafka"] = ["Batches"],
        ["Decoding"] = ["Avro", "Batches", "Json", "Registry"],
        ["Sql"] = ["Batches", "Json"],
        ["Changes"] = ["Batches"],
        ["Parquet"] = ["Batches"],
        ["Iceberg"] = ["Avro", "Batches", "Storage"],
        ["Delta"] = ["Batches", "Storage"],
        ["Definition"] = ["Batches", "Registry", "Sql", "Storage"],
        ["Planning"] = ["Batches", "Sql", "Definition", "Iceberg"],
        ["Flink"] = ["Batches", "Sql", "Definition", "Planning", "Iceberg"],
    };

    /// <summary>The folders that see both ends; the types beside the folders (PipelineRunner) do as well.</summary>
    private static readonly string[] SeeEverything = ["Delivery", "Maintenance", "Status", "Verification"];

    /// <summary>Types beside the folders that hold no rules of a pipeline, so that every folder may use them.</summary>
    private static readonly string[] Foundations = ["Matih.EngineEnvironment", "Matih.ITaskStarter", "Matih.Quantity", "Matih.NearestName", "Matih.TableIdentifier", "Matih.SnapshotId", "Matih.InvalidTableException", "Matih.UnsupportedTableException"];

    [Fact]
    public void A_folder_uses_only_the_folders_below_it()
    {
        var violations = AssemblyReferences.Read(Engine)
            .Where(use => !Foundations.Contains(use.Used) && !IsAllowed(TypeFolder.First(use.User), TypeFolder.First(use.Used)))
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

    /// <summary>A table format has one folder in Delivery, behind the contract in Tables; what puts a flow together names it, and nobody else.</summary>
    [Fact]
    public void Only_one_folder_of_Delivery_knows_Iceberg()
    {
        var violations = AssemblyReferences.Read(Engine)
            .Where(use => TypeFolder.First(use.User) == "Delivery" && !IsOfIcebergTables(use.User) && (TypeFolder.First(use.Used) == "Iceberg" || IsOfIcebergTables(use.Used)))
            .Select(use => $"{use.User} uses {use.Used}")
            .Order(StringComparer.Ordinal);

        Violations.AssertNone(violations);
    }

    private static bool IsOfIcebergTables(string type) => type.StartsWith("Matih.Delivery.IcebergTables.", StringComparison.Ordinal);

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
        var uses = AssemblyReferences.Read(typeof(FolderDependencyTests).Assembly);

        Assert.Contains(new TypeUse(typeof(BodyOnlyUser).FullName!, typeof(UsedInBody).FullName!), uses);
        Assert.Contains(new TypeUse(typeof(BodyOnlyUser).FullName!, typeof(UsedAsGenericArgument).FullName!), uses);
        Assert.DoesNotContain(new TypeUse(typeof(UsedInBody).FullName!, typeof(BodyOnlyUser).FullName!), uses);
    }

    private static Assembly Engine => typeof(EngineEnvironment).Assembly;

    private static bool IsAllowed(string user, string used) =>
        user == used || user.Length == 0 || SeeEverything.Contains(user) || (Allowed.TryGetValue(user, out var below) && below.Contains(used));

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
