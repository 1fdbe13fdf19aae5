using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Matih.Fixtures;
using Matih.Kafka;
using Matih.Kafka.Native;

namespace Matih.Functions.TestHost.Apps;

/// <summary>
/// The real app with one pipeline over a Kafka, with real Durable, and a trigger of the caller's own: what is produced is handed
/// over when the caller says so, twice, in another order, or never. Disposing kills it all.
/// </summary>
public class PipelineApp : IAsyncDisposable
{
    private static readonly Librdkafka Library = Librdkafka.Load(null);

    private readonly PipelineSetup _setup;
    private readonly string _folder = TemporaryDirectory.NewUnowned();
    private readonly MockCluster? _kafka;
    private readonly RecordProducer _producer;
    private readonly List<KafkaTestRecord> _produced = [];
    private readonly long[] _ends;
    private readonly Dictionary<string, string?> _settings;
    private readonly List<AppInstance> _instances = [];

    /// <summary>Starts the Kafka and writes the definition; <see cref="StartInstancesAsync"/> starts the app.</summary>
    protected PipelineApp(PipelineSetup setup)
    {
        _setup = setup;
        if (setup.BootstrapServers is null)
        {
            _kafka = MockCluster.Start(Library);
            _kafka.CreateTopic(setup.Topic, setup.PartitionCount);
        }
        BootstrapServers = setup.BootstrapServers ?? _kafka!.BootstrapServers;
        _ends = new long[setup.PartitionCount];
        _producer = RecordProducer.Open(Library, new Dictionary<string, string> { ["bootstrap.servers"] = BootstrapServers }, TimeProvider.System);
        Directory.CreateDirectory(Pipelines);
        File.WriteAllText(DefinitionFile, setup.Definition);
        _settings = new Dictionary<string, string?>
        {
            ["AzureWebJobsStorage"] = setup.Storage,
            ["AzureFunctionsJobHost__extensions__durableTask__hubName"] = setup.Hub,
            ["MATIH_PIPELINES"] = Pipelines,
            ["KAFKA_CONNECTION"] = BootstrapServers,
            ["LAKE"] = Warehouse,
            ["AZURE_KEY"] = Azurite.Key,
        };
        if (_kafka is not null) _settings["MATIH_KAFKA_MOCK"] = "1";
        foreach (var (name, value) in setup.Settings) _settings[name] = value;
    }

    public static string LibrdkafkaVersion => Library.Version;

    public string BootstrapServers { get; }

    public string Pipelines => Path.Combine(_folder, "pipelines");

    public string DefinitionFile => Path.Combine(Pipelines, $"{_setup.Pipeline}.yaml");

    /// <summary>A folder for a local warehouse, which definitions name as <c>${LAKE}</c>.</summary>
    public string Warehouse => Path.Combine(_folder, "warehouse");

    /// <summary>The first instance that runs.</summary>
    public AppInstance Instance => _instances.FirstOrDefault(instance => instance.IsRunning) ?? _instances[0];

    public int InstanceCount => _instances.Count;

    public IReadOnlyList<KafkaTestRecord> Produced => _produced;

    public IReadOnlyDictionary<string, string?> Settings => _settings;

    /// <summary>Adds a setting, before the start.</summary>
    public void Set(string name, string value) => _settings[name] = value;

    /// <summary>Starts Kafka and app.</summary>
    public static async Task<PipelineApp> StartAsync(PipelineSetup setup)
    {
        var app = new PipelineApp(setup);
        try
        {
            await app.StartInstancesAsync(1);
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    protected async Task StartInstancesAsync(int count)
    {
        for (var i = 0; i < count; i++) _instances.Add(await AppInstance.StartAsync(_setup.App, _settings));
    }

    /// <summary>Produces records with numbers of their own, and gives them as a trigger would hand them over.</summary>
    /// <exception cref="InvalidOperationException">The broker did not take them all.</exception>
    public IReadOnlyList<KafkaTestRecord> Produce(int count)
    {
        var from = _produced.Count;
        for (var i = 0; i < count; i++)
        {
            var partition = (from + i) % _ends.Length;
            var value = _setup.Value(from + i);
            // librdkafka takes a timestamp of 0 for "now".
            var timestamp = DateTimeOffset.UnixEpoch.AddSeconds(1 + from + i);
            _producer.Produce(_setup.Topic, [], value, partition, timestamp.ToUnixTimeMilliseconds());
            _produced.Add(new KafkaTestRecord(_setup.Topic, partition, _ends[partition]++, null, value, timestamp));
        }
        if (!_producer.Flush(TimeSpan.FromSeconds(30)) || _producer.FailedCount > 0)
            throw new InvalidOperationException($"The broker at {BootstrapServers} did not take all of {count} records within 30 s: {_producer.LastFailure}");
        return _produced[from..];
    }

    /// <summary>Hands records over, as the trigger of the source.</summary>
    public Task<FunctionResult> HandInAsync(IEnumerable<KafkaTestRecord> records, int instance = 0) =>
        _instances[instance].Worker.InvokeAsync($"ingest-{_setup.Pipeline}-{_setup.Source}", KafkaBatch.Of(records));

    public AppInstance At(int instance) => _instances[instance];

    /// <param name="instance">Null for one that runs.</param>
    public Task<FunctionResult> TickAsync(int? instance = null) => (instance is { } number ? At(number) : Instance).Worker.InvokeAsync("watch", TimerTick.At(DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow));

    /// <summary>The hourly timer that maintains the tables.</summary>
    public Task<FunctionResult> MaintainAsync() => Instance.Worker.InvokeAsync("maintain", TimerTick.At(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow));

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

    /// <summary>Posts to an instance, which may be down in part.</summary>
    public async Task<HttpStatusCode> TryPostAsync(string path, int instance)
    {
        using var client = new HttpClient { BaseAddress = _instances[instance].Worker.HttpAddress };
        using var answer = await client.PostAsync($"api/{path}", null);
        return answer.StatusCode;
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
    /// <param name="ticks">
    /// Whether the timer ticks from the beginning. It does so after a minute in any case, as in an app: Durable Functions drop a message
    /// that comes while a loop falls asleep, and where little time is idle time that is not rare.
    /// </param>
    public async Task WaitUntilCommittedAsync(bool ticks = false)
    {
        string? last = null;
        var begun = DateTime.UtcNow;
        for (var end = begun.AddMinutes(ticks ? 12 : 6); DateTime.UtcNow < end; await Task.Delay(ticks ? 1000 : 300))
        {
            ticks = ticks || DateTime.UtcNow - begun > TimeSpan.FromMinutes(1);
            if (ticks) (await TickAsync()).Expect();
            var status = await GetAsync($"pipelines/{_setup.Pipeline}");
            last = status.GetRawText();
            if (status.GetProperty("flows")[0].GetProperty("state").GetString() == "up-to-date") return;
        }
        throw new TimeoutException($"The table did not catch up: {last}\n{Instance.Worker.Log.Text}\n{Instance.HostLog.Text}");
    }

    /// <summary>What <c>matih verify</c>, run as a process of its own, says of the table; <c>proven</c> where nothing is missing or doubled.</summary>
    public async Task<string> VerifyAsync()
    {
        var verified = await MatihAsync("verify", DefinitionFile, "--json");
        return JsonDocument.Parse(verified.StandardOutput.Length > 0 ? verified.StandardOutput : verified.Expect().StandardOutput).RootElement.GetProperty("result").GetString()!;
    }

    /// <summary>Runs the command with the app's settings.</summary>
    public Task<ProcessOutput> MatihAsync(params string[] arguments) => ExternalProcess.RunAsync(BuiltApps.Matih, arguments, environment: _settings);

    public async ValueTask DisposeAsync()
    {
        foreach (var instance in _instances) await instance.DisposeAsync();
        _producer.Dispose();
        _kafka?.Dispose();
        TemporaryDirectory.Delete(_folder);
        GC.SuppressFinalize(this);
    }
}
