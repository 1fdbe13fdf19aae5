using System.Text.Json;

namespace Matih.Fixtures;

/// <summary>
/// DuckDB with its Iceberg extension: a separate (C++) implementation of Iceberg and Parquet. Queries share a few processes,
/// as the start of one and of its extensions takes a second.
/// </summary>
public static class DuckDb
{
    private static readonly ToolWorkers Workers = new("duckdb-iceberg", StartWorkerAsync);

    /// <summary>
    /// The last statement's rows as objects; statements before it are run first. Decimals come as numbers and timestamps as
    /// <c>2024-01-02 03:04:05.123456+00</c>: cast to VARCHAR where that matters.
    /// </summary>
    public static async Task<IReadOnlyList<JsonElement>> QueryAsync(string sql)
    {
        SharedTools.Find("iceberg/duckdb-iceberg");
        return JsonLines.Parse((await Workers.RunAsync(sql)).Expect().StandardOutput);
    }

    /// <summary>As <c>duckdb-iceberg</c> starts Python, with the worker in place of its script.</summary>
    private static Task<ExternalProcess> StartWorkerAsync()
    {
        const string script = """
            set -eu
            . "$1/common.sh"
            MATIH_DUCKDB="$(unpack duckdb-1.5.5 duckdb.tar.xz)"
            export MATIH_DUCKDB PYTHONPATH="$MATIH_DUCKDB/python"
            exec "${PYTHON:-python3}" "$2" "$1/duckdb-iceberg.py"
            """;
        var worker = Path.Combine(AppContext.BaseDirectory, "Fixtures", "duckdb_worker.py");
        return Task.FromResult(ExternalProcess.Start("/bin/bash", ["-c", script, "bash", SharedTools.Find("iceberg"), worker], keepInputOpen: true));
    }
}
