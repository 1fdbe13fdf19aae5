using System.Security.Cryptography;
using System.Text;

namespace Matih.Fixtures;

/// <summary>Virtual environments of Python, made once from local wheels in the tools cache. Two processes may ask at once.</summary>
public static class PythonEnvironment
{
    /// <summary>The python of the environment.</summary>
    /// <param name="name">The environment's name; a hash of the wheels' names is added.</param>
    public static async Task<string> EnsureAsync(string name, string wheelsFolder, params string[] packages)
    {
        var wheels = string.Join('\n', Directory.GetFiles(wheelsFolder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        var folder = Path.Combine(ToolsCache.Folder, $"{name}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(wheels)))[..12]}");
        var ready = Path.Combine(folder, ".ready");
        if (!File.Exists(ready))
        {
            Directory.CreateDirectory(ToolsCache.Folder);
            // flock lets one process make it while others wait; a half-made folder has no mark and is made again.
            const string script = """
                set -eu
                exec 9> "$1.lock"; flock 9
                [ -e "$1/.ready" ] && exit 0
                rm -rf "$1"; python3 -m venv "$1"
                folder=$1; wheels=$2; shift 2
                "$folder/bin/pip" install -q --disable-pip-version-check --no-index --find-links "$wheels" "$@"
                touch "$folder/.ready"
                """;
            (await ExternalProcess.RunAsync("/bin/sh", ["-c", script, "sh", folder, wheelsFolder, .. packages], ExternalProcess.InstallationMax)).Expect();
        }
        return Path.Combine(folder, "bin", "python");
    }
}
