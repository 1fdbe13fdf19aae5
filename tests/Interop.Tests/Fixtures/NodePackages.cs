namespace Matih.Fixtures;

/// <summary>Packages of Node.js, installed once by npm into the tools cache. Two processes may ask at once.</summary>
public static class NodePackages
{
    /// <summary>The folder that holds the package's <c>node_modules</c>.</summary>
    public static Task<string> EnsureAsync(string package, string version) => EnsureAsync($"{package}-{version}", [$"{package}@{version}"]);

    /// <summary>The folder whose <c>node_modules</c> holds all these packages.</summary>
    /// <param name="name">The folder's name in the tools cache; another choice of packages needs another one.</param>
    /// <param name="packages">Each as <c>NAME@VERSION</c>.</param>
    public static async Task<string> EnsureAsync(string name, string[] packages)
    {
        var folder = Path.Combine(ToolsCache.Folder, name);
        if (File.Exists(Path.Combine(folder, ".ready"))) return folder;
        Directory.CreateDirectory(ToolsCache.Folder);
        // flock lets one process install it while others wait; what is installed by half has no mark and is installed again.
        const string script = """
            set -eu
            exec 9> "$1.lock"; flock 9
            [ -e "$1/.ready" ] && exit 0
            rm -rf "$1"; mkdir -p "$1"
            folder=$1; shift
            npm install --silent --no-audit --no-fund --prefix "$folder" "$@"
            touch "$folder/.ready"
            """;
        (await ExternalProcess.RunAsync("/bin/sh", ["-c", script, "sh", folder, .. packages], ExternalProcess.InstallationMax)).Expect();
        return folder;
    }
}
