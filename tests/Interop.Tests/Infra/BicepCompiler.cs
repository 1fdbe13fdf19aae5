using System.Reflection;
using System.Runtime.InteropServices;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Infra;

/// <summary>The real Bicep compiler, which the build fetches as a package. It needs no network.</summary>
internal static class BicepCompiler
{
    /// <summary>The compiler's path. On platforms for which the build has none, the running test is skipped.</summary>
    public static string Find()
    {
        var path = typeof(BicepCompiler).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().SingleOrDefault(item => item.Key == "BicepCompiler")?.Value;
        if (path is null) Assert.Skip($"needs the Bicep compiler, which the build has for linux-x64 only; this is {RuntimeInformation.RuntimeIdentifier}");
        Assert.True(File.Exists(path), $"The Bicep compiler is not at {path}, where it was when this was built: build again.");
        return path;
    }

    /// <summary>Runs the compiler in a folder of sources.</summary>
    public static Task<ProcessOutput> RunAsync(string folder, params string[] arguments) =>
        ExternalProcess.RunAsync(Find(), arguments, workingDirectory: folder, environment: Environment());

    /// <summary>Variables of a machine that azd knows nothing of.</summary>
    public static Dictionary<string, string?> Environment()
    {
        // It unpacks parts of itself below the home folder, once.
        var home = Path.Combine(ToolsCache.Folder, "bicep");
        Directory.CreateDirectory(home);
        return new()
        {
            ["HOME"] = home,
            ["AZURE_ENV_NAME"] = null,
            ["AZURE_PRINCIPAL_ID"] = null,
            ["AZURE_PRINCIPAL_TYPE"] = null,
        };
    }
}
