using Matih.Storage;

namespace Matih.Host.Runtime;

/// <summary>The engine's environment in a real process.</summary>
internal static class SystemEnvironment
{
    /// <summary>Names the folder for what a process keeps on local disk; rows that wait for a checkpoint are in a folder below it.</summary>
    private const string StateFolderVariable = "MATIH_STATE_DIR";

    public static EngineEnvironment Create()
    {
        var ids = new SystemIdSource();
        var folder = Environment.GetEnvironmentVariable(StateFolderVariable) is { Length: > 0 } state ? Path.Combine(state, "scratch") : Path.GetTempPath();
        return new(TimeProvider.System, ids, new Random(), new SystemTaskStarter(), new LocalScratch(folder, ids));
    }
}
