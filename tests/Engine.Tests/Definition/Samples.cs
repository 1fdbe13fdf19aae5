using Matih.Definition;

namespace Matih.Engine.Tests.Definition;

/// <summary>The repository's own files, and inputs that need no environment.</summary>
internal static class Samples
{
    public const string BaseDirectory = "/base";

    public static string RepositoryFile(string path)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "MatihFunctions.sln"))) return Path.Combine(folder.FullName, path);
        throw new InvalidOperationException($"The repository is not above {AppContext.BaseDirectory}.");
    }

    public static IEnumerable<string> All => Directory.GetFiles(RepositoryFile("samples"), "*.yaml").Order(StringComparer.Ordinal);

    public static DefinitionInputs Inputs(params (string Name, string Value)[] environment) => new()
    {
        Environment = name => environment.Where(variable => variable.Name == name).Select(variable => variable.Value).FirstOrDefault(),
        ReadSecretFile = path => throw new FileNotFoundException("no such file", path),
        BaseDirectory = BaseDirectory,
    };

    /// <summary>Reads a definition that must be valid.</summary>
    public static PipelineDefinition Valid(string text, DefinitionInputs? inputs = null)
    {
        var result = DefinitionReader.Read("p.yaml", text, inputs ?? Inputs());
        Assert.Equal("", string.Join('\n', result.Errors));
        return result.Definition!;
    }

    /// <summary>The errors of a definition, one a line.</summary>
    public static string Errors(string text, DefinitionInputs? inputs = null) =>
        string.Join('\n', DefinitionReader.Read("p.yaml", text, inputs ?? Inputs()).Errors);
}
