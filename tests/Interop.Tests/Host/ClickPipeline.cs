using System.Text.Json;
using Matih.Fixtures;
using Matih.Interop.Tests.Kafka;
using Matih.Kafka;
using Matih.Kafka.Native;

namespace Matih.Interop.Tests.Host;

/// <summary>A small pipeline on an embedded Kafka of the test's own process, for tests of the <c>matih</c> command.</summary>
internal sealed class ClickPipeline : IDisposable
{
    private const string Topic = "clicks";
    private readonly MockCluster _cluster;
    private readonly RecordProducer _producer;

    public ClickPipeline()
    {
        var library = ClientLibrary.Loaded;
        _cluster = MockCluster.Start(library);
        _cluster.CreateTopic(Topic, 2);
        _producer = RecordProducer.Open(library, new Dictionary<string, string> { ["bootstrap.servers"] = _cluster.BootstrapServers }, TimeProvider.System);
        Directory = TemporaryDirectory.New();
        File.WriteAllText(DefinitionFile,
            """
            metadata: { name: clicks }
            sources:
              clicks:
                type: kafka
                connection: ${KAFKA_CONNECTION}
                topic: clicks
                consumer_group: clicks-test
                format: json
            transformations:
              - name: parse
                type: sql_transform
                input: clicks
                sql: SELECT JSON_VALUE(`value`, '$.n') AS n FROM {{ input }}
            sinks:
              lake: { type: iceberg, table: web.clicks, mode: append }
            orchestration: { checkpoint_interval: 1h, idle_timeout: 1s, max_retries: 0 }
            """);
    }

    public string Directory { get; }

    public string DefinitionFile => Path.Combine(Directory, "clicks.yaml");

    public void Produce(int count, string value = "{\"n\":1}")
    {
        for (var i = 0; i < count; i++) _producer.Produce(Topic, default, System.Text.Encoding.UTF8.GetBytes(value), i % 2);
        if (!_producer.Flush(TimeSpan.FromSeconds(30))) throw new TimeoutException("The mock cluster did not take the records.");
    }

    public ExternalProcess Start(params string[] options) => MatihProcess.Start(["run", DefinitionFile, "--progress", "plain", .. options], Directory, Variables());

    /// <summary>By another program that ends up as the command: its name, its arguments up to the command, and more in the environment.</summary>
    public ExternalProcess StartThrough(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment, params string[] options)
    {
        var variables = Variables();
        foreach (var (name, value) in environment) variables[name] = value;
        return ExternalProcess.Start(program, [.. arguments, MatihProcess.Executable, "run", DefinitionFile, "--progress", "plain", .. options], Directory, variables);
    }

    /// <summary>On a pseudo terminal of that many columns; the output is all that a terminal would get, the input what a person types.</summary>
    public ExternalProcess StartOnTerminal(int width, params string[] options) => ExternalProcess.Start(
        "script", ["-qefc", $"stty cols {width} rows 24 && exec '{MatihProcess.Executable}' run '{DefinitionFile}' {string.Join(' ', options)}", "/dev/null"],
        Directory, new Dictionary<string, string?>(Variables()) { ["TERM"] = "xterm" }, keepInputOpen: true);

    public Task<ProcessOutput> RunAsync(params string[] options) => MatihProcess.RunAsync(["run", DefinitionFile, .. options], Directory, Variables());

    /// <summary>The same with variables of its environment.</summary>
    public Task<ProcessOutput> RunWithAsync(Dictionary<string, string?> variables, params string[] options) =>
        MatihProcess.RunAsync(["run", DefinitionFile, .. options], Directory, new Dictionary<string, string?>([.. Variables(), .. variables]));

    /// <summary>Any other verb on the definition.</summary>
    public Task<ProcessOutput> CommandAsync(string verb, params string[] options) => MatihProcess.RunAsync([verb, DefinitionFile, .. options], Directory, Variables());

    public string TableFolder => Path.Combine(Directory, "warehouse", "web", "clicks");

    /// <summary>What a person does with an editor.</summary>
    public void ReplaceInDefinition(string before, string after)
    {
        var text = File.ReadAllText(DefinitionFile);
        Assert.Contains(before, text, StringComparison.Ordinal);
        File.WriteAllText(DefinitionFile, text.Replace(before, after, StringComparison.Ordinal));
    }

    /// <summary>A view of the table, as <c>matih table</c> prints it with <c>--json</c>.</summary>
    public async Task<JsonElement> TableAsync(string view)
    {
        var output = (await MatihProcess.RunAsync(["table", view, "web.clicks", "--json"], Directory, Variables())).Expect(0);
        return JsonDocument.Parse(output.StandardOutput).RootElement;
    }

    public async Task<long> RowCountAsync() => (await TableAsync("show")).GetProperty("current_snapshot").GetProperty("total_records").GetInt64();

    public async Task<string?> LedgerStateAsync() => (await TableAsync("ledger"))[0].GetProperty("state").GetString();

    public void Dispose()
    {
        _producer.Dispose();
        _cluster.Dispose();
    }

    private Dictionary<string, string?> Variables() => new()
    {
        ["KAFKA_CONNECTION"] = _cluster.BootstrapServers,
        ["MATIH_KAFKA_MOCK"] = "1",
        ["MATIH_WAREHOUSE"] = null,
        ["MATIH_LOG"] = null,
        ["MATIH_LOG_LEVEL"] = null,
    };
}
