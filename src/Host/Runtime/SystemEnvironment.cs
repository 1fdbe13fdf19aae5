namespace Matih.Host.Runtime;

/// <summary>The engine's environment in a real process.</summary>
internal static class SystemEnvironment
{
    public static EngineEnvironment Create() => new(TimeProvider.System, new SystemIdSource(), new Random(), new SystemTaskStarter());
}
