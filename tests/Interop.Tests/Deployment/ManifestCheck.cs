using System.Text.Json;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Deployment;

/// <summary>Holds manifests to public descriptions of their kinds.</summary>
internal static class ManifestCheck
{
    private static readonly string[] Packages = ["kubernetes-models@4.5.1", "typescript@5.9.3", "yaml@2.9.1", "ajv@8.20.0"];

    /// <param name="manifests">A YAML stream.</param>
    /// <returns>The objects by kind and name, and what is wrong with them.</returns>
    public static async Task<(string[] Checked, string[] Faults)> RunAsync(string manifests)
    {
        var packages = await NodePackages.EnsureAsync("manifest-packages-1", Packages);
        var folder = Path.Combine(AppContext.BaseDirectory, "Deployment");
        var output = await ExternalProcess.RunAsync(
            "node", [Path.Combine(folder, "check-manifests.cjs"), packages, Path.Combine(folder, "strimzi.schema.json"), Path.Combine(folder, "flink-operator.schema.json")], input: manifests);
        var answer = JsonDocument.Parse(output.Expect().StandardOutput).RootElement;
        return (Texts("checked"), Texts("faults"));

        string[] Texts(string name) => [.. answer.GetProperty(name).EnumerateArray().Select(item => item.GetString()!)];
    }
}
