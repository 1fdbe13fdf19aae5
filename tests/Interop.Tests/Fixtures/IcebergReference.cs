using System.Collections.Concurrent;
using System.Text.Json;

namespace Matih.Fixtures;

/// <summary>How the reference implementation reaches a table; a directory or metadata file converts from its path.</summary>
public sealed record IcebergTarget(params string[] Arguments)
{
    /// <summary>A JDBC driver that is not among the tool's own.</summary>
    public string? DriverJar { get; init; }

    public static implicit operator IcebergTarget(string directoryOrMetadataFile) => new(directoryOrMetadataFile);

    /// <summary>A table of a REST catalog.</summary>
    public static IcebergTarget Rest(string uri, string table, params string[] properties) =>
        new([table, "--rest", uri, .. properties.SelectMany(property => new[] { "--prop", property })]);

    /// <summary>A table of an SQL catalog in an SQLite file.</summary>
    public static IcebergTarget Sqlite(string databasePath, string warehouse, string table, string catalogName = "default") =>
        new(table, "--jdbc", $"sqlite:///{databasePath}", "--warehouse", warehouse, "--catalog-name", catalogName);
}

/// <summary>
/// The Java reference implementation of Apache Iceberg: the strictest reader of what we write, and the other engine that
/// writes between our commits. Commands share a few Java processes, as a start of one costs two seconds.
/// </summary>
public static class IcebergReference
{
    /// <summary>By the driver's jar; "" is none.</summary>
    private static readonly ConcurrentDictionary<string, ToolWorkers> Workers = new(StringComparer.Ordinal);

    private static readonly Lazy<Task<bool>> HasCompiler = new(async () =>
        (await ExternalProcess.RunAsync(Java, ["--list-modules"])).Expect().StandardOutput.Contains("jdk.compiler@", StringComparison.Ordinal));

    /// <summary>What <c>iceberg-ref</c> does, with one jar more.</summary>
    private const string ScriptWithDriver = """
        set -eu
        . "$1/common.sh"
        exec "$java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Dorg.slf4j.simpleLogger.defaultLogLevel=off -cp "$(classpath):$2" matih.ref.Main "${@:3}"
        """;

    private static string Java => Environment.GetEnvironmentVariable("JAVA_HOME") is { Length: > 0 } home ? Path.Combine(home, "bin", "java") : "java";

    /// <summary>Runs any command of <c>iceberg-ref</c>.</summary>
    /// <remarks>Each command has a process of its own where Java has no compiler for the worker's source.</remarks>
    public static async Task<ProcessOutput> RunAsync(string command, IcebergTarget table, params string[] options)
    {
        var tool = SharedTools.Find("iceberg/iceberg-ref");
        string[] arguments = [command, .. table.Arguments, .. options];
        if (await HasCompiler.Value) return await Workers.GetOrAdd(table.DriverJar ?? "", jar => new ToolWorkers("iceberg-ref", () => StartWorkerAsync(jar))).RunAsync(arguments);
        if (table.DriverJar is { } jar) return await ExternalProcess.RunAsync("/bin/bash", ["-c", ScriptWithDriver, "bash", SharedTools.Find("iceberg"), jar, .. arguments]);
        return await ExternalProcess.RunAsync(tool, arguments);
    }

    /// <summary>Asserts that the table has no violation of the specification; reads every value of every file.</summary>
    public static async Task CheckAsync(IcebergTarget table, params string[] options)
    {
        var output = await RunAsync("check", table, options);
        Assert.True(
            output.ExitCode == 0 && output.StandardOutput.StartsWith("ok:", StringComparison.Ordinal),
            $"{output.CommandLine}\nexit code {output.ExitCode}\n{output.StandardOutput}{output.StandardError}");
    }

    /// <summary>The files under the table that no snapshot and no metadata log entry names (local tables).</summary>
    public static async Task<IReadOnlyList<string>> OrphansAsync(IcebergTarget table) =>
        (await RunAsync("orphans", table)).Expect(0, 1).StandardOutput.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Number of rows, deletes applied.</summary>
    public static async Task<long> CountAsync(IcebergTarget table, params string[] options) =>
        long.Parse((await RunAsync("count", table, options)).Expect().StandardOutput, System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>One object per distinct value of the columns, with a <c>count</c>.</summary>
    public static Task<IReadOnlyList<JsonElement>> CountByAsync(IcebergTarget table, params string[] columns) => RowsAsync("count-by", table, columns);

    /// <summary>The rows as objects; options as <c>--sorted</c>, <c>--where</c>, <c>--snapshot</c>.</summary>
    public static Task<IReadOnlyList<JsonElement>> ScanAsync(IcebergTarget table, params string[] options) => RowsAsync("scan", table, options);

    /// <summary>Format version, schemas, specs, snapshots, refs, properties.</summary>
    public static async Task<JsonElement> InfoAsync(IcebergTarget table) => Parse((await RunAsync("info", table)).Expect().StandardOutput);

    /// <summary>Data and delete files of the current snapshot with their metrics.</summary>
    public static Task<IReadOnlyList<JsonElement>> FilesAsync(IcebergTarget table, params string[] options) => RowsAsync("files", table, options);

    /// <param name="schema">For example <c>id long required, at timestamptz</c>.</param>
    /// <param name="partition">For example <c>bucket[16](id), day(at)</c>.</param>
    /// <param name="options">As <c>--format-version 3</c>, <c>--table-prop k=v</c>.</param>
    public static async Task CreateAsync(IcebergTarget table, string schema, string? partition = null, params string[] options) =>
        (await RunAsync("create", table, ["--schema", schema, .. partition is null ? [] : new[] { "--partition", partition }, .. options])).Expect();

    /// <summary>Appends JSON rows in one commit, as another engine would; the result is its snapshot.</summary>
    public static Task<JsonElement> AppendAsync(IcebergTarget table, IEnumerable<string> jsonRows, params string[] options) =>
        WriteRowsAsync("append", table, jsonRows, options);

    /// <summary>Equality deletes on the key columns plus the new rows, in one commit.</summary>
    public static Task<JsonElement> UpsertAsync(IcebergTarget table, string keyColumns, IEnumerable<string> jsonRows, params string[] options) =>
        WriteRowsAsync("upsert", table, jsonRows, ["--key", keyColumns, .. options]);

    /// <summary>Any other writing command (<c>delete-where</c>, <c>rewrite-data-files</c>, <c>expire-snapshots</c>, …), which must succeed.</summary>
    public static async Task<string> WriteAsync(string command, IcebergTarget table, params string[] options) =>
        (await RunAsync(command, table, options)).Expect().StandardOutput;

    private static async Task<JsonElement> WriteRowsAsync(string command, IcebergTarget table, IEnumerable<string> jsonRows, string[] options)
    {
        var folder = TemporaryDirectory.NewUnowned();
        try
        {
            var file = Path.Combine(folder, "rows.jsonl");
            await File.WriteAllLinesAsync(file, jsonRows);
            return Parse((await RunAsync(command, table, ["--file", file, .. options])).Expect().StandardOutput);
        }
        finally
        {
            TemporaryDirectory.Delete(folder);
        }
    }

    private static async Task<IReadOnlyList<JsonElement>> RowsAsync(string command, IcebergTarget table, string[] options) =>
        JsonLines.Parse((await RunAsync(command, table, options)).Expect().StandardOutput);

    /// <summary>As <c>iceberg-ref</c> starts Java, with the worker in place of its main class.</summary>
    private static Task<ExternalProcess> StartWorkerAsync(string driverJar)
    {
        const string script = """
            set -eu
            . "$1/common.sh"
            output=$(mktemp)
            exec 3>&1 >> "$output"
            rm "$output"
            exec "$java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Xmx512m -Dorg.slf4j.simpleLogger.defaultLogLevel=off -cp "$(classpath):$3" "$2" /proc/self/fd/3
            """;
        var worker = Path.Combine(AppContext.BaseDirectory, "Fixtures", "ReferenceWorker.java");
        return Task.FromResult(ExternalProcess.Start("/bin/bash", ["-c", script, "bash", SharedTools.Find("iceberg"), worker, driverJar], keepInputOpen: true));
    }

    private static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement;
}
