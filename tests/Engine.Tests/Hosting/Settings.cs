using Matih.Hosting;

namespace Matih.Engine.Tests.Hosting;

/// <summary>Settings of a process that has these environment variables and no others.</summary>
internal static class Settings
{
    public static HostSettings Of(params (string Name, string Value)[] variables) => new()
    {
        Environment = name => variables.FirstOrDefault(variable => variable.Name == name).Value,
        CurrentDirectory = Path.GetTempPath(),
    };
}
