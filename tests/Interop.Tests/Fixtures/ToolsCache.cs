namespace Matih.Fixtures;

/// <summary>Where test tools unpack themselves once.</summary>
public static class ToolsCache
{
    /// <summary><c>MATIH_TOOLS_CACHE</c>, else <c>~/.cache/matih-tools</c>.</summary>
    public static string Folder { get; } =
        Environment.GetEnvironmentVariable("MATIH_TOOLS_CACHE") is { Length: > 0 } cache
            ? cache
            : Path.Combine(Environment.GetEnvironmentVariable("HOME") ?? Path.GetTempPath(), ".cache", "matih-tools");
}
