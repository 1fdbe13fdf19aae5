using Matih.Fixtures;
using Matih.Interop.Tests.Host;

namespace Matih.Interop.Tests.Deployment;

/// <summary>That a run needs no more of a file system than the image and the manifests give it.</summary>
public sealed class ReadOnlyRootTests : IDisposable
{
    /// <summary>Makes every file system of a new mount namespace read-only, but for one folder, and then becomes the program behind it.</summary>
    private const string Enter = """
        folder=$1; shift
        mount --bind "$folder" "$folder"
        while read -r _ place _; do [ "$place" = "$folder" ] || mount -o remount,ro,bind "$place" 2> /dev/null || true; done < /proc/self/mounts
        for place in / /tmp; do
          if touch "$place/matih-is-this-read-only" 2> /dev/null; then echo "$place can still be written" >&2; exit 99; fi
        done
        cd "$folder"
        exec "$@"
        """;

    private readonly ClickPipeline _pipeline = new();

    public void Dispose() => _pipeline.Dispose();

    [Fact]
    public async Task A_run_writes_to_its_table_and_its_state_folder_alone()
    {
        var possible = await ExternalProcess.RunAsync("unshare", ["--mount", "true"]);
        if (possible.ExitCode != 0) Assert.Skip($"needs the right to mount in a namespace of its own: {possible.StandardError.Trim()}");
        var state = Directory.CreateDirectory(Path.Combine(_pipeline.Directory, "state")).FullName;
        // The image's own variables, but for the places that are the test's.
        var variables = Dockerfile.Read().Environment.Where(variable => variable.Key is not ("PATH" or "MATIH_HEALTH"))
            .ToDictionary(variable => variable.Key, variable => (string?)(variable.Value == Dockerfile.Read().Only("VOLUME") ? state : variable.Value));
        _pipeline.Produce(100);

        await using var run = _pipeline.StartThrough(
            "unshare", ["--mount", "--propagation", "private", "/bin/sh", "-euc", Enter, "sh", _pipeline.Directory], variables,
            "--health", "0", "--set", "orchestration.checkpoint_interval=100ms");
        await run.Error.WaitForAsync("100 rows committed");
        run.Send(ProcessSignal.Terminate);
        (await run.WaitForExitAsync()).Expect();

        Assert.Contains("MATIH_STATE_DIR", variables.Keys);
        Assert.Contains("TMPDIR", variables.Keys);
        Assert.Equal(100, await _pipeline.RowCountAsync());
        Assert.Empty(Directory.EnumerateFileSystemEntries(state));
    }
}
