using System.Text.Json;

namespace Matih.Functions.TestHost.Durable;

/// <summary>What a job host process is told on its standard input, in one line of JSON.</summary>
/// <param name="HostJson">The path of the app's host.json; its section <c>extensions.durableTask</c> applies.</param>
/// <param name="Worker">Where functions are forwarded to.</param>
internal sealed record JobHostSettings(string HostJson, Uri Worker, string[] Orchestrators, string[] Activities)
{
    /// <summary>The line on standard output that says that the host runs; the durable client's data follows it.</summary>
    public const string Ready = "job host ready: ";

    public string ToLine() => JsonSerializer.Serialize(this);

    public static JobHostSettings Parse(string line) => JsonSerializer.Deserialize<JobHostSettings>(line) ?? throw new ArgumentException("The settings are missing.", nameof(line));
}
