using YamlDotNet.RepresentationModel;

namespace Matih.Interop.Tests.Deployment;

/// <summary>The definition in a folder's ConfigMap, as the pod finds it, and where it can be run outside of a cluster.</summary>
internal sealed class MountedPipeline
{
    private readonly string _text;
    private readonly ManifestNode _root;
    private readonly string[] _arguments;

    public MountedPipeline(Kustomization rendered)
    {
        (FileName, _text) = rendered.Single("ConfigMap")["data"].Map.Single();
        var stream = new YamlStream();
        stream.Load(new StringReader(_text));
        _root = new ManifestNode(stream.Documents[0].RootNode, FileName);
        _arguments = rendered.Pod["spec"]["containers"].Named("matih")["args"].Texts;
    }

    public string FileName { get; }

    public string BootstrapServers => Connection["bootstrap_servers"].Text;

    public string UserName => Security["username"].Text;

    public string PasswordFile => Security["password"]["from_file"].Text;

    public string AuthorityFile => Security["ca"].Text;

    public string Topic => _root["sources"]["clicks"]["topic"].Text;

    /// <summary>What the pod's program is called with, on the file in the working folder.</summary>
    public string[] Arguments => [_arguments[0], FileName, .. _arguments[2..]];

    private ManifestNode Connection => _root["connections"]["lake"];

    private ManifestNode Security => Connection["security"];

    public void WriteTo(string directory) => File.WriteAllText(Path.Combine(directory, FileName), _text);

    /// <summary>Options that put files from elsewhere in the place of the mounted secrets.</summary>
    public string[] With(string password, string authority) =>
        ["--set", $"connections.lake.security.password.from_file={password}", "--set", $"connections.lake.security.ca={authority}"];
}
