using System.Reflection;
using System.Runtime.CompilerServices;
using Matih.Host.Output;

namespace Matih.Engine.Tests.Architecture;

/// <summary>
/// Holds what hosts and connectors may use. They hold no rules of delivery: they see only what the engine makes public, and
/// each folder of theirs only the parts that it shows or wires.
/// </summary>
public sealed class HostDependencyTests
{
    private static readonly Assembly Connectors = typeof(Matih.Connectors.StoreOpening).Assembly;
    private static readonly Assembly Hosting = typeof(Matih.Hosting.HostSettings).Assembly;
    private static readonly Assembly Host = typeof(Terminal).Assembly;

    /// <summary>Folders of hosts, and the engine's that each may use. An empty name is for what lies beside the engine's folders.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Connectors"] = ["", "Definition", "Iceberg", "Registry", "Storage"],
        ["Hosting"] = ["", "Batches", "Connectors", "Definition", "Delivery", "Flink", "Iceberg", "Kafka", "Planning", "Registry", "Sql", "Status", "Storage", "Telemetry", "Verification"],
        ["Host/Runtime"] = ["Hosting"],
        ["Host/Output"] = ["", "Hosting", "Delivery", "Telemetry"],
        ["Host/Health"] = ["Hosting", "Delivery", "Telemetry"],
        ["Host/Telemetry"] = ["Hosting", "Telemetry"],
        ["Host/Statements"] = ["", "Hosting", "Batches", "Decoding", "Definition", "Planning", "Sql"],
        ["Host/Testing"] = ["", "Hosting", "Batches", "Definition", "Planning", "Sql"],
        ["Host/Tables"] = ["", "Hosting", "Connectors", "Definition", "Delivery", "Iceberg", "Maintenance", "Planning", "Storage"],
        ["Host/Status"] = ["", "Hosting", "Delivery", "Planning", "Status"],
        ["Host/Verification"] = ["", "Hosting", "Delivery", "Iceberg", "Planning", "Verification"],
        ["Host/Demo"] = ["", "Hosting", "Definition", "Delivery", "Iceberg", "Kafka", "Storage"],
        ["Host/Commands"] = ["", "Hosting", "Connectors", "Batches", "Definition", "Delivery", "Flink", "Iceberg", "Maintenance", "Planning", "Sql", "Status", "Storage", "Telemetry", "Verification"],
    };

    [Fact]
    public void A_folder_of_a_host_uses_only_its_parts_of_the_engine()
    {
        var violations =
            from use in AssemblyReferences.Read(Connectors).Concat(AssemblyReferences.Read(Hosting)).Concat(AssemblyReferences.Read(Host))
            let user = FolderOf(use.User)
            let used = TypeFolder.First(use.Used)
            where user != used && used != "Host" && !(Allowed.TryGetValue(user, out var allowed) && allowed.Contains(used))
            select $"{use.User} uses {use.Used}";

        Violations.AssertNone(violations);
    }

    [Fact]
    public void What_hosts_share_uses_no_host_and_no_console()
    {
        var violations =
            from use in AssemblyReferences.Read(Hosting)
            where TypeFolder.First(use.Used) == "Host"
            select $"{use.User} uses {use.Used}";

        Violations.AssertNone(violations.Concat(Hosting.GetReferencedAssemblies().Select(name => name.Name!).Where(name => name == "System.Console")));
    }

    /// <summary>Whoever embeds the engine gets no telemetry library with it: metrics and traces go through the platform's own types.</summary>
    [Fact]
    public void Only_the_command_uses_OpenTelemetry()
    {
        var users =
            from assembly in new[] { typeof(EngineEnvironment).Assembly, Connectors, Hosting, Host }
            where assembly.GetReferencedAssemblies().Any(name => name.Name!.StartsWith("OpenTelemetry", StringComparison.Ordinal))
            select assembly.GetName().Name;

        Assert.Equal(["matih"], users);
    }

    [Fact]
    public void Only_tests_and_measurements_see_what_is_internal()
    {
        string[] insiders = ["Matih.Bench", "Matih.Engine.Simulation", "Matih.Engine.Tests", "Matih.Interop.Tests"];
        var others =
            from assembly in new[] { typeof(EngineEnvironment).Assembly, Connectors, Hosting }
            from friend in assembly.GetCustomAttributes<InternalsVisibleToAttribute>()
            where !insiders.Contains(friend.AssemblyName)
            select $"{assembly.GetName().Name} shows its internals to {friend.AssemblyName}";

        Violations.AssertNone(others);
    }

    private static string FolderOf(string type) =>
        TypeFolder.First(type) == "Host" ? $"Host/{TypeFolder.Second(type)}" : TypeFolder.First(type);
}
