using System.Text.Json;

namespace Matih.Fixtures;

/// <summary>PyIceberg with pyarrow and fastavro: a second reading of our tables, and spoilt manifests when a test wants them.</summary>
/// <remarks>Each script runs in a process of its own, a fork of one of a few that have loaded PyIceberg: to load it takes a second.</remarks>
public static class PyIceberg
{
    private static readonly ToolWorkers Workers = new("python", StartWorkerAsync);

    /// <summary>Runs a Python script given as text; every line that it prints is one JSON value.</summary>
    public static async Task<IReadOnlyList<JsonElement>> RunAsync(string script, params string[] arguments)
    {
        SharedTools.Find("iceberg/py-setup");
        return JsonLines.Parse((await Workers.RunAsync([script, .. arguments])).Expect().StandardOutput);
    }

    /// <summary>The rows that PyIceberg reads from a metadata file, as objects whose values are text (null stays null).</summary>
    public static Task<IReadOnlyList<JsonElement>> ScanAsync(string metadataFile) => RunAsync(
        """
        import json, sys
        from pyiceberg.table import StaticTable
        for row in StaticTable.from_metadata(sys.argv[1]).scan().to_arrow().to_pylist():
            print(json.dumps({k: None if v is None else str(v) for k, v in row.items()}))
        """,
        metadataFile);

    private static async Task<ExternalProcess> StartWorkerAsync()
    {
        var python = (await ExternalProcess.RunAsync(SharedTools.Find("iceberg/py-setup"), [], ExternalProcess.InstallationMax)).Expect().StandardOutput.Trim();
        return ExternalProcess.Start(python, [Path.Combine(AppContext.BaseDirectory, "Fixtures", "pyiceberg_worker.py")], keepInputOpen: true);
    }
}
