using Matih.Storage;

namespace Matih.Hosting;

/// <summary>The engine's environment in a real process.</summary>
public static class SystemEnvironment
{
    public static EngineEnvironment Create(HostSettings settings)
    {
        var ids = new SystemIdSource();
        var folder = settings.NonEmpty(HostSettings.StateVariable) is { } state ? Path.GetFullPath(Path.Combine(state, "scratch"), settings.CurrentDirectory) : Path.GetTempPath();
        return new(TimeProvider.System, ids, new Random(), new SystemTaskStarter(), new LocalScratch(folder, ids, HostSettings.StateVariable));
    }
}
