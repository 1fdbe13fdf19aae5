using System.Text.Json;

namespace Matih.Fixtures;

/// <summary>
/// A real Iceberg REST catalog server (Iceberg's own test fixture) on this machine, with faults on request. Its state lives
/// in the warehouse folder and survives <see cref="ExternalProcess.Send"/> of SIGKILL and a new start.
/// </summary>
public sealed class RestCatalog : IAsyncDisposable
{
    /// <summary>What <c>rest-catalog</c> does, with a class of its own for the server's files. $1: the tools, $2: where the class goes, $3: its source.</summary>
    private const string ScriptWithFiles = """
        set -eu
        . "$1/common.sh"
        "${java}c" -proc:none -nowarn -cp "$(classpath)" -d "$2" "$3" >&2
        exec "$java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Xmx256m -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$(classpath):$2" org.apache.iceberg.rest.RestCatalogMain "${@:4}"
        """;

    private static readonly HttpClient Http = new();
    private readonly ExternalProcess _process;

    private RestCatalog(ExternalProcess process, string uri, string warehouse)
    {
        _process = process;
        Uri = uri;
        Warehouse = warehouse;
    }

    /// <summary>The catalog's address, as a client's <c>uri</c> property.</summary>
    public string Uri { get; }

    /// <summary>The folder of the tables, on this disk or in a store.</summary>
    public string Warehouse { get; }

    /// <param name="token">When given, requests without this bearer token are refused.</param>
    /// <param name="port">0 takes a free one.</param>
    public static async Task<RestCatalog> StartAsync(string warehouse, string? token = null, int port = 0, params string[] options)
    {
        string[] tokenOptions = token is null ? [] : ["--token", token];
        return await ReadyAsync(
            ExternalProcess.Start(
                SharedTools.Find("iceberg/rest-catalog"),
                ["--warehouse", warehouse, "--port", port.ToString(System.Globalization.CultureInfo.InvariantCulture), .. tokenOptions, .. options]),
            warehouse);
    }

    /// <summary>A catalog whose server keeps the tables' metadata in a bucket that everybody may write.</summary>
    /// <param name="warehouse">A folder in that bucket.</param>
    /// <param name="store">The server that speaks S3.</param>
    /// <param name="folder">A local folder for the server's database.</param>
    public static Task<RestCatalog> StartOnS3Async(string warehouse, Uri store, string folder) => ReadyAsync(
        ExternalProcess.Start(
            "/bin/bash",
            [
                "-c", ScriptWithFiles, "bash", SharedTools.Find("iceberg"), folder, Path.Combine(AppContext.BaseDirectory, "Fixtures", "OpenS3FileIO.java"),
                "--warehouse", warehouse, "--db", Path.Combine(folder, "catalog.db"), "--prop", "io-impl=OpenS3FileIO", "--prop", $"open-s3.endpoint={store.AbsoluteUri}",
            ]),
        warehouse);

    private static async Task<RestCatalog> ReadyAsync(ExternalProcess process, string warehouse)
    {
        try
        {
            const string ready = "rest-catalog ready ";
            var line = await process.Output.WaitForAsync(ready);
            return new RestCatalog(process, line[(line.IndexOf(ready, StringComparison.Ordinal) + ready.Length)..].Split(' ')[0], warehouse);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>Adds faults counted from the next commit, for example <c>commit-then-504=1</c> or <c>reject-commit=2-3</c>.</summary>
    public async Task AddFaultsAsync(params string[] faults)
    {
        using var answer = await Http.PostAsync($"{Uri}/_fault", new StringContent(string.Join('\n', faults)));
        answer.EnsureSuccessStatusCode();
    }

    public async Task ClearFaultsAsync()
    {
        using var answer = await Http.DeleteAsync(new Uri($"{Uri}/_fault"));
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>The commits so far and what was done to each.</summary>
    public async Task<JsonElement> FaultsAsync() => JsonDocument.Parse(await Http.GetStringAsync(new Uri($"{Uri}/_fault"))).RootElement;

    /// <summary>SIGKILL, SIGSTOP and so on; the server is a process of its own.</summary>
    public void Send(ProcessSignal signal) => _process.Send(signal);

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
