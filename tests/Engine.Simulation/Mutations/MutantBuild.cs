using System.Diagnostics;
using System.Reflection;
using Matih.Hosting.Serverless;

namespace Matih.Engine.Simulation.Mutations;

/// <summary>
/// Compiles the engine, or the classes that hosts share, with one fault in it, by the SDK's compiler alone, and puts it beside a copy of this program. The
/// source tree is only read.
/// </summary>
internal static class MutantBuild
{
    /// <summary>The code needs these of the SDK's source generators.</summary>
    private static readonly string[] Generators =
        ["System.Text.RegularExpressions.Generator.dll", "Microsoft.Interop.LibraryImportGenerator.dll", "Microsoft.Interop.SourceGeneration.dll"];

    /// <summary>What the code of a folder of the sources becomes, and what it uses.</summary>
    private sealed record Part(string Folder, string File, Assembly Compiled, string[] Uses);

    private static readonly Part[] Parts =
    [
        new("src/Engine/", "Matih.Engine.dll", typeof(PipelineRunner).Assembly, ["YamlDotNet.dll", "ZstdSharp.dll"]),
        new("src/Hosting/", "Matih.Hosting.dll", typeof(HostedPipeline).Assembly, ["Matih.Engine.dll", "Matih.Connectors.dll", "YamlDotNet.dll"]),
    ];

    private const string ProgramName = "Matih.Engine.Simulation";

    /// <summary>The source file that a mutation changes.</summary>
    public static string SourcePath(Mutation mutation) => Path.Combine(SourceRoot(), mutation.File);

    /// <returns>The program to run.</returns>
    public static string Make(Mutation mutation, string folder)
    {
        var root = SourceRoot();
        var part = Parts.First(candidate => mutation.File.StartsWith(candidate.Folder, StringComparison.Ordinal));
        var mutated = Path.Combine(folder, "mutated.cs");
        var original = SourcePath(mutation);
        File.WriteAllText(mutated, mutation.Apply(File.ReadAllText(original)));
        var extra = Path.Combine(folder, "assembly.cs");
        File.WriteAllText(extra, $"""
            global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;
            global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;
            [assembly: System.Reflection.AssemblyVersion("{part.Compiled.GetName().Version}")]
            [assembly: System.Runtime.CompilerServices.InternalsVisibleTo("{ProgramName}")]
            """);

        var program = Path.Combine(folder, "bin");
        Directory.CreateDirectory(program);
        foreach (var file in Directory.GetFiles(AppContext.BaseDirectory)) File.Copy(file, Path.Combine(program, Path.GetFileName(file)));
        var library = Path.Combine(program, part.File);
        File.Delete(library);
        Compile(part, root, original, [mutated, extra], library, folder);
        return Path.Combine(program, ProgramName);
    }

    private static void Compile(Part part, string root, string without, string[] instead, string output, string folder)
    {
        var dotnet = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", ".."));
        var sdk = Newest(Path.Combine(dotnet, "sdk"));
        var pack = Newest(Path.Combine(dotnet, "packs", "Microsoft.NETCore.App.Ref"));
        var code = Path.Combine(root, part.Folder.TrimEnd('/'));
        var sources = Directory.EnumerateFiles(code, "*.cs", SearchOption.AllDirectories)
            .Where(path => path != without && !IsBelow(path, Path.Combine(code, "bin")) && !IsBelow(path, Path.Combine(code, "obj")));
        List<string> arguments =
        [
            "-nologo", "-target:library", "-optimize+", "-nullable:enable", "-unsafe+", "-langversion:latest", "-deterministic+", "-warn:0", "-debug-", $"-out:\"{output}\"",
            .. Directory.GetFiles(Directory.GetDirectories(Path.Combine(pack, "ref")).Single(), "*.dll").Select(path => $"-reference:\"{path}\""),
            .. part.Uses.Select(name => $"-reference:\"{Path.Combine(AppContext.BaseDirectory, name)}\""),
            .. Generators.Select(name => $"-analyzer:\"{Path.Combine(pack, "analyzers", "dotnet", "cs", name)}\""),
            .. sources.Concat(instead).Select(path => $"\"{path}\""),
        ];
        var response = Path.Combine(folder, "compile.rsp");
        File.WriteAllLines(response, arguments);
        var (exitCode, text) = Run(Path.Combine(dotnet, "dotnet"), [Path.Combine(sdk, "Roslyn", "bincore", "csc.dll"), "-noconfig", "-shared", $"@{response}"], new Dictionary<string, string?>());
        if (exitCode != 0) throw new InvalidOperationException($"The mutated code does not compile:\n{text}");
    }

    /// <summary>Runs a program to its end.</summary>
    /// <param name="environment">Variables to set, or with null to take away.</param>
    public static (int ExitCode, string Output) Run(string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string?> environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.GetAwaiter().GetResult());
    }

    private static bool IsBelow(string path, string folder) => path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    private static string Newest(string folder) => Directory.GetDirectories(folder).MaxBy(path => Version.TryParse(Path.GetFileName(path), out var version) ? version : new Version(0, 0))!;

    private static string SourceRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "MatihFunctions.sln"))) return folder.FullName;
        throw new InvalidOperationException("Mutations need the source tree, above the folder of this program.");
    }
}
