using Matih.Fixtures;
using YamlDotNet.RepresentationModel;

namespace Matih.Interop.Tests.Deployment;

/// <summary>
/// A folder of <c>deploy/kubernetes</c> as it is applied: rendered by kubectl, which merges bases and patches and needs no cluster
/// for it.
/// </summary>
internal sealed class Kustomization
{
    private Kustomization(string text, Manifest[] manifests)
    {
        Text = text;
        Manifests = manifests;
    }

    /// <summary>The folders that operators apply.</summary>
    public static TheoryData<string> Folders { get; } = ["kafka", "continuous", "members", "once"];

    /// <summary>All manifests as one YAML stream.</summary>
    public string Text { get; }

    public IReadOnlyList<Manifest> Manifests { get; }

    /// <summary>The pod template of the folder's one workload.</summary>
    public ManifestNode Pod => Manifests.Single(manifest => manifest.Kind is "Deployment" or "CronJob") is var workload && workload.Kind == "CronJob"
        ? workload.Root["spec"]["jobTemplate"]["spec"]["template"]
        : workload.Root["spec"]["template"];

    public static async Task<Kustomization> RenderAsync(string folder)
    {
        // Tests that need a tool from outside go with the others of that kind.
        if (SharedTools.IsDeclined) Assert.Skip("needs kubectl, which goes with the shared tools");
        var output = await ExternalProcess.RunAsync("kubectl", ["kustomize", Path.Combine(SourceTree.Root, "deploy", "kubernetes", folder)]);
        var text = output.Expect().StandardOutput;
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return new Kustomization(text, [.. stream.Documents.Select(document => new Manifest(new ManifestNode(document.RootNode, "")))]);
    }

    /// <summary>The one manifest of a kind.</summary>
    public ManifestNode Single(string kind) => Manifests.Single(manifest => manifest.Kind == kind).Root;
}

/// <summary>One object for a cluster.</summary>
internal sealed record Manifest(ManifestNode Root)
{
    public string Kind => Root["kind"].Text;
}

/// <summary>A place in a manifest; what is missing fails with its path.</summary>
internal sealed class ManifestNode(YamlNode node, string path)
{
    public string Text => ((YamlScalarNode)node).Value!;

    public int Number => int.Parse(Text, System.Globalization.CultureInfo.InvariantCulture);

    public string[] Texts => [.. Items.Select(item => item.Text)];

    public IReadOnlyList<ManifestNode> Items => [.. ((YamlSequenceNode)node).Children.Select((child, i) => new ManifestNode(child, $"{path}[{i}]"))];

    /// <summary>The text of each key.</summary>
    public IReadOnlyDictionary<string, string> Map => ((YamlMappingNode)node).Children.ToDictionary(entry => ((YamlScalarNode)entry.Key).Value!, entry => ((YamlScalarNode)entry.Value).Value!);

    public ManifestNode this[string key] => Find(key) ?? throw new KeyNotFoundException($"{path}.{key} is missing.");

    public ManifestNode? Find(string key) =>
        node is YamlMappingNode mapping && mapping.Children.TryGetValue(new YamlScalarNode(key), out var value) ? new ManifestNode(value, $"{path}.{key}") : null;

    /// <summary>The item of a list that has that name.</summary>
    public ManifestNode Named(string name) => Items.Single(item => item["name"].Text == name);
}
