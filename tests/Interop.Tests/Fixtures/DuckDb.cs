using System.Text.Json;

namespace Matih.Fixtures;

/// <summary>DuckDB with its Iceberg extension: a separate (C++) implementation of Iceberg and Parquet.</summary>
public static class DuckDb
{
    /// <summary>
    /// The last statement's rows as objects; statements before it are run first. Decimals come as numbers and timestamps as
    /// <c>2024-01-02 03:04:05.123456+00</c>: cast to VARCHAR where that matters.
    /// </summary>
    public static async Task<IReadOnlyList<JsonElement>> QueryAsync(string sql) =>
        JsonLines.Parse((await ExternalProcess.RunAsync(SharedTools.Find("iceberg/duckdb-iceberg"), [sql])).Expect().StandardOutput);
}
