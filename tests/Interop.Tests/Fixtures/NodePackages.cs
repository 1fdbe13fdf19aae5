namespace Matih.Fixtures;

/// <summary>Packages of Node.js, installed once by npm into the tools cache. Two processes may ask at once.</summary>
public static class NodePackages
{
    /// <summary>The folder that holds the package's <c>node_modules</c>.</summary>
    public static async Task<string> EnsureAsync(string package, string version)
    {
        var folder = Path.Combine(ToolsCache.Folder, $"{package}-{version}");
        if (File.Exists(Path.Combine(folder, ".ready"))) return folder;
        Directory.CreateDirectory(ToolsCache.Folder);
        // flock lets one process install it while others wait; what is installed by half has no mark and is installed again.
        const string script = """
            set -eu
            exec 9> "$1.lock"; flock 9
            [ -e "$1/.ready" ] && exit 0
            rm -rf "$1"; mkdir -p "$1"
            npm install --silent --no-audit --no-fund --prefix "$1" "$2@$3"
            touch "$1/.ready"
            """;
        (await ExternalProcess.RunAsync("/bin/sh", ["-c", script, "sh", folder, package, version], ExternalProcess.InstallationMax)).Expect();
        return folder;
    }
}
