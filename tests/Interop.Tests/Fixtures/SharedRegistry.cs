[assembly: AssemblyFixture(typeof(Matih.Fixtures.SharedRegistry))]

namespace Matih.Fixtures;

/// <summary>
/// The one schema registry of a test run: Apicurio Registry through its API of Confluent's. It starts on first use (3 seconds) and ends
/// with the run. Take it as a constructor parameter of the test class, and subjects of its own for each test.
/// </summary>
public sealed class SharedRegistry : IAsyncDisposable
{
    private const string Ready = "SCHEMA_REGISTRY_URL=";

    /// <summary>Ends the server once its standard input, a pipe held by the tests, is closed. $1: the tool, $2: the server's folder.</summary>
    private const string Script = """
        "$1" start --dir "$2" && read -r _; "$1" kill --dir "$2"; rm -rf "$2"
        """;

    private readonly Lock _lock = new();
    private Task<(ExternalProcess Process, Uri Uri)>? _server;

    /// <summary>Its address. Skips the test where the shared tools are declined.</summary>
    public async Task<Uri> UriAsync()
    {
        if (SharedTools.IsDeclined) Assert.Skip("needs a schema registry, declined with the shared tools");
        lock (_lock) _server ??= StartAsync();
        return (await _server).Uri;
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not { IsCompletedSuccessfully: true }) return;
        var process = _server.Result.Process;
        process.Input.Close();
        await process.WaitForExitAsync();
        await process.DisposeAsync();
    }

    private static async Task<(ExternalProcess, Uri)> StartAsync()
    {
        var process = ExternalProcess.Start("/bin/sh", ["-c", Script, "sh", SharedTools.Find("registry/registry"), TemporaryDirectory.NewUnowned()], keepInputOpen: true);
        var line = await process.Output.WaitForAsync(Ready);
        return (process, new Uri(line[(line.IndexOf(Ready, StringComparison.Ordinal) + Ready.Length)..]));
    }
}
