namespace Matih.Fixtures;

/// <summary>
/// A real Kafka broker in a process and folder of its own. It ends with the fixture, and also when the test process dies:
/// a guard process kills it once its standard input, a pipe held by the tests, is closed.
/// </summary>
public sealed class KafkaBroker : IAsyncDisposable
{
    private readonly string _tool;
    private readonly string _folder;
    private readonly Dictionary<string, string> _endpoints = [];
    private readonly Lazy<Task<KafkaClient>> _client;
    private readonly ExternalProcess _guard;

    private KafkaBroker(string tool, string folder)
    {
        _tool = tool;
        _folder = folder;
        // The guard outlives a killed test process, so it looks for the pid again and again: the broker may just be starting.
        const string guard = """read -r _; for _ in $(seq 100); do kill -KILL "$(cat "$1/kafka.pid")" && break; sleep 0.2; done; rm -rf "$1" """;
        _guard = ExternalProcess.Start("/bin/sh", ["-c", guard, "sh", folder], keepInputOpen: true);
        _client = new Lazy<Task<KafkaClient>>(() => KafkaClient.ConnectAsync(Bootstrap));
    }

    /// <summary>Address of the plain listener, which is a super user.</summary>
    public string Bootstrap => _endpoints["KAFKA_BOOTSTRAP"];

    /// <summary>Addresses of the other listeners; only of a secure broker.</summary>
    public string SaslPlaintext => _endpoints["KAFKA_SASL_PLAINTEXT"];
    public string SaslSsl => _endpoints["KAFKA_SASL_SSL"];
    public string Ssl => _endpoints["KAFKA_SSL"];

    /// <summary>PEM files of the listeners with TLS: the authority, and a client's certificate and key.</summary>
    public string CaPath => _endpoints["KAFKA_CA"];
    public string ClientCertificatePath => _endpoints["KAFKA_CLIENT_CERT"];
    public string ClientKeyPath => _endpoints["KAFKA_CLIENT_KEY"];

    /// <summary>A user of the SASL listeners (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512); bob/bob-secret is another.</summary>
    public string User => _endpoints["KAFKA_USER"];
    public string Password => _endpoints["KAFKA_PASSWORD"];

    /// <summary>The broker's log, for a failure's report.</summary>
    public string LogPath => Path.Combine(_folder, "kafka.log");

    /// <summary>An independent client of this broker, on the plain listener: topics, records, transactions, groups.</summary>
    public Task<KafkaClient> ClientAsync() => _client.Value;

    /// <param name="secure">Adds the listeners with SASL and TLS.</param>
    /// <param name="settings">Further broker properties, <c>key=value</c>.</param>
    public static async Task<KafkaBroker> StartAsync(bool secure = false, params string[] settings)
    {
        var broker = new KafkaBroker(SharedTools.Find("kafka/kafka"), TemporaryDirectory.NewUnowned());
        try
        {
            await broker.StartInFolderAsync([.. secure ? ["--secure"] : Array.Empty<string>(), .. settings.SelectMany(setting => new[] { "--set", setting })]);
            return broker;
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    /// <summary>A name that no other test uses.</summary>
    public static string NewName(string stem) => $"{stem}.{Guid.NewGuid():N}";

    /// <summary>SIGKILL, as a machine that loses power.</summary>
    public Task KillAsync() => ControlAsync("kill");

    /// <summary>SIGTERM, and waits for the end.</summary>
    public Task StopAsync() => ControlAsync("stop");

    /// <summary>Starts a killed or stopped broker again with its ports, data and identity.</summary>
    public Task RestartAsync() => StartInFolderAsync([]);

    /// <summary>SIGSTOP: connections stay open and nothing answers.</summary>
    public Task PauseAsync() => ControlAsync("pause");

    public Task ResumeAsync() => ControlAsync("resume");

    public async ValueTask DisposeAsync()
    {
        if (_client.IsValueCreated && _client.Value.IsCompletedSuccessfully) await _client.Value.Result.DisposeAsync();
        if (_endpoints.Count != 0) await ControlAsync("kill");
        await _guard.DisposeAsync();
        TemporaryDirectory.Delete(_folder);
    }

    private async Task StartInFolderAsync(string[] options)
    {
        // --heap bounds what several brokers of a test run take; the tools' own default.
        // Tier 1: a broker that lives for minutes does not earn back what Java's optimizing compiler takes.
        var output = await ExternalProcess.RunAsync(
            _tool, ["start", "--dir", _folder, "--heap", "512m", .. options], environment: new Dictionary<string, string?> { ["KAFKA_TIER"] = "1" });
        foreach (var line in output.Expect().StandardOutput.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = (line[..line.IndexOf('=', StringComparison.Ordinal)], line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..]);
            _endpoints[name] = value;
        }
    }

    private async Task ControlAsync(string verb) => (await ExternalProcess.RunAsync(_tool, [verb, "--dir", _folder])).Expect();
}
