using Matih.Hosting;

namespace Matih.Host.Runtime;

/// <summary>The environment variables that the command alone reads; those of every host are in <see cref="HostSettings"/>.</summary>
internal static class CommandVariables
{
    public const string Log = "MATIH_LOG";
    public const string Health = "MATIH_HEALTH";

    /// <summary>All variables that <c>--help</c> explains, in its order.</summary>
    public static (string Name, string Meaning)[] All { get; } =
    [
        .. HostSettings.Variables,
        (Log, "text or json: the form of log lines, where --log is not given. Default text."),
        (Health, "[HOST:]PORT or off: where a run serves its health, where --health is not given, and where matih health asks. Default 127.0.0.1:8471 in continuous runs."),
    ];
}
