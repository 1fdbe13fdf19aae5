[assembly: AssemblyFixture(typeof(Matih.Fixtures.SharedMoto))]

namespace Matih.Fixtures;

/// <summary>
/// The one moto server of a test run: an emulator of AWS in Python that knows semantics of S3 which Ceph lacks, and does not
/// know atomicity or credentials. It starts on first use (3 seconds) and ends with the run.
/// </summary>
public sealed class SharedMoto : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private Task<(ExternalProcess Process, Uri Uri)>? _server;

    /// <summary>Its address. Skips the test where Python has no moto.</summary>
    public async Task<Uri> UriAsync()
    {
        lock (_lock) _server ??= StartAsync();
        try
        {
            return (await _server).Uri;
        }
        catch (EndOfStreamException exception) when (exception.Message.Contains("ModuleNotFoundError", StringComparison.Ordinal))
        {
            Assert.Skip("needs the Python package moto with its server");
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is { IsCompletedSuccessfully: true }) await _server.Result.Process.DisposeAsync();
    }

    private static async Task<(ExternalProcess, Uri)> StartAsync()
    {
        // It says its port where it chooses one itself. The server's own command does the same but cannot say its failure to import.
        const string script = """
            import sys, threading, logging
            logging.getLogger('werkzeug').disabled = True
            from moto.server import ThreadedMotoServer
            from werkzeug.serving import WSGIRequestHandler
            WSGIRequestHandler.protocol_version = 'HTTP/1.1'
            server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
            server.start()
            print('moto on', server.get_host_and_port()[1], flush=True)
            sys.stdin.read()
            """;
        var process = ExternalProcess.Start("/bin/sh", ["-c", "exec python3 -c \"$1\" 2>&1", "sh", script], keepInputOpen: true);
        var line = await process.Output.WaitForAsync("moto on ");
        return (process, new Uri($"http://127.0.0.1:{line.Split(' ')[^1]}"));
    }
}
