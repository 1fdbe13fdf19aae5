using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Matih.Fixtures;
using Matih.Functions.TestHost;
using Matih.Kafka;
using Matih.Kafka.Native;

namespace Matih.Functions.Tests.App;

/// <summary>
/// The real app over an embedded Kafka, real Durable and a local warehouse, with a trigger of the test's own: what it produces is
/// handed over when the test says so, twice, in another order, or never.
/// </summary>
internal sealed class RunningApp : IAsyncDisposable
{
    public const string Topic = "clicks";

    private const string Definition = """
        metadata: { name: clicks, version: "1.0.0" }
        catalogs:
          lake: { type: file, warehouse: "${LAKE}" }
        sources:
          clicks:
            type: kafka
            connection: ${KAFKA_CONNECTION}
            topic: clicks
            consumer_group: clicks-fn
            format: json
        transformations:
          - name: parse
            type: sql_transform
            sql: SELECT JSON_VALUE(value, '$.id') AS id FROM {{ input }}
        sinks:
          lake: { type: iceberg, table: web.clicks }
        orchestration: { checkpoint_interval: 1s, idle_timeout: 5s }
        """;

    private static readonly Librdkafka Library = Librdkafka.Load(null);

    private readonly string _folder = TemporaryDirectory.NewUnowned();
    private readonly MockCluster _kafka = MockCluster.Start(Library);
    private readonly RecordProducer _producer;
    private readonly List<KafkaTestRecord> _produced = [];
    private readonly long[] _ends;
    private readonly Dictionary<string, string?> _settings;
    private readonly List<AppInstance> _instances = [];

    private RunningApp(string storage, string hub, int partitionCount)
    {
        _kafka.CreateTopic(Topic, partitionCount);
        _ends = new long[partitionCount];
        _producer = RecordProducer.Open(Library, new Dictionary<string, string> { ["bootstrap.servers"] = _kafka.BootstrapServers }, TimeProvider.System);
        Directory.CreateDirectory(Pipelines);
        File.WriteAllText(Path.Combine(Pipelines, "clicks.yaml"), Definition);
        _settings = new Dictionary<string, string?>
        {
            ["AzureWebJobsStorage"] = storage,
            ["AzureFunctionsJobHost__extensions__durableTask__hubName"] = hub,
            ["AzureFunctionsJobHost__extensions__durableTask__storageProvider__maxQueuePollingInterval"] = "00:00:01",
            ["AzureFunctionsJobHost__extensions__durableTask__storageProvider__controlQueueVisibilityTimeout"] = "00:01:00",
            ["AzureFunctionsJobHost__extensions__durableTask__storageProvider__workItemQueueVisibilityTimeout"] = "00:01:00",
            ["MATIH_PIPELINES"] = Pipelines,
            ["MATIH_KAFKA_MOCK"] = "1",
            ["KAFKA_CONNECTION"] = _kafka.BootstrapServers,
            ["LAKE"] = Warehouse,
        };
    }

    public string Pipelines => Path.Combine(_folder, "pipelines");

    public string Warehouse => Path.Combine(_folder, "warehouse");

    public string Table => Path.Combine(Warehouse, "web", "clicks");

    public AppInstance Instance => _instances[0];

    public IReadOnlyList<KafkaTestRecord> Produced => _produced;

    public IReadOnlyDictionary<string, string?> Settings => _settings;

    /// <summary>Adds a setting, before the start.</summary>
    public void Set(string name, string value) => _settings[name] = value;

    public static async Task<RunningApp> StartAsync(SharedStorage storage, string hub, int partitionCount = 2, int instanceCount = 1, Action<RunningApp>? prepare = null)
    {
        var app = new RunningApp((await storage.StartedAsync()).ConnectionString, hub, partitionCount);
        prepare?.Invoke(app);
        for (var i = 0; i < instanceCount; i++) app._instances.Add(await AppInstance.StartAsync(BuiltApps.Functions, app._settings));
        return app;
    }

    /// <summary>Produces records with ids of their own, and gives them as a trigger would hand them over.</summary>
    public IReadOnlyList<KafkaTestRecord> Produce(int count)
    {
        var from = _produced.Count;
        for (var i = 0; i < count; i++)
        {
            var partition = (from + i) % _ends.Length;
            var value = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{"id":"{{from + i}}"}"""));
            _producer.Produce(Topic, [], value, partition, DateTimeOffset.UnixEpoch.AddSeconds(from + i).ToUnixTimeMilliseconds());
            _produced.Add(new KafkaTestRecord(Topic, partition, _ends[partition]++, null, value, DateTimeOffset.UnixEpoch.AddSeconds(from + i)));
        }
        Assert.True(_producer.Flush(TimeSpan.FromSeconds(30)));
        return _produced[from..];
    }

    /// <summary>Hands records over, as the trigger of the source.</summary>
    public Task<FunctionResult> HandInAsync(IEnumerable<KafkaTestRecord> records, int instance = 0) =>
        _instances[instance].Worker.InvokeAsync("ingest-clicks-clicks", KafkaBatch.Of(records));

    public AppInstance At(int instance) => _instances[instance];

    public Task<FunctionResult> TickAsync(int instance = 0) => _instances[instance].Worker.InvokeAsync("watch", TimerTick.At(DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow));

    public async Task<JsonElement> GetAsync(string path)
    {
        using var client = new HttpClient { BaseAddress = Instance.Worker.HttpAddress };
        return await client.GetFromJsonAsync<JsonElement>($"api/{path}");
    }

    public async Task PostAsync(string path)
    {
        using var client = new HttpClient { BaseAddress = Instance.Worker.HttpAddress };
        (await client.PostAsync($"api/{path}", null)).EnsureSuccessStatusCode();
    }

    /// <summary>Waits until the loop is in a state.</summary>
    public async Task<JsonElement> WaitForStateAsync(params string[] states)
    {
        string? last = null;
        for (var end = DateTime.UtcNow.AddMinutes(4); DateTime.UtcNow < end; await Task.Delay(200))
        {
            var pipeline = (await GetAsync("pipelines")).GetProperty("pipelines")[0];
            last = pipeline.GetRawText();
            if (states.Contains(pipeline.GetProperty("state").GetString())) return pipeline;
        }
        throw new TimeoutException($"The loop did not come to {string.Join(" or ", states)}: {last}\n{Instance.Worker.Log.Text}\n{Instance.HostLog.Text}");
    }

    /// <summary>Waits until the table's positions are the topic's ends.</summary>
    public async Task WaitUntilCommittedAsync()
    {
        string? last = null;
        for (var end = DateTime.UtcNow.AddMinutes(4); DateTime.UtcNow < end; await Task.Delay(300))
        {
            var status = await GetAsync("pipelines/clicks");
            last = status.GetRawText();
            if (status.GetProperty("flows")[0].GetProperty("state").GetString() == "up-to-date") return;
        }
        throw new TimeoutException($"The table did not catch up: {last}\n{Instance.Worker.Log.Text}\n{Instance.HostLog.Text}");
    }

    /// <summary>Asserts that the table holds every record that was produced once, by a reader that is not ours, and that verify agrees.</summary>
    public async Task AssertExactAsync()
    {
        var rows = await IcebergReference.ScanAsync(Table);
        Assert.Equal(
            Enumerable.Range(0, _produced.Count).Select(id => id.ToString(CultureInfo.InvariantCulture)).Order(StringComparer.Ordinal),
            rows.Select(row => row.GetProperty("id").GetString()).Order(StringComparer.Ordinal));
        await IcebergReference.CheckAsync(Table);
        var verified = await MatihAsync("verify", Path.Combine(Pipelines, "clicks.yaml"), "--json");
        Assert.Equal("proven", JsonDocument.Parse(verified.Expect().StandardOutput).RootElement.GetProperty("result").GetString());
    }

    /// <summary>Runs the command with the app's settings.</summary>
    public Task<ProcessOutput> MatihAsync(params string[] arguments) => ExternalProcess.RunAsync(BuiltApps.Matih, arguments, environment: _settings);

    public async ValueTask DisposeAsync()
    {
        foreach (var instance in _instances) await instance.DisposeAsync();
        _producer.Dispose();
        _kafka.Dispose();
        TemporaryDirectory.Delete(_folder);
    }
}
