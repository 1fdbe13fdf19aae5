using Matih.Fixtures;

namespace Matih.Engine.Tests.Architecture;

/// <summary>A source file of the engine.</summary>
/// <param name="Folder">The first folder below src/Engine; empty for files beside the folders.</param>
internal sealed record EngineSource(string Path, string RelativePath, string Folder);

/// <summary>The files that developers write, as opposed to what builds and runs leave behind.</summary>
internal static class EngineSources
{
    private static readonly string[] BuildFolders = ["bin", "obj", "artifacts", "TestResults", "warehouse", "demo-output", "node_modules"];

    public static string Root { get; } = Path.Combine(SourceTree.Root, "src", "Engine");

    public static IReadOnlyList<EngineSource> Files { get; } =
        [.. Written(Root).Where(path => path.EndsWith(".cs", StringComparison.Ordinal)).Select(Describe)];

    /// <summary>Every written file below a folder.</summary>
    public static IEnumerable<string> Written(string folder) =>
        Directory.EnumerateFiles(folder).Concat(
            Directory.EnumerateDirectories(folder)
                .Where(child => Path.GetFileName(child) is var name && !BuildFolders.Contains(name) && (name[0] != '.' || name == ".ci"))
                .SelectMany(Written));

    private static EngineSource Describe(string path)
    {
        var relative = Path.GetRelativePath(Root, path);
        var parts = relative.Split(Path.DirectorySeparatorChar);
        return new EngineSource(path, relative, parts.Length == 1 ? "" : parts[0]);
    }
}
