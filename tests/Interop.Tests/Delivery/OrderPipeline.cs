using System.Globalization;
using System.Text;
using System.Text.Json;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Delivery;

/// <summary>
/// A pipeline definition on a real broker's topic, in a folder of its own, run by the <c>matih</c> command. Rows carry
/// partition and offset, so that an independent reader can say which records the table holds.
/// </summary>
internal sealed class OrderPipeline
{
    private const string Definition = """
        metadata: { name: orders, version: "1" }
        sources:
          src:
            type: kafka
            connection: ${BROKER}
            topic: ${TOPIC}
            consumer_group: ${TOPIC}
            format: json
            schema: "id BIGINT, note STRING"
            start_offset: earliest
        transformations:
          - { name: typed, type: sql_transform, input: src, sql: "SELECT id, note, `partition`, `offset`, event_timestamp FROM {{ input }}" }
        sinks:
          lake: { type: iceberg, table: shop.orders, mode: append, partition_by: [date] }
        orchestration: { checkpoint_interval: 300ms, parallelism: 4 }
        """;

    private readonly Dictionary<string, string?> _environment;
    private readonly RemoteCatalog? _catalog;

    /// <param name="catalog">Where the table is; null is a file catalog in the pipeline's folder.</param>
    public OrderPipeline(string folder, string bootstrap, string topic, RemoteCatalog? catalog = null)
    {
        Folder = folder;
        Topic = topic;
        _catalog = catalog;
        File.WriteAllText(Path.Combine(folder, "orders.yaml"), catalog is null ? Definition
            : $"{Definition.Replace("table: shop.orders", "table: lake.shop.orders", StringComparison.Ordinal)}\ncatalogs: {{ lake: {catalog.Entry} }}\n");
        _environment = new Dictionary<string, string?> { ["BROKER"] = bootstrap, ["TOPIC"] = topic, ["MATIH_WAREHOUSE"] = null, ["MATIH_CATALOG"] = null };
        if (catalog is null) return;
        foreach (var (name, secret) in catalog.Secrets) _environment[name] = secret;
    }

    public string Folder { get; }

    public string Topic { get; }

    public string TableFolder => Path.Combine(Folder, "warehouse", "shop", "orders");

    private string[] Place => _catalog is null ? ["--warehouse", Path.Combine(Folder, "warehouse")] : [];

    public bool HasTable => Directory.Exists(Path.Combine(TableFolder, "metadata")) && Directory.EnumerateFiles(Path.Combine(TableFolder, "metadata"), "v*.metadata.json").Any();

    /// <summary>Lets runs maintain the table every second, with a retention of some seconds.</summary>
    public void KeepTableFast() => ReplaceInDefinition("partition_by: [date] }", "partition_by: [date], maintenance: { interval: 1s, retention: 3s } }");

    public ExternalProcess Start(params string[] options) =>
        MatihProcess.Start(["run", "orders.yaml", .. Place, "--log", "json", .. options], Folder, _environment);

    public Task<ProcessOutput> RunAsync(params string[] options) =>
        MatihProcess.RunAsync(["run", "orders.yaml", .. Place, "--log", "json", .. options], Folder, _environment);

    /// <summary>As <see cref="Start"/>, with more in the environment.</summary>
    public ExternalProcess StartWith(IReadOnlyDictionary<string, string?> environment, params string[] options)
    {
        var all = new Dictionary<string, string?>(_environment);
        foreach (var (name, value) in environment) all[name] = value;
        return MatihProcess.Start(["run", "orders.yaml", .. Place, "--log", "json", .. options], Folder, all);
    }

    /// <summary>Waits until a run's own commits have that many rows.</summary>
    public static async Task WaitForRowsAsync(ExternalProcess run, long rowCount)
    {
        var committed = 0L;
        await run.Error.WaitForAsync(line =>
        {
            if (!line.Contains("\"event\":\"committed\"", StringComparison.Ordinal)) return false;
            using var entry = JsonDocument.Parse(line);
            return (committed += entry.RootElement.GetProperty("rows").GetInt64()) >= rowCount;
        });
    }

    /// <summary>Waits until a run has opened its table and reads.</summary>
    public static Task WaitForOpeningAsync(ExternalProcess run) => run.Error.WaitForAsync(IsOpening);

    /// <summary>How often a run has taken an open ledger over.</summary>
    public static int TakeoverCount(ExternalProcess run) => run.Error.Lines.Count(line => line.Contains("\"event\":\"taken-over\"", StringComparison.Ordinal));

    /// <summary>Whether the ledger is open or closed, as the command shows it.</summary>
    public async Task<string?> LedgerStateAsync()
    {
        var output = (await MatihProcess.RunAsync(["table", "ledger", "shop.orders", "--json", .. _catalog is null ? Place : ["--definition", "orders.yaml"]], Folder, _environment)).Expect();
        using var ledgers = JsonDocument.Parse(output.StandardOutput);
        return ledgers.RootElement[0].GetProperty("state").GetString();
    }

    /// <summary>What <c>matih verify</c> says of the pipeline.</summary>
    public Task<ProcessOutput> VerifyAsync(params string[] options) =>
        MatihProcess.RunAsync(["verify", "orders.yaml", .. Place, .. options], Folder, _environment);

    /// <summary>Asserts that <c>matih verify</c> ends with that code, and gives what it says of the one flow.</summary>
    public async Task<JsonElement> VerifiedAsync(int exitCode = 0, params string[] options)
    {
        var output = (await VerifyAsync(["--json", .. options])).Expect(exitCode);
        var report = JsonDocument.Parse(output.StandardOutput).RootElement;
        Assert.Equal(exitCode, report.GetProperty("exit_code").GetInt32());
        return report.GetProperty("flows")[0];
    }

    /// <summary>What <c>matih catalog check</c> says of the definition's catalog.</summary>
    public Task<ProcessOutput> CheckCatalogAsync() => MatihProcess.RunAsync(["catalog", "check", "orders.yaml", .. Place], Folder, _environment);

    /// <summary>Any other verb on the definition.</summary>
    public Task<ProcessOutput> CommandAsync(string verb, params string[] options) =>
        MatihProcess.RunAsync([verb, "orders.yaml", .. Place, .. options], Folder, _environment);

    /// <summary>What a person does with an editor: texts and what comes in their place, in turn.</summary>
    public void ReplaceInDefinition(params string[] changes)
    {
        var path = Path.Combine(Folder, "orders.yaml");
        var text = File.ReadAllText(path);
        for (var i = 0; i < changes.Length; i += 2)
        {
            Assert.Contains(changes[i], text, StringComparison.Ordinal);
            text = text.Replace(changes[i], changes[i + 1], StringComparison.Ordinal);
        }
        File.WriteAllText(path, text);
    }

    /// <summary>Commits everything that the topic holds now, and ends.</summary>
    public async Task CatchUpAsync(params string[] options) => (await RunAsync(["--until-caught-up", .. options])).Expect();

    /// <summary>Order records in the form that the definition reads.</summary>
    public static IEnumerable<string> Orders(int firstId, int count) => Enumerable.Range(firstId, count)
        .Select(id => string.Create(CultureInfo.InvariantCulture, $$"""{"id":{{id}},"note":"order {{id}}"}"""));

    /// <summary>A file of such records, one a line.</summary>
    public string OrderFile(int firstId, int count)
    {
        var path = Path.Combine(Folder, $"orders-{firstId}.ndjson");
        File.WriteAllText(path, string.Join('\n', Orders(firstId, count)) + "\n", new UTF8Encoding(false));
        return path;
    }

    /// <summary>By DuckDB, or by PyIceberg from the catalog's own store: rows, distinct positions, distinct ids.</summary>
    public async Task<(long Rows, long Positions, long Ids)> CountAsync()
    {
        if (_catalog is not null) return await _catalog.CountAsync();
        var row = (await DuckDb.QueryAsync($"""select count(*) as n, count(distinct ("partition", "offset")) as p, count(distinct id) as i from iceberg_scan('{TableFolder}')"""))[0];
        return (Number(row, "n"), Number(row, "p"), Number(row, "i"));
    }

    /// <summary>Asserts that the reference implementation has nothing to say against the table, or against a copy of it on this disk.</summary>
    public async Task CheckAsync()
    {
        if (_catalog is null) await IcebergReference.CheckAsync(TableFolder);
        else await _catalog.CheckAsync(Path.Combine(Folder, "copy"));
    }

    private static bool IsOpening(string line) =>
        line.Contains("\"event\":\"started\"", StringComparison.Ordinal) || line.Contains("\"event\":\"taken-over\"", StringComparison.Ordinal) ||
        line.Contains("\"event\":\"resumed\"", StringComparison.Ordinal);

    private static long Number(JsonElement row, string name) => row.GetProperty(name).GetInt64();
}
