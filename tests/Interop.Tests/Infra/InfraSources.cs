using Matih.Fixtures;

namespace Matih.Interop.Tests.Infra;

/// <summary>The files of <c>infra</c>, by paths relative to the repository.</summary>
internal static class InfraSources
{
    public const string Defaults = "infra/main.bicepparam";
    public const string Container = "infra/samples/container.bicepparam";
    public const string OauthKafka = "infra/samples/oauth-kafka.bicepparam";
    public const string Platform = "infra/samples/platform.bicepparam";
    public const string Premium = "infra/samples/premium.bicepparam";
    public const string PrivateNetwork = "infra/samples/private-network.bicepparam";
    public const string SecuredKafka = "infra/samples/secured-kafka.bicepparam";

    public static TheoryData<string> Parameters => [.. Files("*.bicepparam")];

    public static IEnumerable<string> Files(string pattern) =>
        Directory.EnumerateFiles(Path.Combine(SourceTree.Root, "infra"), pattern, SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(SourceTree.Root, path))
            .Order(StringComparer.Ordinal);

    /// <summary>Copies what is compiled, with the pipelines that parameters load: the compiler writes beside its sources.</summary>
    public static void CopyTo(string folder)
    {
        string[] files = [.. Files("*"), .. Directory.EnumerateFiles(Path.Combine(SourceTree.Root, "samples")).Select(path => Path.GetRelativePath(SourceTree.Root, path))];
        foreach (var file in files)
        {
            var target = Path.Combine(folder, file);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(Path.Combine(SourceTree.Root, file), target);
        }
    }
}
