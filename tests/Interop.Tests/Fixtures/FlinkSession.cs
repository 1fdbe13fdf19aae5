namespace Matih.Fixtures;

/// <summary>
/// A real Flink cluster with its SQL Gateway, in a folder of its own. It ends with the fixture, and also when the test process
/// dies: a guard process kills it once its standard input, a pipe held by the tests, is closed.
/// </summary>
public sealed class FlinkSession : IAsyncDisposable
{
    private readonly string _tool;
    private readonly string _folder;
    private readonly Dictionary<string, string> _endpoints = [];
    private readonly ExternalProcess _guard;

    private FlinkSession(string tool, string folder)
    {
        _tool = tool;
        _folder = folder;
        const string guard = """read -r _; for _ in $(seq 100); do "$2" kill --dir "$1" && break; sleep 0.2; done; rm -rf "$1" """;
        _guard = ExternalProcess.Start("/bin/sh", ["-c", guard, "sh", folder, tool], keepInputOpen: true);
    }

    public string Gateway => _endpoints["FLINK_SQL_GATEWAY"];

    public string JobManager => _endpoints["FLINK_REST"];

    /// <summary>The checkpoints of a job.</summary>
    public string CheckpointsOf(string job) => Path.Combine(_folder, "checkpoints", job);

    /// <summary>The folder of a job's newest whole checkpoint; null where there is none.</summary>
    public string? NewestCheckpointOf(string job) => Directory.GetDirectories(CheckpointsOf(job), "chk-*").Where(folder => File.Exists(Path.Combine(folder, "_metadata")))
        .MaxBy(folder => int.Parse(Path.GetFileName(folder)["chk-".Length..], System.Globalization.CultureInfo.InvariantCulture));

    /// <param name="isSeparate">Whether JobManager, TaskManager and gateway are processes of their own, which can be killed one by one.</param>
    public static async Task<FlinkSession> StartAsync(bool isSeparate = false, int slots = 8)
    {
        var session = new FlinkSession(SharedTools.Find("flink/flink"), TemporaryDirectory.NewUnowned());
        try
        {
            await session.StartInFolderAsync(["--slots", slots.ToString(System.Globalization.CultureInfo.InvariantCulture), .. isSeparate ? ["--separate"] : Array.Empty<string>()]);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    /// <summary>SIGKILL.</summary>
    /// <param name="role"><c>jobmanager</c>, <c>taskmanager</c> or <c>gateway</c>; null is all of them.</param>
    public async Task KillAsync(string? role = null) => (await ExternalProcess.RunAsync(_tool, ["kill", "--dir", _folder, .. role is null ? [] : new[] { role }])).Expect();

    /// <summary>Starts again what was killed, with the same ports.</summary>
    public Task RestartAsync() => StartInFolderAsync([]);

    private async Task StartInFolderAsync(string[] options)
    {
        var output = await ExternalProcess.RunAsync(_tool, ["start", "--dir", _folder, .. options]);
        foreach (var line in output.Expect().StandardOutput.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            if (line.Split('=', 2) is [var name, var value]) _endpoints[name] = value;
    }

    public async ValueTask DisposeAsync()
    {
        if (_endpoints.Count != 0) await ExternalProcess.RunAsync(_tool, ["kill", "--dir", _folder]);
        await _guard.DisposeAsync();
        TemporaryDirectory.Delete(_folder);
    }
}
