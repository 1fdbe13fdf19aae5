using System.Text.Json;

namespace Matih.Fixtures;

/// <summary>
/// ClickHouse in a process of its own (chdb, ClickHouse 26.7): a separate (C++) implementation of Parquet and Iceberg. The
/// package takes half a gigabyte in the tools cache. Queries share a few processes.
/// </summary>
public static class ClickHouse
{
    private static readonly ToolWorkers Workers = new("clickhouse", StartWorkerAsync);

    /// <summary>
    /// The statement's rows as objects. Decimals are strings, maps are objects, and each character of a string is a
    /// byte: those of a FixedString need not be UTF-8.
    /// </summary>
    public static async Task<IReadOnlyList<JsonElement>> QueryAsync(string sql)
    {
        // As every tool beyond the system's, it is left out where the shared ones are declined.
        SharedTools.Find("iceberg");
        return JsonLines.Parse((await Workers.RunAsync(sql)).Expect().StandardOutput);
    }

    private static async Task<ExternalProcess> StartWorkerAsync()
    {
        var package = await NodePackages.EnsureAsync("chdb", "3.4.0");
        return ExternalProcess.Start("node", [Path.Combine(AppContext.BaseDirectory, "Fixtures", "clickhouse_worker.cjs"), Path.Combine(package, "node_modules", "chdb")], keepInputOpen: true);
    }
}
